"""The numbers of the kernel library: every variant is right, accurate, and gives the same bits every time."""

from __future__ import annotations

from functools import partial

import numba
import numpy as np
import pytest

from autotune import testing
from autotune.kernel.coverage import unavailable
from autotune.kernel.model import UNSET
from autotune.kernel.signature import signature_of
from autotune.measure.gate import Gate
from autotune.tuner import cases
from tests.kernels.books import KERNELS, MANNERS, VARIANTS, calls, marks
from tests.kernels.calls import bits, taken


def _conformance():
    """A case for each setting of each variant; in the normal run the first setting alone."""
    seen = set()
    for name, tuned in KERNELS.items():
        for case in testing.conformance(tuned):
            kind = name, case.candidate.variant, str(case.problem.fixed)
            first = kind not in seen
            seen.add(kind)
            usual = marks(name, str(case.problem.fixed.get("dtype")))
            yield pytest.param(case, id=str(case), marks=usual if first else [pytest.mark.soak])


CONFORMANCE = list(_conformance())
_CALIBRATED = {(param.values[0].problem.kernel.name, param.values[0].candidate.variant) for param in CONFORMANCE}
#: Variants for strided arrays and for axis=None: `inputs=` makes no such call.
NOT_CALIBRATED = [param for param in VARIANTS if tuple(param.id.split("-")[:2]) not in _CALIBRATED]
PARALLEL = [param for param in VARIANTS if param.values[1].kind == "parallel"]


@pytest.mark.parametrize("case", CONFORMANCE)
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
    variants = [(name, variant) for name, tuned in KERNELS.items() for variant in tuned.variants.values()]

    assert MANNERS.keys() == KERNELS.keys()
    assert called == {f"{name}-{variant.name}" for name, variant in variants if unavailable(variant) is None}


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
            for _ in range(60):
                result = call.copy().of(partial(tuned.call, variant.name))
                held = [*held[-20:], result, np.empty(rng.integers(1, 60))]
                found.add(bits(result))

            assert len(found) == 1
