"""The manners of the kernel library: whatever the arguments, each kernel behaves as the function of its name."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from autotune.measure.compare import Bounds, compare
from tests.kernels.books import EVERY, EVERY_COMPILED, KERNELS, MANNERS, VARIANTS, calls, marks
from tests.kernels.calls import PRECISIONS, Call, outcome, strided, taken
from tests.kernels.manners import read_only
from tests.records import decide, decide_watched, leaf, stays_in_compiled_code

SETTINGS = settings(max_examples=30, derandomize=True)


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    """The kernels know nothing and measure nothing."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    for tuned in KERNELS.values():
        tuned.cache_clear()
    yield
    for tuned in KERNELS.values():
        tuned.cache_clear()


# -- each kernel is what it says


@pytest.mark.parametrize(("name", "dtype"), [param for param in EVERY if MANNERS[param.values[0]].original])
@settings(SETTINGS, suppress_health_check=[HealthCheck.filter_too_much])  # for ordinary numbers alone
@given(data=st.data())
def test_each_kernel_is_the_function_of_its_name(name, dtype, data):
    manners, tuned = MANNERS[name], KERNELS[name]
    call = data.draw(manners.draw(dtype))
    assume(manners.comparable(call))
    if manners.original is not tuned.reference:
        call = Call(call.args, {key: value for key, value in call.kwargs.items() if key != "out"})

    expected, found = (outcome(f, call.copy(), all="ignore") for f in (manners.original, tuned))

    assert (found.raised, type(found.result)) == (expected.raised, type(expected.result))
    if not found.raised:
        compare(expected.result, found.result, bounds_of(name, call))


# -- each variant is what the reference is

ERRORS = [{"all": "ignore"}, {"all": "warn", "under": "ignore"}, {"all": "warn"}, {"all": "raise"}]


def bounds_of(name, call, variant=None):
    """How far the result of a variant may be from the reference's, or that of the reference from the original's."""
    manners = MANNERS[name]

    def absolute(value):
        return np.abs(value.astype(np.longdouble)) if isinstance(value, np.ndarray) else value

    def scale():
        magnitude = manners.scales.get(variant and variant.name, manners.scale)
        kwargs = {key: absolute(value) for key, value in call.kwargs.items() if key != "out"}
        with np.errstate(all="ignore"):
            return magnitude and magnitude(*map(absolute, call.args), **kwargs)

    normwise = variant is not None and variant.name in manners.normwise
    return Bounds(variant.numerics if variant else "reassociated", manners.factor, scale, normwise=normwise)


def assert_as_reference(function, tuned, variant, call, **errors):
    """The same result, exception, warnings and object returned; inputs as they were."""
    given_call = call.copy()
    expected = outcome(tuned.reference, call.copy(), **errors)
    found = outcome(function, given_call, **errors)

    assert found._replace(result=None) == expected._replace(result=None)
    compare(expected.result, found.result, bounds_of(tuned.__name__, call, variant))
    for before, after in zip(call.args, given_call.args, strict=True):
        if call.kwargs.get("out") is not before:
            np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("name", "dtype"), EVERY_COMPILED)
@SETTINGS
@given(data=st.data())
def test_every_variant_returns_raises_and_warns_as_the_reference(name, dtype, data):
    tuned, call = KERNELS[name], data.draw(MANNERS[name].draw(dtype))
    errors = data.draw(st.sampled_from(ERRORS))

    for variant in tuned.variants.values():
        if taken(tuned, variant, [call]):
            setting = dict(data.draw(st.sampled_from(list(variant.space))))
            decide_watched(tuned, variant, call.args, setting, **call.kwargs)

            assert_as_reference(partial(tuned.call, variant.name, params=setting), tuned, variant, call, **errors)
            assert_as_reference(tuned, tuned, variant, call, **errors)


@pytest.mark.parametrize(
    ("tuned", "variant", "dtype"),
    [param for param in VARIANTS if MANNERS[param.values[0].__name__].unusual is not None],
)
def test_one_unusual_element_is_met_wherever_it_is(tuned, variant, dtype):
    with_small_blocks = partial(variant.function, **dict(next(iter(variant.space))))
    unusual = MANNERS[tuned.__name__].unusual

    for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=140_011, columns=101)):
        for place in (0, call.args[0].size // 2, -1):
            x = call.copy().args[0]
            x.flat[place] = unusual
            assert_as_reference(with_small_blocks, tuned, variant, Call((x, *call.args[1:]), call.kwargs), all="warn")


@pytest.mark.parametrize("name", KERNELS)
def test_read_only_arrays_are_served_like_others(name):
    tuned, call = KERNELS[name], calls(name, "float64", n=60, columns=6)[0].copy()
    variant = next(variant for variant in tuned.variants.values() if taken(tuned, variant, [call]))
    decide(tuned, call.args, leaf(variant.name, **dict(variant.space.default)), **call.kwargs)
    for array in call.args:
        if isinstance(array, np.ndarray):
            read_only(array)

    assert_as_reference(tuned, tuned, variant, call, all="warn")
    assert stays_in_compiled_code(tuned, *call.args, **call.kwargs)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), VARIANTS)
def test_a_variant_that_is_decided_on_serves_from_compiled_code(tuned, variant, dtype):
    for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=60, columns=6)):
        decide(tuned, call.args, leaf(variant.name, **dict(variant.space.default)), **call.kwargs)

        assert call.of(tuned.decision).variant == variant.name
        assert stays_in_compiled_code(tuned, *call.args, **call.kwargs)


# -- warnings

#: Arguments for which the reference speaks up, and of what.
LOUD = [
    pytest.param(name, *loud, dtype, id=f"{name}-{loud[0]}-{dtype}", marks=marks(name, dtype))
    for name, manners in MANNERS.items()
    for loud in manners.loud
    for dtype in PRECISIONS
]


@pytest.mark.parametrize(("name", "condition", "values", "dtype"), LOUD)
def test_a_decided_variant_warns_and_raises_where_numpy_does(name, condition, values, dtype):
    tuned = KERNELS[name]
    usual = [np.array(value, dtype) for value in values(np.finfo(dtype).max)]
    layouts = (np.copy, strided)
    tried = [Call((layout(usual[0]), *usual[1:]), more) for layout in layouts for more in MANNERS[name].keywords]

    for variant in tuned.variants.values():
        for call in taken(tuned, variant, tried):
            decide(tuned, call.args, leaf(variant.name, **dict(variant.space.default)), **call.kwargs)
            warned, raised, silent = (outcome(tuned, call, all=how) for how in ("warn", "raise", "ignore"))

            assert condition in warned.warned
            assert warned.warned == outcome(tuned.reference, call, all="warn").warned
            assert raised.raised == f"FloatingPointError: {condition}"
            assert silent.warned == outcome(tuned.reference, call, all="ignore").warned


# -- outputs


@pytest.mark.parametrize(
    ("tuned", "variant", "dtype"), [param for param in VARIANTS if "out" in param.values[1].taken_names]
)
def test_an_output_is_filled_and_returned(tuned, variant, dtype):
    for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=2000, columns=40)):
        expected = call.of(tuned.reference)
        decide(tuned, call.args, leaf(variant.name, **dict(variant.space.default)), out=expected)
        by_keyword, by_position = np.full_like(expected, np.nan), np.full_like(expected, np.nan)

        assert tuned(*call.args, out=by_keyword) is by_keyword
        assert tuned(*call.args, by_position) is by_position
        compare(expected, by_keyword, bounds_of(tuned.__name__, call, variant))
        np.testing.assert_array_equal(by_position, by_keyword)
