"""The compiled dispatcher: the right answer for every call, and the fast path for those that are covered."""

from __future__ import annotations

import contextlib
import inspect
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import autotune
from autotune import tunable
from autotune.store import store
from tests.records import decide, leaf, record, slow_calls, split, stays_in_compiled_code

pytestmark = pytest.mark.filterwarnings("ignore::autotune.VariantWarning")


@pytest.fixture(autouse=True)
def only_use(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")


def marked():
    """A kernel whose variants say who they are."""

    @tunable(size={"n": "x.size"})
    def who(x):
        return "reference", x.shape

    @who.variant(kind="scalar")
    def small(x):
        return "small", x.shape

    @who.variant(kind="vectorized")
    def large(x):
        return "large", x.shape

    return who


def test_thresholds_choose_by_size():
    who = marked()
    decide(who, (np.ones(3),), split("n", 10, leaf("small"), split("n", 100, leaf("reference"), leaf("large"))))

    assert [who(np.ones(n))[0] for n in (0, 9, 10, 99, 100, 5000)] == [
        "small", "small", "reference", "reference", "large", "large",
    ]  # fmt: skip


@pytest.mark.parametrize("recorded", [False, True], ids=["plain", "recorded"])
@pytest.mark.parametrize("every", ["0", "1", "2"], ids=["unchecked", "checked", "checked now and then"])
@pytest.mark.parametrize(
    "decision", [None, leaf("reference"), leaf("other"), split("n", 4, leaf("other"), leaf("reference"))],
    ids=["nothing known", "reference", "variant", "by size"],
)  # fmt: skip
def test_an_error_of_the_reference_is_raised_while_nothing_else_is_handled(monkeypatch, recorded, every, decision):
    @tunable(size={"m": "x.shape[0]", "n": "x.shape[1]"})
    def summed(x):
        if x.ndim != 2 or x[0, 0] < 0:
            raise ValueError("mine")
        return x.sum()

    @summed.variant(kind="vectorized")
    def other(x):
        return summed.reference(x)

    monkeypatch.setenv("AUTOTUNE_VERIFY", every)
    if decision is not None:
        decide(summed, (np.ones((3, 3)),), decision)

    with autotune.recording() if recorded else contextlib.nullcontext():
        for x in 3 * [-np.ones((1, 3)), -np.ones((3, 3)), np.ones(3), np.ones((2, 2, 2))]:
            assert summed(np.ones((3, 3))) == 9
            with pytest.raises(ValueError, match="mine") as raised:
                summed(x)
            assert (raised.value.__context__, raised.value.__cause__) == (None, None)


def test_decisions_of_several_signatures_live_side_by_side():
    who = marked()
    decide(who, (np.ones(3),), leaf("small"))
    decide(who, (np.ones(3, "f4"),), leaf("large"))
    decide(who, (np.ones((2, 2)),), leaf("large"))
    decide(who, (np.asfortranarray(np.ones((2, 2))),), leaf("reference"))
    decide(who, (np.ones((4, 4))[:, ::2],), leaf("small"))

    assert who(np.ones(5))[0] == "small"
    assert who(np.ones(5, "f4"))[0] == "large"
    assert who(np.ones((5, 2)))[0] == "large"
    assert who(np.asfortranarray(np.ones((5, 2))))[0] == "reference"
    assert who(np.ones((5, 6))[:, ::3])[0] == "small"
    assert who(np.ones(5, np.int64))[0] == "reference"


@pytest.mark.parametrize(
    "argument",
    [[1.0], (1.0,), 3.0, np.float64(3), np.ma.array([1.0]), np.ones(3, ">f8"), np.array([1, None]), np.ones(3, "f2")],
    ids=lambda v: f"{type(v).__name__}-{getattr(v, 'dtype', '')}",
)
def test_calls_that_are_not_covered_go_to_the_reference_and_stay_out_of_the_slow_path(argument):
    @tunable(size={"n": "x.size"})
    def shape(x):
        return "reference", np.shape(x)

    shape.variant(lambda x: ("variant", np.shape(x)), kind="scalar", name="v")
    decide(shape, (np.ones(3),), leaf("v"))

    assert shape(argument)[0] == "reference"
    assert stays_in_compiled_code(shape, argument)
    assert shape(np.ones(3))[0] == "variant"


def test_unpickled_arrays_are_served_by_the_compiled_path():
    who = marked()
    decide(who, (np.ones(3),), leaf("large"))
    unpickled = pickle.loads(pickle.dumps(np.ones(3)))

    assert who(unpickled)[0] == "large"
    assert stays_in_compiled_code(who, unpickled)


def test_the_warm_path_counts_nothing():
    who = marked()
    decide(who, (np.ones(3),), leaf("large"))
    who(np.ones(3))
    before = slow_calls(who)
    for _ in range(100):
        who(np.ones(3))

    assert slow_calls(who) == before


def test_an_existing_callable_gets_exactly_the_arguments_received():
    received = []

    class Recorder:
        __name__ = "recorder"
        __signature__ = inspect.signature(lambda a, axis=None, *, keepdims=False, where=True: None)

        def __call__(self, *args, **kwargs):
            received.append((args, kwargs))

    tuned = tunable(Recorder(), size={"n": "a.size"})
    tuned.variant(lambda a: None, kind="scalar", name="v")
    x = np.ones(3)

    tuned([1])
    tuned([1], keepdims=False)
    tuned(x, axis=0)
    tuned(x, axis=None, where=None)

    assert received == [(([1],), {}), (([1],), {"keepdims": False}), ((x,), {"axis": 0}),
                        ((x,), {"axis": None, "where": None})]  # fmt: skip


def test_variants_that_leave_out_an_argument_serve_calls_at_its_default_alone():
    total = tunable(np.sum, size={"n": "a.size"}, name="total")

    @total.variant(kind="scalar")
    def fixed(a):
        return np.float64(-1)

    decide(total, (np.ones(3),), leaf("fixed"))
    x = np.ones((3, 2))
    decide(total, (x,), leaf("fixed"))

    assert total(np.ones(3)) == -1
    assert total(np.ones(3), axis=None) == total(np.ones(3), None) == -1
    assert total(np.ones(3), axis=0) == 3
    np.testing.assert_array_equal(total(x, axis=0), [3, 3])
    assert total(x, keepdims=True).shape == (1, 1)
    assert total(x, dtype=np.float32).dtype == np.float32
    assert total(x, where=x > 5) == 0
    assert total(x, None, keepdims=True).shape == (1, 1)
    with pytest.raises(TypeError, match="axis"):
        total(x, None, axis=0)


@pytest.mark.parametrize("value", [None, True, "fast", 3, 2.5])
def test_arguments_by_value_or_type_are_told_apart(value):
    @tunable(size={"n": "x.size"}, static=("mode",))
    def work(x, mode):
        return "reference"

    work.variant(lambda x, mode: "variant", kind="scalar", name="v")
    decide(work, (np.ones(3), value), leaf("v"))
    others = [v for v in (None, True, False, "fast", "slow", 3, 4, 2.5, np.float32(1)) if type(v) is not type(value)]

    assert work(np.ones(3), value) == "variant"
    assert [work(np.ones(3), other) for other in others] == ["reference"] * len(others)


def test_keywords_positions_and_defaults_bind_as_the_reference_does():
    @tunable(size={"n": "x.size"})
    def work(x, /, y=2, *rest, scale=1.0, **more):
        return x.size, y, rest, scale, more

    @work.variant(kind="scalar")
    def v(x, y=2, *, scale=1.0):
        return x.size, y, (), scale, {}

    x = np.ones(3)
    decide(work, (x,), leaf("v"))

    assert work(x) == (3, 2, (), 1.0, {})
    assert work(x, 5, 6, 7, scale=2.0, other=1) == (3, 5, (6, 7), 2.0, {"other": 1})
    for bad in (lambda: work(), lambda: work(x=x), lambda: work(x, 1, y=2)):
        with pytest.raises(TypeError):
            bad()


def test_several_sizes_and_products_choose():
    @tunable(size={"m": "a.shape[0]", "k": "a.shape[1]", "n": "b.shape[1]"})
    def product(a, b):
        return "reference"

    product.variant(lambda a, b: "v", kind="scalar", name="v")
    a, b = np.ones((4, 5)), np.ones((5, 6))
    decide(product, (a, b), split("m*k*n", 1000, split("m", 3, leaf("v"), leaf("reference")), leaf("v")))

    assert product(a, b) == "reference"
    assert product(np.ones((2, 5)), b) == "v"
    assert product(np.ones((400, 5)), b) == "v"
    assert stays_in_compiled_code(product, a, b)
    assert product(np.ones(5), b) == "reference"  # other ndim: no such signature


def test_sizes_use_the_signature_s_constants():
    @tunable(size={"n": "x.shape[axis] if axis is not None else x.size"}, static=("axis",))
    def work(x, axis=None):
        return "reference"

    work.variant(lambda x, axis=None: "v", kind="scalar", name="v")
    x = np.ones((3, 50))
    for axis in (None, 0, -1):
        decide(work, (x, axis), split("n", 40, leaf("v"), leaf("reference")))

    assert [work(x, axis) for axis in (None, 0, -1)] == ["reference", "v", "reference"]
    assert work(x) == "reference"


@pytest.mark.parametrize("decided", ["v", "reference"])
def test_what_serves_one_signature_does_not_hide_another(decided):
    """Of the same types, another ndim or layout may have a decision of its own."""

    @tunable(size={"n": "x.size"})
    def work(x):
        return "reference"

    work.variant(lambda x: "v", kind="vectorized", name="v", when="x.ndim != 3")
    kinds = {"1-d": np.ones(4), "strided": np.ones(8)[::2], "2-d": np.ones((2, 2)), "F": np.ones((2, 2), order="F")}
    for name, array in kinds.items():
        store.save(record(work, (array,), leaf("v" if name in ("1-d", "F") else decided)))
    expected = {name: "v" if name in ("1-d", "F") else decided for name in kinds}
    for order in itertools.permutations(kinds):
        work.cache_clear()
        assert work(np.ones((2, 2, 2))) == "reference"  # of no variant: this one comes first
        assert {name: work(kinds[name]) for name in order} == {name: expected[name] for name in order}
        assert {name: work(kinds[name]) for name in order} == {name: expected[name] for name in order}
        assert all(stays_in_compiled_code(work, array) for array in kinds.values())


def test_a_call_in_place_is_not_made_twice_when_its_variant_raises():
    increased = tunable(np.add, size={"n": "x1.size"}, mutates=("out",), elementwise=True, name="increased")

    @increased.variant(kind="scalar")
    def raises_late(x1, x2, out=None):
        np.add(x1, x2, out)
        raise FloatingPointError("overflow")

    x, one = np.zeros(3), np.ones(3)
    decide(increased, (x, one, x), leaf("raises_late"))

    with pytest.raises(FloatingPointError):
        increased(x, one, x)
    np.testing.assert_array_equal(x, one)  # once, not twice
    np.testing.assert_array_equal(increased(x, one), [2, 2, 2])


def test_arguments_by_value_are_told_apart_by_their_type_too():
    @tunable(size={"n": "x.size"}, static=("axis",))
    def work(x, axis=None):
        return "reference"

    work.variant(lambda x, axis=None: f"variant for {axis}", kind="scalar", name="v", when="axis == 1")
    x = np.ones((3, 3))
    for axis in (1, np.int64(1)):
        decide(work, (x, axis), leaf("v"))
        assert work(x, axis) == "variant for 1"
        assert stays_in_compiled_code(work, x, axis)

    assert work(x, 1.0) == work(x, True) == work(x, 2) == "reference"


def test_tuples_are_told_apart_by_the_types_of_their_items():
    @tunable(size={"n": "x.size"})
    def work(x, window=(1, 1)):
        return "reference"

    work.variant(lambda x, window=(1, 1): "v", kind="scalar", name="v")
    decide(work, (np.ones(3), (3, 4)), leaf("v"))

    assert work(np.ones(3), (5, 6)) == "v"
    assert work(np.ones(3), (5.0, 6)) == work(np.ones(3), (5, 6, 7)) == work(np.ones(3), (True, 6)) == "reference"


def test_equal_tuples_and_numbers_do_not_hide_one_dtype_behind_another():
    @tunable(size={"n": "x.size"}, static=("scale", "axes"))
    def work(x, window=(1, 1), scale=1.0, axes=(0, 1)):
        return "reference"

    work.variant(lambda x, window=(1, 1), scale=1.0, axes=(0, 1): "v", kind="scalar", name="v")
    calls = [
        (np.ones(3, dtype), window, float(scale), tuple(axes))
        for dtype in (np.float32, np.float64)
        for window in ((3, 4), (3.0, 4))
        for scale in ("0.5", "0.25")
        for axes in ([0, 1], [1, 0])
    ]
    for call in calls:
        decide(work, call, leaf("v"))
    for call in calls:
        assert work(*call) == "v"
    known = len(work.__autotune__.dispatcher.namespace.globals)

    assert all(stays_in_compiled_code(work, *call) for call in calls)
    work.__autotune__.dispatcher.rebuild()
    assert len(work.__autotune__.dispatcher.namespace.globals) == known, "nothing is added for what is known"


def test_a_size_of_none_means_the_reference():
    @tunable(size={"n": "x.size if x.ndim == 1 else None"})
    def a(x):
        return "reference"

    @tunable(size=lambda x: {"n": x.size} if x.size != 7 else None)
    def b(x):
        return "reference"

    for work in (a, b):
        work.variant(lambda x: "v", kind="scalar", name="v")
        decide(work, (np.ones(3),), split("n", 10, leaf("v"), leaf("reference")))
        decide(work, (np.ones((3, 3)),), split("n", 10, leaf("v"), leaf("reference")))

    assert [a(np.ones(3)), a(np.ones(30)), a(np.ones((3, 3)))] == ["v", "reference", "reference"]
    assert [b(np.ones(3)), b(np.ones(30)), b(np.ones(7))] == ["v", "reference", "reference"]


def test_a_size_of_none_means_the_reference_where_no_size_is_looked_at_too():
    @tunable(size={"n": "x.size if x.size < 10 else None"})
    def a(x):
        return "reference"

    @tunable(size=lambda x: {"n": x.size} if x.size < 10 else None)
    def b(x):
        return "reference"

    @tunable(size={"n": "x.size", "m": "len(x) if len(x) < 10 else None"})
    def c(x):
        return "reference"

    for work in (a, b, c):
        work.variant(lambda x: "v", kind="scalar", name="v")
        decide(work, (np.ones(3),), leaf("v") if work is not c else split("n", 2, leaf("reference"), leaf("v")))

        assert [work(np.ones(3)), work(np.ones(30)), work(np.ones(4))] == ["v", "reference", "v"]
        assert slow_calls(work) <= 1  # the first


def test_a_size_that_raises_is_served_by_the_reference():
    @tunable(size={"n": "x.size // len(x)"})
    def work(x):
        return "reference"

    work.variant(lambda x: "v", kind="scalar", name="v")
    decide(work, (np.ones(3),), split("n", 10, leaf("v"), leaf("v")))

    assert work(np.ones(0)) == "reference"
    assert work(np.ones(3)) == "v"


def test_scalars_are_boxed_to_the_type_of_the_reference():
    @tunable(size={"n": "x.size"})
    def both(x):
        return x.sum(), x.size

    both.variant(lambda x: (float(x.sum()), x.size), kind="scalar", name="v")
    decide(both, (np.ones(3, "f4"),), leaf("v", boxing=["float32", None]))

    total, count = both(np.ones(3, "f4"))
    assert type(total) is np.float32
    assert type(count) is int


def test_a_result_that_is_not_finite_is_given_up_where_the_record_says_so():
    @tunable(size={"n": "x.size"})
    def reference_is_loud(x):
        return np.float64(x.max()) if np.isfinite(x).all() else "reference"

    reference_is_loud.variant(lambda x: x.max(), kind="scalar", name="v")
    decide(reference_is_loud, (np.ones(3),), leaf("v", boxing="float64", finite="number"))

    assert reference_is_loud(np.ones(3)) == 1
    assert reference_is_loud(np.array([1, np.inf])) == "reference"
    assert reference_is_loud(np.array([1, np.nan])) == "reference"


def test_overlapping_outputs_go_to_the_reference_and_fitting_ones_do_not():
    @tunable(size={"n": "x.size"})
    def work(x, out=None):
        return "reference"

    @tunable(size={"n": "x.size"}, elementwise=True, name="elementwise")
    def elementwise(x, out=None):
        return "reference"

    buffer = np.ones(10)
    for tuned in (work, elementwise):
        tuned.variant(lambda x, out=None: "v", kind="scalar", name="v")
        decide(tuned, (np.ones(3), np.ones(3)), leaf("v"))
        decide(tuned, (np.ones(3),), leaf("v"))

    assert work(buffer) == work(buffer, np.ones(10)) == work(buffer[:5], out=buffer[5:]) == "v"
    assert work(buffer, buffer) == work(buffer[1:], out=buffer[:-1]) == "reference"
    assert elementwise(buffer, buffer) == "v"
    assert elementwise(buffer[1:], buffer[:-1]) == "reference"
    assert work(buffer, out=[0]) == "reference"


def test_a_variant_that_raises_where_the_reference_does_not_is_disabled_once():
    calls = []

    @tunable(size={"n": "x.size"})
    def work(x):
        return "reference"

    @work.variant(kind="scalar")
    def broken(x):
        calls.append(1)
        raise RuntimeError("broken")

    decide(work, (np.ones(3),), leaf("broken"))
    with pytest.warns(UserWarning, match="the variant broken raised RuntimeError: broken; it is disabled"):
        assert work(np.ones(3)) == "reference"
    assert work(np.ones(3)) == "reference"
    assert len(calls) == 1
    assert work.decision(np.ones(3)).reason == "broken was disabled in this process"


def test_a_variant_that_raises_what_the_reference_raises_is_not_disabled():
    @tunable(size={"n": "x.size"})
    def work(x):
        if x.size == 0:
            raise ValueError("reference")
        return "reference"

    @work.variant(kind="scalar")
    def v(x):
        if x.size == 0:
            raise ValueError("variant")
        return "v"

    decide(work, (np.ones(3),), leaf("v"))
    with pytest.raises(ValueError, match="reference"):
        work(np.ones(0))
    assert work(np.ones(3)) == "v"


def test_the_exception_of_the_reference_is_the_one_seen_and_has_no_other_context():
    @tunable(size={"n": "x.size"})
    def work(x):
        raise KeyError("reference")

    @work.variant(kind="scalar")
    def v(x):
        raise RuntimeError("variant")

    decide(work, (np.ones(3),), leaf("v"))
    with pytest.raises(KeyError) as caught:
        work(np.ones(3))
    assert caught.value.__context__ is None


def test_a_kernel_that_changes_what_it_reads_is_not_run_twice():
    runs = []

    @tunable(size={"n": "x.size"}, mutates=("x",))
    def halve(x):
        runs.append("reference")
        x /= 2

    @halve.variant(kind="scalar")
    def broken(x):
        x /= 2
        raise RuntimeError("half way")

    decide(halve, (np.ones(3),), leaf("broken"))
    with pytest.raises(RuntimeError, match="half way"):
        halve(np.ones(3))
    assert runs == []
    halve(np.ones(3))
    assert runs == ["reference"]


def test_beyond_64_signatures_the_reference_serves():
    @tunable(size={"n": "x.size"})
    def work(x, mode):
        return "reference"

    work.variant(lambda x, mode: "v", kind="scalar", name="v")
    for mode in range(70):
        work(np.ones(3), str(mode))

    assert work.cache_info().currsize == work.cache_info().maxsize == 64
    assert work(np.ones(3), "another") == "reference"
    before = slow_calls(work)
    work(np.ones(3), "another")
    assert slow_calls(work) == before


def test_mode_off_serves_the_reference_alone(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "off")
    who = marked()

    assert who(np.ones(3))[0] == "reference"
    assert who.decision(np.ones(3)).reason == "AUTOTUNE_MODE=off"
    assert who.__autotune__.dispatcher.source.startswith("def who(x):\n    return _reference(x)\n\n")


def test_a_wrong_setting_costs_speed_and_not_the_result(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "fastest")
    who = marked()

    with pytest.warns(UserWarning, match="AUTOTUNE_MODE='fastest': expected one of first-use, use, off"):
        assert who(np.ones(3))[0] == "reference"


@settings(max_examples=200)
@given(
    hnp.arrays(
        dtype=st.sampled_from(["f8", "f4", "i8", ">f8", "f2", "?", "c16"]),
        shape=hnp.array_shapes(min_dims=0, max_dims=3, max_side=4, min_side=0),
    ),
    st.sampled_from(["as it is", "transposed", "reversed", "every other", "read-only"]),
)
def test_any_array_gives_the_reference_s_answer(array, view):
    if not sum_with_itself.cache_info().currsize:
        for decided in (np.ones(3), np.ones(3, "f4"), np.ones((2, 3)), np.ones((2, 3)).T, np.ones(8)[::2]):
            decide(sum_with_itself, (decided,), split("n", 4, leaf("doubled"), leaf("reference")))
    if view == "transposed":
        array = array.T
    elif view == "reversed":
        array = array[::-1] if array.ndim else array
    elif view == "every other":
        array = array[..., ::2] if array.ndim else array
    elif view == "read-only":
        array.flags.writeable = False

    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(sum_with_itself(array), sum_with_itself.reference(array))


@tunable(size={"n": "x.size"})
def sum_with_itself(x):
    return x + x


@sum_with_itself.variant(kind="vectorized")
def doubled(x):
    return 2 * x if x.dtype != bool else x | x
