"""The correctness gate: every wrong candidate is refused, each for its own reason; right ones pass."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotune import tunable
from autotune.kernel.signature import signature_of
from autotune.measure import arguments as make
from autotune.measure import compare as comparing
from autotune.measure.compare import Bounds, Mismatch, compare
from autotune.measure.gate import THREADED_REPEATS, Case, Gate
from autotune.testing import conformance
from autotune.tuner import cases


@tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (0, 1000)})
def cumulate(x, out=None):
    if x.ndim != 1:
        raise ValueError("one dimension")
    return np.cumsum(x, out=out)


def gate_for(tuned, x) -> Gate:
    kernel = tuned.__autotune__.kernel
    values = kernel.bind(x)
    return Gate(kernel, cases.from_call(kernel, signature_of(kernel, values), values))


X = np.random.default_rng(0).standard_normal(40)


def verdict(function, *, threads=False, numerics="reassociated", tuned=cumulate, x=X) -> str:
    """ "passed", or the reason."""
    try:
        gate_for(tuned, x).check(lambda arguments: function(arguments["x"]), numerics=numerics, threads=threads)
    except Mismatch as mismatch:
        return str(mismatch)
    return "passed"


def right(x):
    return np.cumsum(x)


def wrong_at_remainders(x):
    out = np.cumsum(x)
    if x.size % 8 and x.size > 8:
        out[-1] += 1
    return out


def wrong_for_nan(x):
    return np.nan_to_num(np.cumsum(x)) if np.isnan(x).any() else np.cumsum(x)


def wrong_at_the_second_call(x, _calls=[0]):  # noqa: B006 - the point
    _calls[0] += 1
    return np.cumsum(x) * (1 if _calls[0] % 2 else 1.5)


def racing(x):
    """A real data race: two threads add to the same cells without a lock, through a stale copy."""
    out = np.zeros(x.size)
    barrier = threading.Barrier(2)

    def work(part):
        stale = out.copy()
        barrier.wait()
        out[:] = stale + np.cumsum(part)

    halves = [np.where(np.arange(x.size) % 2 == i, x, 0.0) for i in (0, 1)]
    threads = [threading.Thread(target=work, args=(half,)) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def view_of_input(x):
    if x.size == 1:
        return x
    return np.cumsum(x)


def changes_its_input(x):
    out = np.cumsum(x)
    x *= 1.0000001
    return out


def leaves_a_part_unwritten(x):
    out = np.empty_like(x)
    out[: max(0, x.size - 1)] = np.cumsum(x)[: max(0, x.size - 1)]
    return out


def raises_at_one_size(x):
    if x.size == 7:
        raise RuntimeError("seven")
    return np.cumsum(x)


def raises_otherwise(x):
    return np.cumsum(x) if x.size != 3 else [][1]


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (lambda x: np.cumsum(x) * (1 + 1e-6), "off by"),
        (wrong_at_remainders, "cut to 9"),
        (wrong_for_nan, "NaN in other places"),
        (wrong_at_the_second_call, "call 2"),
        (view_of_input, "argument x"),
        (changes_its_input, "changes its input x; declare mutates=('x',)"),
        (lambda x: np.cumsum(x).astype("f4"), "dtype float32, expected float64"),
        (lambda x: list(np.cumsum(x)), "type list, expected ndarray"),
        (lambda x: np.cumsum(x)[None], "shape (1, 0), expected (0,)"),
        (lambda x: np.cumsum(x)[..., None].repeat(2, -1)[:, 0], "memory order is not C"),
        (leaves_a_part_unwritten, "result"),
        (raises_at_one_size, "raises RuntimeError: seven; expected no exception"),
        (raises_otherwise, "raises IndexError"),
        (lambda x: None, "type NoneType, expected ndarray"),
    ],
)  # fmt: skip
def test_a_wrong_candidate_is_refused_for_its_own_reason(candidate, reason):
    assert reason in verdict(candidate)


def test_the_sign_of_zero_counts():
    @tunable(size={"n": "x.size"})
    def negated(x):
        return -x

    assert "sign of zero" in verdict(lambda x: 0.0 - x, tuned=negated)
    assert verdict(lambda x: x * -1.0, tuned=negated) == "passed"


def test_a_silent_array_that_looks_right_hides_a_warning_and_is_refused():
    @tunable(size={"n": "x.size"})
    def logistic(x):
        return 1 / (1 + np.exp(-x))

    def silent(x):
        with np.errstate(all="ignore"):
            return 1 / (1 + np.exp(-x))

    assert "hand such a call to the reference" in verdict(silent, tuned=logistic)


def test_a_candidate_that_warns_where_the_reference_does_not_is_refused():
    def deprecated(x):
        warnings.warn("another way is better", DeprecationWarning, stacklevel=2)
        return np.cumsum(x)

    assert "reports DeprecationWarning, the reference none" in verdict(deprecated)


def test_a_nan_that_only_the_last_block_would_see_is_looked_for_in_the_others():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 1000)})
    def largest(x):
        return np.max(x, initial=-np.inf)

    @largest.variant(kind="blocked", params={"block": (64,)}, where="block > 0")
    def forgetful(x, *, block):
        top = -np.inf
        for start in range(0, x.size, block):
            top = max(top, np.max(x[start : start + block]))  # max(NaN, 1) is NaN, and max(1, NaN) is 1
        return np.float64(top)

    reasons = []
    for case in conformance(largest):
        with pytest.raises(AssertionError) as caught:
            case.check()
        reasons.append(str(caught.value))
    assert reasons
    assert all("NaN" in reason or "nan" in reason for reason in reasons)


def test_a_right_candidate_passes():
    assert verdict(right) == "passed"
    assert verdict(right, numerics="bitwise", threads=True) == "passed"


def test_a_data_race_is_caught_because_threads_are_repeated():
    assert THREADED_REPEATS == 20
    assert verdict(racing, threads=True) != "passed"


def test_bitwise_means_bit_for_bit():
    assert verdict(lambda x: np.cumsum(x[::-1])[::-1] * 0 + np.cumsum(x), numerics="bitwise") != "passed"
    assert "not bit for bit" in verdict(lambda x: np.cumsum(x) * (1 + 3e-16), numerics="bitwise")
    assert verdict(lambda x: np.cumsum(x) * (1 + 3e-16)) == "passed"


def test_approximate_allows_half_the_digits():
    assert verdict(lambda x: np.cumsum(x) * (1 + 1e-9), numerics="approximate") == "passed"
    assert "off by" in verdict(lambda x: np.cumsum(x) * (1 + 1e-6), numerics="approximate")


@tunable(size={"n": "x.size"})
def peak(x):
    return np.float32(np.max(np.exp(x))) if x.size else np.float32(0)


def silent_peak(x):
    with np.errstate(all="ignore"):
        return float(np.float32(np.max(np.exp(x)))) if x.size else 0.0


def test_a_silent_scalar_will_do_if_its_result_tells():
    passed = gate_for(peak, X).check(lambda a: silent_peak(a["x"]), numerics="reassociated", threads=False)

    assert passed.handling.boxing == "float32"
    assert passed.handling.finite == "number"


def test_a_silent_array_will_do_if_its_result_tells():
    @tunable(size={"n": "x.size"})
    def grow(x):
        return np.exp(x)

    def silent(x):
        with np.errstate(all="ignore"):
            return np.exp(x)

    passed = gate_for(grow, X).check(lambda a: silent(a["x"]), numerics="bitwise", threads=False)
    assert passed.handling.finite == "arrays"


def test_what_the_reference_raises_a_variant_must_raise():
    @tunable(size={"n": "x.size"})
    def first(x):
        if x.size == 0:
            raise ValueError("empty")
        return x[0]

    assert verdict(lambda x: x[0] if x.size else np.float64(0), tuned=first).endswith(
        "raises nothing, expected ValueError (empty)"
    )
    assert "raises IndexError" in verdict(lambda x: x[0], tuned=first)


def test_kernels_that_write_are_compared_by_what_they_wrote():
    @tunable(size={"n": "x.size"}, mutates=("x",))
    def halve(x):
        x /= 2

    kernel = halve.__autotune__.kernel

    def check(function):
        Gate(kernel, [Case("c", {"x": X})]).check(lambda a: function(a["x"]), numerics="bitwise", threads=False)

    def forgets(x):
        x[1:] /= 2

    def right(x):
        x /= 2

    check(right)
    with pytest.raises(Mismatch, match="x: not bit for bit"):
        check(forgets)


def test_an_output_given_is_the_object_returned():
    kernel = cumulate.__autotune__.kernel
    case = Case("c", {"x": X, "out": np.empty(40)})

    def check(function):
        Gate(kernel, [case]).check(lambda a: function(a["x"], a["out"]), numerics="bitwise", threads=False)

    def another(x, out):
        out[:] = np.cumsum(x)
        return out.copy()

    check(lambda x, out: np.cumsum(x, out=out))
    with pytest.raises(Mismatch, match="is not the argument out"):
        check(another)


def test_sums_of_many_terms_may_differ_as_sums_do_and_no_more():
    x = np.random.default_rng(1).standard_normal(200_000).astype("f4")

    @tunable(size={"n": "x.size"})
    def total(x):
        return np.sum(x)

    def sequential(x):
        s = np.float32(0)
        for block in np.array_split(x, 400):
            s = s + np.cumsum(block, dtype="f4")[-1] if block.size else s
        return s

    assert verdict(sequential, tuned=total, x=x) == "passed"
    assert "off by" in verdict(lambda x: np.sum(x) + np.float32(x.size * 1e-6), tuned=total, x=x)


def test_an_oracle_in_longer_precision_forgives_what_the_reference_itself_cannot():
    @tunable(size={"n": "x.size"})
    def cancel(x):
        return np.sum(x) - np.sum(x[::-1]) + np.float64(np.prod(x[:1]) * 0) if x.size else np.float64(0)

    expected, found, oracle = np.array([1e-9]), np.array([3e-9]), np.array([2e-9], np.longdouble)
    compare(expected, found, Bounds("reassociated", 8, oracle=lambda: oracle))
    with pytest.raises(Mismatch, match="off by"):
        compare(expected, found * 9, Bounds("reassociated", 8, oracle=lambda: oracle))
    assert verdict(lambda x: cancel.reference(x), tuned=cancel) == "passed"


NORMWISE = Bounds("reassociated", 8, normwise=True)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_normwise_errors_are_held_against_the_largest_element(dtype):
    expected = np.array([1e3, 1e-9, 0.0], dtype)
    noise = np.array([0, 1e-12, -1e-12]) * (1 + 1j if dtype == "complex128" else 1)

    compare(expected, (expected + noise).astype(dtype), NORMWISE)
    compare((expected, expected), (expected, -(-expected + noise)), NORMWISE)  # also in a tuple, and zeros of any sign
    with pytest.raises(Mismatch, match="off by"):
        compare(expected, (expected + 10 * noise).astype(dtype), NORMWISE)
    with pytest.raises(Mismatch, match="off by"):
        compare(expected, (expected + noise).astype(dtype), Bounds("reassociated", 8))


def test_what_cancels_in_every_element_is_held_against_the_result_for_absolute_arguments():
    absolute = Bounds("reassociated", 8, normwise=True, scale=lambda: np.array([1.0, 100.0]))

    compare(np.zeros(2), np.array([1e-13, -1e-13]), absolute)
    with pytest.raises(Mismatch, match="off by"):
        compare(np.zeros(2), np.array([1e-12, 0]), absolute)


@pytest.mark.parametrize(
    ("expected", "found", "part"),
    [
        ((1, 2), (1,), "expected a tuple of 2"),
        ((np.ones(2), 3), (np.ones(2), 4), "result[1]: found"),
        ("fast", "slow", "'slow', expected 'fast'"),
        (np.arange(3), np.array([0, 1, 5]), "found np.int64(5), expected np.int64(2) at [2]"),
        (np.array([1 + 2j]), np.array([1 + 3j]), "result.imag: off by"),
        (np.array([np.inf]), np.array([-np.inf]), "inf in other places"),
        (np.float64(1), 1.0, "type float, expected float64"),
        (None, 1, "type int, expected NoneType"),
    ],
)
def test_every_kind_of_result_is_compared(expected, found, part):
    with pytest.raises(Mismatch) as caught:
        compare(expected, found, Bounds("reassociated", 8))

    assert part in str(caught.value)


BITS = {"f": np.uint32, "d": np.uint64}
#: Where the order of the bits is not that of the numbers: zeros, infinities, NaN of every kind, the largest.
EDGES = {
    "f": [0, 1, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF, 0x3F7FFFFF, 0x3F800000],
    "d": [0, 1, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF8000000000000, 0x7FFFFFFFFFFFFFFF, 0x3FF0000000000000],
}


@pytest.mark.parametrize("numerics", ["bitwise", "reassociated", "approximate"])
@pytest.mark.parametrize("char", BITS)
@settings(max_examples=300)
@given(data=st.data())
def test_the_short_way_through_the_bits_never_passes_what_the_long_way_refuses(char, numerics, data):
    top = 1 << (np.dtype(char).itemsize * 8 - 1)
    edges = st.sampled_from([edge | sign for edge in EDGES[char] for sign in (0, top)])
    of_bits = st.lists(st.one_of(edges, st.integers(0, 2 * top - 1)), min_size=1, max_size=3)
    expected = np.array(data.draw(of_bits), BITS[char])
    moves = data.draw(st.lists(st.integers(-9, 9), min_size=expected.size, max_size=expected.size))
    found = expected + np.array(moves).astype(BITS[char])
    bounds, patched = Bounds(numerics, 8.0), Bounds(numerics, 8.0)

    def passes(bounds):
        try:
            with np.errstate(all="ignore"):
                compare(expected.view(char), found.view(char), bounds)
        except Mismatch:
            return False
        return True

    with pytest.MonkeyPatch.context() as patch:
        short = passes(bounds)
        patch.setattr(comparing, "_most_steps", lambda expected, found: None)
        long = passes(patched)

    assert long or not short
    assert not short or bounds.ulp <= max(2 * patched.ulp, 1)


def test_a_read_only_result_is_told():
    frozen = np.ones(3)
    frozen.flags.writeable = False
    with pytest.raises(Mismatch, match="read-only"):
        compare(np.ones(3), frozen, Bounds("bitwise", 8))


# -- arguments


@pytest.mark.parametrize("layout", ["C", "F", "A"])
def test_copies_keep_their_layout(layout):
    from autotune.kernel.signature import layout_of

    array = make.as_layout(np.arange(12.0).reshape(3, 4), layout)

    assert layout_of(array) == layout_of(make.copy_array(array)) == layout
    np.testing.assert_array_equal(array, np.arange(12.0).reshape(3, 4))
    assert not np.shares_memory(make.copy_array(array), array)


def test_an_array_passed_twice_stays_one_array():
    copied = make.copy_arguments({"x": X, "y": X, "k": 3})

    assert copied["x"] is copied["y"] is not X
    assert copied["k"] == 3


def test_cutting_shortens_equal_axes_together():
    cut = make.truncated({"a": np.ones((4, 7)), "b": np.ones((7, 5))}, 7, 2)

    assert (cut["a"].shape, cut["b"].shape) == ((4, 2), (2, 5))


def test_widening_is_for_what_floats():
    assert make.widened({"x": np.arange(3)}) is None
    assert make.widened({"x": np.ones(3, "f4")})["x"].dtype == np.float64


def test_several_sizes_are_large_together_only_within_their_ranges():
    @tunable(size={"rows": "x.shape[0]", "columns": "x.shape[1]", "side": "window.size"})
    def windowed(x, window):
        return x * window.sum()

    kernel = windowed.__autotune__.kernel

    def make(point):
        return kernel.bind(np.ones((point["rows"], point["columns"])), np.ones(point["side"]))

    signature = signature_of(kernel, make({"rows": 3, "columns": 3, "side": 3}))
    given = cases.from_inputs(kernel, signature, {"rows": 1000, "columns": 1000, "side": 15}, make)
    sizes = {(*case.arguments["x"].shape, case.arguments["window"].size) for case in given}

    assert {(9, 9, 9), (31, 31, 31), (64, 64, 15), (97, 97, 15), (5, 5, 97), (97, 5, 5)} <= sizes
    assert not {(64, 64, 64), (97, 97, 97)} & sizes
