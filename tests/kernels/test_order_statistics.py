"""Order statistics: patterns of data made to deceive a selection."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.books import variants_of
from tests.kernels.calls import strided


def deceiving(n):
    """Arrays of which a sample says little: equal elements, order, few values, infinities, NaN."""
    rng = np.random.default_rng(n)
    yield rng.standard_normal(n)
    yield np.zeros(n)
    yield np.arange(n)
    yield np.arange(n)[::-1]
    yield np.abs(np.arange(n) - n // 2)
    yield rng.integers(0, 3, n)
    yield rng.integers(0, n // 3 + 1, n)
    yield np.where(np.arange(n) < n // 2, 0.0, 1.0)
    yield np.where(rng.random(n) < 0.5, -0.0, 0.0)
    yield np.where(rng.random(n) < 0.6, np.inf, rng.standard_normal(n))
    yield np.where(rng.random(n) < 0.6, -np.inf, rng.standard_normal(n))
    yield np.where(np.arange(n) == n // 3, np.nan, rng.standard_normal(n))
    yield rng.standard_normal(n) * 1e-310
    yield np.exp(rng.standard_normal(n) * 80)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("median"))
def test_no_pattern_of_the_data_deceives_the_median(tuned, variant, dtype):
    for n in (*range(1, 40), 127, 128, 129, 513, 1025, 4000):
        for values in deceiving(n):
            with np.errstate(all="ignore"):
                x = values.astype(dtype)
                x = strided(x) if variant.name == "compact" else x
                expected = np.median(x)
                for setting in variant.space:
                    found = variant.function(x, **dict(setting))
                    assert found.tobytes() == expected.tobytes() or np.isnan(found) == np.isnan(expected) == 1


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("median"))
def test_a_sample_that_misleads_costs_the_median_no_digit(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    setting = dict(next(iter(variant.space)))

    for seed in range(10_000):
        n = 5 * setting.get("samples", 20) + seed % 2
        x = rng.permutation(n).astype(dtype)
        x = strided(x) if variant.name == "compact" else x
        assert variant.function(x, **setting) == (n - 1) / 2
