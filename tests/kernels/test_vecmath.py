"""Vector mathematics: accuracy and special values of every function, on the whole of its fast range."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.special

from autotune import jitable
from kernels import vecmath
from tests.kernels.calls import wider_than

N = 50_000
PI = np.longdouble("3.14159265358979323846264338327950288")

FUNCTIONS = sorted(name.removesuffix("_F64").lower() for name in vecmath.__all__ if name.endswith("_F64"))
FUNCTIONS.remove("lowest")
EVERY = [
    pytest.param(name, number, id=f"{name}-{number.__name__}")
    for name in FUNCTIONS
    for number in (np.float32, np.float64)
]


def original(name):
    return scipy.special.expit if name == "sigmoid" else getattr(np, name)


def fast_function(name, number):
    return getattr(vecmath, f"{name}_{'F32' if number is np.float32 else 'F64'}".upper())


@functools.cache
def loop(evaluate):
    @jitable
    def fill(x, out):
        for i in range(x.size):
            out[i] = evaluate(x[i])

    return fill


def applied(fast, x):
    out = np.empty_like(x)
    loop(fast.evaluate)(x, out)
    return out


def arguments(fast, number, rng):
    """Arguments of the fast range: usual ones, of any magnitude, denormal, and where functions have their trouble."""
    limits = np.finfo(number)
    low, high = (float(np.clip(end, -1e30, 1e30)) for end in (fast.low, fast.high))
    sign = rng.choice([-1, 1], N) if low < 0 else 1
    yield rng.uniform(-2, 2, N)
    yield rng.uniform(-50, 50, N)
    yield rng.uniform(low, high, N)
    yield sign * np.exp(rng.uniform(np.log(float(limits.tiny)), np.log(high), N))
    yield sign * (rng.integers(1, 2**23, N) * limits.smallest_subnormal)
    yield sign * (1 + 1e-3 * rng.standard_normal(N))
    if high > PI:
        yield sign * rng.integers(1, 2 + int(2 * min(high, 2.0**20) / PI), N) * (PI / 2)


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_every_function_is_within_two_units_in_the_last_place_of_the_true_value(name, number):
    fast, wider = fast_function(name, number), wider_than(number)

    for values in arguments(fast, number, np.random.default_rng(0)):
        x = np.asarray(values, number)
        x = x[(x >= fast.low) & (x <= fast.high)]
        x = x[original(name)(x) > 0] if name == "sigmoid" else x  # where exp(-x) overflows, expit is 0, not what it is
        true = original(name)(x.astype(wider))
        unit = np.spacing(np.abs(true.astype(number)))
        assert x.size > N / 100
        assert (np.abs(applied(fast, x).astype(wider) - true) / unit).max() < 2


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_special_values_in_the_fast_range_are_numpys_to_the_sign_of_zero(name, number):
    fast = fast_function(name, number)
    x = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, np.finfo(number).max, np.finfo(number).min], number)
    x = x[~((x < fast.low) | (x > fast.high))]

    expected, found = original(name)(x), applied(fast, x)

    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(number).eps)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected) | np.isnan(x) & np.signbit(found))


@pytest.mark.parametrize(("name", "number"), EVERY)
def test_neighbours_in_a_vector_and_the_rest_behind_it_are_computed_alike(name, number):
    fast = fast_function(name, number)
    x = np.random.default_rng(1).uniform(0.1, 1, 67).astype(number)

    assert applied(fast, x).tobytes() == b"".join(applied(fast, x[i : i + 1]).tobytes() for i in range(x.size))


@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_powers_are_within_one_unit_in_the_last_place_of_the_true_value(number):
    wider, octaves = wider_than(number), np.log2(float(np.finfo(number).max)) - 4
    power = vecmath.power_f32 if number is np.float32 else vecmath.power_f64

    @jitable
    def fill(x, y, out):
        for i in range(x.size):
            out[i] = power(x[i], y[i])

    rng = np.random.default_rng(0)
    for largest in (1e-3, 0.5, 1, 10, octaves):  # of log2(x)
        logarithms = rng.uniform(-largest, largest, N)
        x, y = (values.astype(number) for values in (2**logarithms, rng.uniform(-1, 1, N) * octaves / logarithms))
        y = np.where(abs(y) < 1e6, y, 1)
        found = np.empty_like(x)
        fill(x, y, found)

        true = x.astype(wider) ** y.astype(wider)
        assert (np.abs(found.astype(wider) - true) / np.spacing(true.astype(number))).max() < 1
