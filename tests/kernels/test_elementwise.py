"""Elementwise functions: accuracy, the ends of their fast ranges, work in place."""

from __future__ import annotations

import numpy as np
import pytest

from autotune.measure.compare import Bounds, compare
from tests.kernels.books import MANNERS, variants_of
from tests.kernels.calls import bits, strided
from tests.kernels.manners import normal
from tests.records import decide, leaf

PI = np.longdouble("3.14159265358979323846264338327950288")
ARGUMENTS = {
    "sin": {
        "small": lambda rng, limit: rng.uniform(-10, 10, 50_000),
        "any in the fast range": lambda rng, limit: rng.uniform(-limit, limit, 50_000),
        "of any magnitude": lambda rng, limit: np.exp(rng.uniform(-80, np.log(limit), 50_000)),
        "near multiples of pi": lambda rng, limit: rng.integers(1, int(limit / PI), 50_000) * PI,
    },
    "cos": {
        "small": lambda rng, limit: rng.uniform(-10, 10, 50_000),
        "any in the fast range": lambda rng, limit: rng.uniform(-limit, limit, 50_000),
        "of any magnitude": lambda rng, limit: np.exp(rng.uniform(-80, np.log(limit), 50_000)),
        "near its zeros": lambda rng, limit: (rng.integers(0, int(limit / PI), 50_000) + 0.5) * PI,
        "near multiples of pi": lambda rng, limit: rng.integers(0, int(limit / PI), 50_000) * PI,
    },
    "exp": {
        "small": lambda rng, limit: rng.uniform(-1, 1, 50_000),
        "any in the fast range": lambda rng, limit: rng.uniform(-1.1 * limit, limit, 50_000),
        "of any magnitude": lambda rng, limit: rng.choice([-1, 1], 50_000) * np.exp(rng.uniform(-80, 4, 50_000)),
        "with denormal results": lambda rng, limit: rng.uniform(-1.2, -1, 50_000) * (104 if limit < 100 else 746) / 1.2,
    },
}
FAST_RANGE = {
    ("sin", "float32"): 2**13, ("sin", "float64"): 2**20, ("cos", "float32"): 2**13, ("cos", "float64"): 2**20,
    ("exp", "float32"): 71, ("exp", "float64"): 672,
}  # fmt: skip
FUNCTIONS = variants_of("sin", "cos", "exp")


@pytest.mark.parametrize(("tuned", "variant", "dtype"), FUNCTIONS)
def test_elementary_functions_are_within_two_units_in_the_last_place_of_the_true_value(tuned, variant, dtype):
    name = tuned.__name__
    wider = {"float32": np.float64, "float64": np.longdouble}[dtype]
    if np.finfo(wider).eps >= np.finfo(dtype).eps:
        pytest.skip("no floating format here is wider than float64, so that the true value is not known")

    for seed, make in enumerate(ARGUMENTS[name].values()):
        x = make(np.random.default_rng(seed), FAST_RANGE[name, dtype]).astype(dtype)
        x = strided(x) if variant.name.startswith("compact") else x
        found = tuned.call(variant.name, x)

        true = getattr(np, name)(x.astype(wider))
        unit = np.spacing(np.abs(true.astype(dtype)))
        assert (np.abs(found.astype(wider) - true) / unit).max() < 2


@pytest.mark.parametrize(("tuned", "variant", "dtype"), FUNCTIONS)
def test_beyond_the_fast_range_numpy_answers(tuned, variant, dtype):
    limit = FAST_RANGE[tuned.__name__, dtype]
    for factor in (1.001, 1.2, 16, 1000):
        x = np.random.default_rng(0).uniform(limit, factor * limit, 100).astype(dtype)
        x = strided(x) if variant.name.startswith("compact") else x
        with np.errstate(all="ignore"):
            assert bits(tuned.call(variant.name, x)) == bits(tuned.reference(x))


IN_PLACE = [param for param in FUNCTIONS if not param.values[1].name.startswith("compact")]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), IN_PLACE)
def test_elementwise_kernels_overwrite_their_input(tuned, variant, dtype):
    x = normal(dtype, 150_001)
    expected = tuned.reference(x)
    decide(tuned, (x, x), leaf(variant.name, **dict(variant.space.default)))

    assert tuned(x, out=x) is x
    compare(expected, x, Bounds("reassociated", MANNERS[tuned.__name__].factor))


@pytest.mark.parametrize(("tuned", "variant", "dtype"), IN_PLACE)
def test_an_error_in_place_is_raised_and_the_function_not_applied_twice(tuned, variant, dtype):
    unusual = np.array([0.5, 1e4 if tuned.__name__ == "exp" else np.inf], dtype)
    decide(tuned, (unusual, unusual), leaf(variant.name, **dict(variant.space.default)))

    for function in (tuned.reference, tuned):
        x = unusual.copy()
        with np.errstate(all="raise"), pytest.raises(FloatingPointError):
            function(x, out=x)
        assert abs(x[0] - tuned.reference(unusual[:1])[0]) < 1e-6
