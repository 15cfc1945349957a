"""Reductions: accuracy where errors add up or cancel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.kernels.books import variants_of
from tests.kernels.calls import strided
from tests.kernels.manners import normal


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("sum", "mean"))
def test_the_error_of_sums_does_not_grow_with_their_length(tuned, variant, dtype):
    x = np.full(6_000_000, 0.1, dtype)  # equal terms: all errors have one sign
    true = float(x[0]) * (x.size if tuned.__name__ == "sum" else 1)

    found = tuned.call(variant.name, strided(x) if variant.name == "compact" else x)

    assert abs(float(found) - true) <= 64 * np.finfo(dtype).eps * true


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("var", "std"))
def test_variances_keep_their_digits_far_from_zero(tuned, variant, dtype):
    x = {"float32": 1e4, "float64": 1e9}[dtype] + normal(dtype, 50_000)
    x = strided(x) if variant.name == "compact_two_pass" else x
    mean = math.fsum(x.tolist()) / x.size
    true = math.fsum((value - mean) ** 2 for value in x.tolist()) / x.size
    true = math.sqrt(true) if tuned.__name__ == "std" else true

    assert abs(float(tuned.call(variant.name, x)) - true) <= 64 * np.finfo(dtype).eps * true
