"""Fused chains: in place, and without temporary arrays."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.special

from kernels import log_softmax, logsumexp
from tests.kernels.books import KERNELS, calls, variants_of
from tests.kernels.calls import Call, outcome, taken
from tests.kernels.manners import normal
from tests.records import decide, leaf

SEVERAL = {"relu_multiply": 2, "multiply_add": 3}
KERNELS_OF_ROWS = ("softmax", "log_softmax", "logsumexp", "layer_norm")
#: More than one block of those that are looked at before they are overwritten, and no whole number of them.
MANY = 2500


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    """The kernels know nothing and measure nothing."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    yield
    for tuned in KERNELS.values():
        tuned.cache_clear()


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of(*SEVERAL))
def test_any_operand_may_be_overwritten(tuned, variant, dtype):
    for place in range(SEVERAL[tuned.__name__]):
        operands = list(normal(dtype, SEVERAL[tuned.__name__], MANY).copy())
        expected = tuned.reference(*operands)
        decide(tuned, tuple(operands), leaf(variant.name, **dict(variant.space.default)), out=operands[place])

        assert tuned(*operands, out=operands[place]) is operands[place]
        assert operands[place].tobytes() == expected.tobytes()


@pytest.mark.parametrize("errors", [{"all": "raise"}, {"all": "warn"}, {"all": "warn", "under": "ignore"}])
@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of(*SEVERAL))
def test_what_is_reported_in_place_does_not_compute_twice(tuned, variant, dtype, errors):
    limits = np.finfo(dtype)
    for unusual in (limits.max, np.inf, limits.smallest_subnormal, np.nan):
        for place in range(SEVERAL[tuned.__name__]):
            ours, theirs = (list(normal(dtype, SEVERAL[tuned.__name__], MANY).copy()) for _ in range(2))
            for operands in (ours, theirs):
                for operand in operands[:2]:
                    operand[-900:] = np.abs(operand[-900:]) + 1.25  # past the rectifier
                operands[0][-700] = unusual
            setting = dict(variant.space.default)
            found = outcome(variant.function, Call((*ours,), {"out": ours[place], **setting}), **errors)
            expected = outcome(tuned.reference, Call((*theirs,), {"out": theirs[place]}), **errors)

            assert found._replace(result=None) == expected._replace(result=None)
            if not found.raised or tuned.__name__ == "relu_multiply":  # multiply_add promises nothing of `out` then
                np.testing.assert_array_equal(ours[place], theirs[place])


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of(*KERNELS_OF_ROWS, *SEVERAL))
def test_no_fused_kernel_makes_temporary_arrays(tuned, variant, dtype):
    for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=1_000_000, columns=1000)):
        result = call.of(variant.function, **dict(variant.space.default))
        tracemalloc.start()
        call.of(variant.function, **dict(variant.space.default))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        read = sum(array.nbytes for array in call.args)
        assert peak <= result.nbytes + 0.04 * (read + result.nbytes)  # the promise is 5 %


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("logsumexp"))
def test_small_terms_count_beside_a_largest_of_zero(tuned, variant, dtype):
    others = np.log(np.finfo(dtype).eps) - 3 + normal(dtype, 40_000)
    axis = {"axis": -1} if "axis" in variant.taken_names else {}

    found = tuned.call(variant.name, np.append(others, np.zeros(1, dtype)), **axis)

    np.testing.assert_allclose(found, np.log1p(np.exp(others.astype(np.float64)).sum()), rtol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("log_softmax"))
def test_logarithms_are_finite_where_the_probability_is_zero(tuned, variant, dtype):
    x = np.array([-1e4, 0.0, 0.0], dtype)
    axis = {"axis": -1} if "axis" in variant.taken_names else {}

    np.testing.assert_allclose(tuned.call(variant.name, x, **axis), np.array([-1e4, 0, 0]) - np.log(2), rtol=1e-6)


def test_masks_are_not_looked_at_and_truth_values_are_refused_as_by_scipy():
    masked = np.ma.masked_array([1.0, 2.0, 3.0], [0, 1, 0])

    assert logsumexp(masked) == scipy.special.logsumexp(masked)
    for function in (log_softmax, scipy.special.log_softmax):
        with pytest.raises(TypeError, match="boolean subtract"):
            function(np.array([True, False]))
