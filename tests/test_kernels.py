"""The numbers of the kernel library: every variant is right, accurate, and gives the same bits every time."""

from __future__ import annotations

import math
from functools import partial

import numba
import numpy as np
import pytest

from autotune import testing
from autotune.kernel.model import UNSET
from autotune.kernel.signature import signature_of
from autotune.measure.gate import Gate
from autotune.tuner import cases
from tests.kernel_calls import KERNELS, VARIANTS, bits, calls, normal, strided, taken

CONFORMANCE = [case for tuned in KERNELS.values() for case in testing.conformance(tuned)]
_CALIBRATED = {(case.problem.kernel.name, case.candidate.variant) for case in CONFORMANCE}
#: Variants for strided arrays and for axis=None: `inputs=` makes no such call.
NOT_CALIBRATED = [param for param in VARIANTS if tuple(param.id.split("-")[:2]) not in _CALIBRATED]
PARALLEL = [param for param in VARIANTS if param.values[1].kind == "parallel"]


@pytest.mark.parametrize("case", CONFORMANCE, ids=str)
def test_every_variant_conforms(case):
    case.check()


def on_arguments(variant, setting):
    def run(arguments):
        given = {name: arguments[name] for name in variant.taken_names if arguments[name] is not UNSET}
        return variant.function(**given, **dict(setting))

    return run


@pytest.mark.parametrize(("tuned", "variant", "dtype"), NOT_CALIBRATED)
def test_variants_for_calls_that_calibration_does_not_make_pass_its_gate(tuned, variant, dtype):
    kernel = tuned.__autotune__.kernel

    for call in taken(tuned, variant, calls(kernel.name, dtype, n=10_007, columns=101)):
        values = call.of(kernel.bind)
        gate = Gate(kernel, cases.from_call(kernel, signature_of(kernel, values), values))
        for setting in variant.space:
            gate.check(on_arguments(variant, setting), numerics=variant.numerics, threads=variant.threads)


def test_these_tests_call_every_variant():
    called = {param.id.rpartition("-")[0] for param in VARIANTS}

    assert called == {f"{name}-{variant}" for name, tuned in KERNELS.items() for variant in tuned.variants}


# -- accuracy

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
FUNCTIONS = [param for param in VARIANTS if param.id.startswith(("sin", "cos", "exp"))]


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


@pytest.mark.parametrize(("tuned", "variant", "dtype"), [p for p in VARIANTS if p.id.startswith(("sum", "mean"))])
def test_the_error_of_sums_does_not_grow_with_their_length(tuned, variant, dtype):
    x = np.full(6_000_000, 0.1, dtype)  # equal terms: all errors have one sign
    true = float(x[0]) * (x.size if tuned.__name__ == "sum" else 1)

    found = tuned.call(variant.name, strided(x) if variant.name == "compact" else x)

    assert abs(float(found) - true) <= 64 * np.finfo(dtype).eps * true


@pytest.mark.parametrize(("tuned", "variant", "dtype"), [p for p in VARIANTS if p.id.startswith(("var", "std"))])
def test_variances_keep_their_digits_far_from_zero(tuned, variant, dtype):
    x = {"float32": 1e4, "float64": 1e9}[dtype] + normal(dtype, 50_000)
    x = strided(x) if variant.name == "compact_two_pass" else x
    mean = math.fsum(x.tolist()) / x.size
    true = math.fsum((value - mean) ** 2 for value in x.tolist()) / x.size
    true = math.sqrt(true) if tuned.__name__ == "std" else true

    assert abs(float(tuned.call(variant.name, x)) - true) <= 64 * np.finfo(dtype).eps * true


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


@pytest.mark.parametrize(("tuned", "variant", "dtype"), [p for p in VARIANTS if p.id.startswith("median")])
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


@pytest.mark.parametrize(("tuned", "variant", "dtype"), [p for p in VARIANTS if p.id.startswith("median")])
def test_a_sample_that_misleads_costs_the_median_no_digit(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    setting = dict(next(iter(variant.space)))

    for seed in range(10_000):
        n = 5 * setting.get("samples", 20) + seed % 2
        x = rng.permutation(n).astype(dtype)
        x = strided(x) if variant.name == "compact" else x
        assert variant.function(x, **setting) == (n - 1) / 2


# -- the same bits every time


@pytest.fixture
def thread_counts():
    """One thread, two, and up to four if there are so many; then as many as before."""
    before = numba.get_num_threads()
    yield range(1, min(numba.config.NUMBA_NUM_THREADS, 4) + 1)
    numba.set_num_threads(before)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), PARALLEL)
def test_any_number_of_threads_gives_the_same_bits(tuned, variant, dtype, thread_counts):
    for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=600_011, columns=601)):
        for setting in variant.space:
            found = set()
            for threads in thread_counts:
                numba.set_num_threads(threads)
                found |= {bits(call.of(variant.function, **dict(setting))) for _ in range(5)}

            assert len(found) == 1, setting


@pytest.mark.parametrize(("tuned", "variant", "dtype"), VARIANTS)
def test_where_arrays_lie_in_memory_makes_no_difference(tuned, variant, dtype):
    """Compiled loops have a slow path for arrays that may overlap, and take near neighbours for such."""
    rng = np.random.default_rng(0)

    for n, columns in ((10, 5), (15, 5), (21, 7)):
        for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=n, columns=columns)):
            found, held = set(), []
            for _ in range(200):
                result = call.copy().of(partial(tuned.call, variant.name))
                held = [*held[-20:], result, np.empty(rng.integers(1, 60))]
                found.add(bits(result))

            assert len(found) == 1
