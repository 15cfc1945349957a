"""Order statistics: patterns of data made to deceive a selection."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from kernels import top_k
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


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("percentile", "quantile"))
def test_no_pattern_of_the_data_deceives_quantiles(tuned, variant, dtype):
    unit = {"percentile": 100.0, "quantile": 1.0}[tuned.__name__]
    for n in (1, 2, 3, 10, 129, 1025, 4000):
        for values in deceiving(n):
            with np.errstate(all="ignore"):
                x = values.astype(dtype)
                x = strided(x) if variant.name == "compact" else x
                for q in (0.0, 0.001, 0.3, 0.5, 0.9, 0.999, 1.0):
                    expected = tuned.reference(x, q * unit)
                    for setting in variant.space:
                        found = variant.function(x, q * unit, **dict(setting))
                        assert found.tobytes() == expected.tobytes() or np.isnan(found) == np.isnan(expected) == 1


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("histogram"))
def test_elements_on_edges_and_beside_them_are_counted_as_numpy_does(tuned, variant, dtype):
    for bins in (1, 3, 10, 49, 1000):
        for first, last in ((0.0, 1.0), (-0.3, 0.7), (1e-3, 1e3), (0, 7), (1e6, 1e6 + 1)):
            edges = np.linspace(first, last, bins + 1, dtype=dtype)
            x = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), [np.nan, np.inf]])
            x = x.astype(dtype)
            x = strided(x) if variant.name == "compact" else x
            if edges[0] < edges[1]:
                for setting in variant.space:
                    for found, expected in zip(
                        variant.function(x, bins, (first, last), **dict(setting)),
                        np.histogram(x, bins, (first, last)),
                        strict=True,
                    ):
                        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("median"))
def test_a_middle_that_overflows_is_reported_for_long_arrays_too(tuned, variant, dtype):
    x = np.full(3000, np.finfo(dtype).max, dtype)
    x = strided(x) if variant.name == "compact" else x

    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        variant.function(x, **dict(next(iter(variant.space))))


def ranked(x, k):
    """The definition of top_k: sort all, NaN first, by value and then by index."""
    order = sorted(range(x.size), key=lambda i: (x[i] == x[i], -x[i] if x[i] == x[i] else 0, i))[:k]
    return x[order], np.array(order, np.intp)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_are_sorted_by_value_and_then_by_place(dtype):
    for n in (1, 2, 9, 130, 600):
        for values in deceiving(n):
            with np.errstate(all="ignore"):
                x = values.astype(dtype)
            for k in {1, n // 3, n - 1, n}:
                expected = ranked(x, k)
                calls = [top_k.reference, *(partial(top_k.call, name) for name in top_k.variants if k > 0)]
                for call in calls:
                    found = call(x, k)
                    np.testing.assert_array_equal(found[0], expected[0], strict=True)
                    np.testing.assert_array_equal(found[1], expected[1], strict=True)


def test_the_largest_of_other_types_are_found_too():
    values, indices = top_k(np.array([3, 7, 250, 7], np.uint8), 3)

    assert (values.tolist(), indices.tolist()) == ([250, 7, 7], [2, 1, 3])


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("median"))
def test_a_sample_that_misleads_costs_the_median_no_digit(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    setting = dict(next(iter(variant.space)))

    for seed in range(10_000):
        n = 5 * setting.get("samples", 20) + seed % 2
        x = rng.permutation(n).astype(dtype)
        x = strided(x) if variant.name == "compact" else x
        assert variant.function(x, **setting) == (n - 1) / 2
