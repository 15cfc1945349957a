"""Statistics: sums that are known, and the rules of angles."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from tests.kernels.books import variants_of
from tests.kernels.calls import strided


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("correlation"))
def test_a_correlation_keeps_its_digits_far_from_zero(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(50_000) + 1e6).astype(dtype)
    y = (x + rng.standard_normal(50_000)).astype(dtype)
    x = strided(x) if variant.name == "compact" else x
    wide_x, wide_y = (array.astype(np.longdouble) - array.astype(np.longdouble).mean() for array in (x, y))
    true = (wide_x * wide_y).sum() / np.sqrt((wide_x**2).sum() * (wide_y**2).sum())

    assert abs(tuned.call(variant.name, x, y) - true) < 1e-13


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("correlation"))
def test_a_correlation_keeps_its_digits_where_the_series_drifts_or_jumps(tuned, variant, dtype):
    """A single pass sums about an origin that it guesses from few elements."""
    rng = np.random.default_rng(0)
    n = 640_000
    noise = rng.standard_normal((2, n))
    jumps = np.where(np.arange(n) % 10_000, 0, 1e6)  # met by every element that the guess is made of
    for x, y in (noise + np.linspace(0, 1e6, n), noise + jumps, noise + np.array([[1e6], [0]]) * (jumps > 0)):
        x, y = x.astype(dtype), y.astype(dtype)
        x = strided(x) if variant.name == "compact" else x
        wide_x, wide_y = (array.astype(np.longdouble) - array.astype(np.longdouble).mean() for array in (x, y))
        true = (wide_x * wide_y).sum() / np.sqrt((wide_x**2).sum() * (wide_y**2).sum())

        assert abs(tuned.call(variant.name, x, y) - true) < 1e-13


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("correlation"))
def test_a_series_correlates_fully_with_itself(tuned, variant, dtype):
    x = np.random.default_rng(0).standard_normal(1000).astype(dtype)
    x = strided(x) if variant.name == "compact" else x

    for y, expected in ((x, 1.0), (-x, -1.0)):
        found = tuned.call(variant.name, x, y)
        assert abs(found - expected) < 1e-15
        assert abs(found) <= 1


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("lagged_correlation"))
def test_a_series_correlates_with_itself_some_steps_later(tuned, variant, dtype):
    noise = np.random.default_rng(0).standard_normal(20_005).astype(dtype)
    lags = 11

    for correlate in (tuned.reference, partial(tuned.call, variant.name)):
        later, earlier = correlate(noise[5:], noise[:-5], lags), correlate(noise[:-5], noise[5:], lags)

        assert later.argmax() == 5
        assert later[5] > 0.999
        assert np.abs(np.delete(later, 5)).max() < 5 / np.sqrt(noise.size)
        assert np.abs(earlier).max() < 5 / np.sqrt(noise.size)
        np.testing.assert_allclose(later[0], np.corrcoef(noise[5:], noise[:-5])[0, 1], rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chi_squared_is_the_sum_of_squares_of_deviations_in_units_of_their_uncertainty(dtype):
    rng = np.random.default_rng(0)
    observed, expected, sigma = rng.integers(-9, 9, (3, 20)).astype(dtype)
    sigma = 2.0 ** (sigma % 4).astype(dtype)
    true = math.fsum((((observed - expected) / sigma) ** 2).tolist())

    for tuned, variant, precision in (param.values for param in variants_of("chi_squared")):
        if precision == dtype and variant.name in ("single_pass", "block_sums"):
            assert tuned.call(variant.name, observed, expected, sigma) == true
        elif precision == dtype:
            models = np.stack([expected, observed, expected])
            assert tuned.call(variant.name, observed, models, sigma).tolist() == [true, 0, true]


def inside(angle, ranges):
    """The rule in its own words, one angle and one range after the other."""
    for low, high in ranges:
        turned = low + (angle - low) % 360
        if high - low >= 360 or turned <= low + (high - low) % 360:
            return True
    return False


@pytest.mark.parametrize("ranges", [
    [(-10, 10)], [(350, 10)], [(350, 370)], [(170, -170), (80, 81)], [(-180, 180)], [(0, 360)], [(0, 0)], [(10, 5)],
    [(-270, -90)], [(190, -190)], [],
])  # fmt: skip
@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("angle_filter"))
def test_whole_turns_do_not_matter_and_both_ends_are_inside(tuned, variant, dtype, ranges):
    angles = np.arange(-719, 720, dtype=dtype)
    expected = [place for place, angle in enumerate(angles.tolist()) if inside(angle, ranges)]
    array = np.array(ranges, dtype).reshape(-1, 2)

    for find in (tuned.reference, partial(tuned.call, variant.name)):
        assert find(angles, array).tolist() == expected
