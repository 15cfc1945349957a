"""Signals: every length beside every other, and blocks of every kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.kernels.books import variants_of

LENGTHS = (*range(1, 12), 15, 16, 17, 24, 25, 33)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("convolve", "fir_filter", "autocorrelation"))
def test_sums_of_whole_numbers_are_exact_for_all_lengths(tuned, variant, dtype):
    """Eight weights at a time, fewer at the ends of the signal and of the weights."""
    rng = np.random.default_rng(0)
    modes = ({"mode": "full"}, {"mode": "same"}, {"mode": "valid"}) if tuned.__name__ == "convolve" else ({},)
    arguments = 1 if tuned.__name__ == "autocorrelation" else 2

    for sizes in itertools.product(LENGTHS, repeat=arguments):
        signals = [rng.integers(-4, 5, size).astype(dtype) for size in sizes]
        for kwargs in modes:
            found = tuned.call(variant.name, *signals, **kwargs)
            exact = np.round(found) if variant.numerics == "approximate" else found

            np.testing.assert_array_equal(exact, tuned.reference(*signals, **kwargs), strict=True)


BLOCKED = [param for param in variants_of("convolve") if "block" in dict(param.values[1].space.default)]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), BLOCKED)
def test_where_blocks_begin_changes_no_bit(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    x, h = (rng.standard_normal(n).astype(dtype) for n in (200, 21))
    whole = variant.function(x, h, block=1024)

    for block in (1, 3, 8, 50):
        assert variant.function(x, h, block=block).tobytes() == whole.tobytes()
