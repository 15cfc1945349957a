"""Reductions: accuracy where errors add up or cancel."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from tests.kernels.books import variants_of
from tests.kernels.calls import Call, strided
from tests.kernels.manners import normal


def along(variant, x):
    """A call of a variant with the elements of a vector, which is all that it reduces."""
    if variant.name.startswith("compact"):
        return Call((strided(x),))
    if "row" in variant.name:
        return Call((x[None],), {"axis": -1})
    return Call((x[:, None],), {"axis": 0}) if "column" in variant.name else Call((x,))


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("sum", "mean"))
def test_the_error_of_sums_does_not_grow_with_their_length(tuned, variant, dtype):
    x = np.full(6_000_000, 0.1, dtype)  # equal terms: all errors have one sign
    true = float(x[0]) * (x.size if tuned.__name__ == "sum" else 1)

    found = along(variant, x).of(partial(tuned.call, variant.name))

    assert abs(found.item() - true) <= 64 * np.finfo(dtype).eps * true


#: Short rows are multiplied as NumPy does it.
WHOLE = [param for param in variants_of("prod") if "row" not in param.values[1].name]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), WHOLE)
def test_products_of_growth_rates_are_not_biased(tuned, variant, dtype):
    """Near 1 roundings have a direction: one way just below, where numbers are denser, and another just above."""
    x = np.exp(1e-3 * np.random.default_rng(5).standard_normal(3_000_000)).astype(dtype)
    true = np.prod(x.astype(np.float64) if dtype == "float32" else x.astype(np.longdouble))

    found = along(variant, x).of(partial(tuned.call, variant.name))

    assert abs(found / true - 1) <= 4000 * np.finfo(dtype).eps  # two random walks of so many roundings; biased: 14,000


#: Along the first axis deviations are taken from a mean that is rounded as NumPy's.
EXACT = [param for param in variants_of("var", "std") if "column" not in param.values[1].name]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), EXACT)
def test_variances_keep_their_digits_far_from_zero(tuned, variant, dtype):
    x = {"float32": 1e4, "float64": 1e9}[dtype] + normal(dtype, 50_000)
    mean = math.fsum(x.tolist()) / x.size
    true = math.fsum((value - mean) ** 2 for value in x.tolist()) / x.size
    true = math.sqrt(true) if tuned.__name__ == "std" else true

    found = along(variant, x).of(partial(tuned.call, variant.name))

    assert abs(found.item() - true) <= 64 * np.finfo(dtype).eps * true
