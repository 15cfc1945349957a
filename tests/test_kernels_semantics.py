"""The manners of the kernel library: whatever the arguments, each kernel behaves as the function of its name."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
import scipy.spatial
import scipy.special
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autotune.measure.compare import Bounds, compare
from tests.kernel_calls import KERNELS, PRECISIONS, VARIANTS, Call, calls, normal, outcome, strided, taken
from tests.records import decide, decide_watched, leaf, stays_in_compiled_code

SETTINGS = settings(max_examples=30, deadline=None, derandomize=True)


@pytest.fixture(autouse=True)
def undecided(monkeypatch):
    """The kernels know nothing and measure nothing."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    for tuned in KERNELS.values():
        tuned.cache_clear()
    yield
    for tuned in KERNELS.values():
        tuned.cache_clear()


# -- calls at random: any layout, no elements, special values, outputs that fit and that do not

LAYOUTS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": strided,
    "reversed": lambda array: array[::-1].copy()[::-1],
}


def specials(dtype):
    limits = np.finfo(dtype)
    edges = (0.0, np.inf, limits.max, limits.tiny, limits.smallest_subnormal, 88.0, 700.0, 1e4, 2.0**21)
    return st.sampled_from([np.nan, *edges, *(-edge for edge in edges)])


def magnitudes(dtype):
    """Usual ones; those at which squares overflow and underflow; and nothing but zeros of either sign."""
    limits = np.finfo(dtype)
    return st.sampled_from([1, 1, 30, np.sqrt(limits.max) / 2, np.sqrt(limits.tiny), 0])


@st.composite
def arrays(draw, dtype, *shape, layout):
    """Random numbers, or whole ones of which many are equal; a few special values."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    array = rng.standard_normal(shape) * draw(magnitudes(dtype))
    array = np.asarray(np.round(array) if draw(st.booleans()) else array, dtype)
    planted = draw(st.one_of(st.just([]), st.lists(specials(dtype), min_size=1, max_size=4)))
    if array.size:
        array.flat[rng.integers(array.size, size=len(planted))] = planted
    return LAYOUTS[layout](array)


sides = st.sampled_from([*range(1, 10), 16, 17, 0])
shapes = st.one_of(st.tuples(st.integers(1, 150)), st.tuples(sides, sides))


def read_only(array):
    array.flags.writeable = False
    return array


OUTPUTS = {
    "fits": lambda shape, dtype: np.full(shape, 7, dtype),
    "wrong shape": lambda shape, dtype: np.full((*shape[:-1], shape[-1] + 1), 7, dtype),
    "another type": lambda shape, dtype: np.full(shape, 7, "float32" if dtype == "float64" else "float64"),
    "strided": lambda shape, dtype: strided(np.full(shape, 7, dtype)),
    "read-only": lambda shape, dtype: read_only(np.full(shape, 7, dtype)),
}


@st.composite
def outputs(draw, dtype, *shape):
    """Keywords: no output, one that fits, one that does not."""
    kind = draw(st.sampled_from(["none", "fits", "fits", *OUTPUTS]))
    return {} if kind == "none" else {"out": OUTPUTS[kind](shape, dtype)}


layouts = st.sampled_from(["C", "C", "C", "F", "strided", "reversed"])
pairs_of_layouts = st.one_of(st.just(("C", "C")), st.tuples(layouts, layouts))
mismatches = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1])


@st.composite
def elementwise(draw, dtype):
    layout = draw(layouts)
    x = draw(arrays(dtype, *draw(shapes), layout=layout))
    in_place_or_not = st.one_of(outputs(dtype, *x.shape), outputs(dtype, *x.shape), st.just({"out": x}))
    return Call((x,), draw(in_place_or_not if layout == "C" else st.just({})))


@st.composite
def reduction(draw, dtype, **kwargs):
    x = draw(arrays(dtype, *draw(shapes), layout=draw(layouts)))
    return Call((x,), {name: draw(values) for name, values in kwargs.items()})


@st.composite
def product(draw, dtype):
    m, k, n = draw(sides), draw(sides), draw(sides)
    left, right = draw(pairs_of_layouts)
    x1 = draw(arrays(dtype, m, k, layout=left))
    x2 = draw(arrays(dtype, k + draw(mismatches), n, layout=right))
    return Call((x1, x2), draw(outputs(dtype, m, n)))


@st.composite
def transposition(draw, dtype):
    m, n = draw(sides), draw(sides)
    return Call((draw(arrays(dtype, m, n, layout=draw(layouts))),), draw(outputs(dtype, n, m)))


@st.composite
def clouds(draw, dtype, *, out=False):
    """Points and centres."""
    n, k, d = draw(sides), draw(sides), draw(sides)
    left, right = draw(pairs_of_layouts)
    points = draw(arrays(dtype, n, d, layout=left))
    centers = draw(arrays(dtype, k, d + draw(mismatches), layout=right))
    return Call((points, centers), draw(outputs(dtype, n, k)) if out else {})


CALLS = {
    "sin": elementwise,
    "cos": elementwise,
    "exp": elementwise,
    "sum": reduction,
    "mean": reduction,
    "std": partial(reduction, ddof=st.sampled_from([0, 0, 0, 1, 2, -1, 1000, True, 1.5])),
    "var": partial(reduction, ddof=st.sampled_from([0, 0, 0, 1, 2, -1, 1000, True, 1.5])),
    "median": reduction,
    "matmul": product,
    "transpose_copy": transposition,
    "softmax": partial(reduction, axis=st.sampled_from([None, None, -1, -1, np.int64(-1), 1, 0, (0,)])),
    "squared_distances": partial(clouds, out=True),
    "kmeans_step": clouds,
}
EVERY = [pytest.param(name, dtype, id=f"{name}-{dtype}") for name in KERNELS for dtype in PRECISIONS]


# -- each kernel is what it says

#: The functions whose place the kernels take, where these are not NumPy's own functions of the same name.
FUNCTIONS = {
    "transpose_copy": lambda x: np.ascontiguousarray(x.T),
    "softmax": scipy.special.softmax,
    "squared_distances": lambda x, c: scipy.spatial.distance.cdist(x, c, "sqeuclidean").astype(x.dtype),
}


@pytest.mark.parametrize(("name", "dtype"), [param for param in EVERY if param.values[0] != "kmeans_step"])
@SETTINGS
@given(data=st.data())
def test_each_kernel_is_the_function_of_its_name(name, dtype, data):
    call = data.draw(CALLS[name](dtype))
    function = FUNCTIONS.get(name) or getattr(np, name)
    if name in FUNCTIONS:
        call = Call(call.args, {key: value for key, value in call.kwargs.items() if key != "out"})
    assume(name != "squared_distances" or call.args[0].shape[1] == call.args[1].shape[1])

    expected, found = (outcome(f, call.copy(), all="ignore") for f in (function, KERNELS[name]))

    assert (found.raised, type(found.result)) == (expected.raised, type(expected.result))
    if not found.raised:
        limits = np.finfo(dtype)
        np.testing.assert_allclose(
            found.result, expected.result, rtol=16 * limits.eps, atol=16 * limits.smallest_subnormal, strict=True
        )


KMEANS = [param for param in VARIANTS if param.id.startswith("kmeans")]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), KMEANS)
def test_a_step_of_kmeans_moves_each_centre_to_the_mean_of_the_points_nearest_to_it(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    for n, k, d in ((1, 1, 1), (5, 9, 2), (40, 3, 2), (200, 7, 5)):
        x, centers = rng.integers(-3, 4, (n, d)).astype(dtype), rng.integers(-3, 4, (k, d)).astype(dtype)
        distances = scipy.spatial.distance.cdist(x, centers, "sqeuclidean")  # exact for whole numbers

        for step in (tuned, partial(tuned.call, variant.name)):
            labels, new_centers, inertia = step(x, centers)

            assert labels.tolist() == distances.argmin(axis=1).tolist()
            assert inertia == distances.min(axis=1).sum()
            for j in range(k):
                points = x[labels == j]
                mean = points.mean(axis=0, dtype=np.float64).astype(dtype) if len(points) else centers[j]
                np.testing.assert_array_equal(new_centers[j], mean)


# -- each variant is what the reference is

#: Units of eps·scale. sin and exp: 2 of ours, up to 4 of NumPy's; the others: up to 300 terms in another order.
FACTORS = {"sin": 6, "cos": 6, "exp": 6}
#: What errors scale with where that is more than the result, from absolute arguments.
SCALES = {
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.max(initial=0),
    "std": lambda x: x.max(initial=0),
    "var": lambda x: x.max(initial=0) ** 2,
    "matmul": lambda a, b: a @ b if a.shape[1] == len(b) else None,
    "kmeans_step": lambda x, centers: (None, np.full(centers.shape, x.max(initial=0)), None),
    "expand": lambda x, c: (x**2).sum(axis=1)[:, None] + (c**2).sum(axis=1),
}
ERRORS = [{"all": "ignore"}, {"all": "warn", "under": "ignore"}, {"all": "warn"}, {"all": "raise"}]


def bounds_of(name, variant, call):
    def scale():
        magnitude = SCALES.get(variant.name) or SCALES.get(name)
        with np.errstate(all="ignore"):
            return magnitude and magnitude(*(np.abs(array.astype(np.longdouble)) for array in call.args))

    return Bounds(variant.numerics, FACTORS.get(name, 64), scale)


def assert_as_reference(function, tuned, variant, call, **errors):
    """The same result, exception, warnings and object returned; inputs as they were."""
    given_call = call.copy()
    expected = outcome(tuned.reference, call.copy(), **errors)
    found = outcome(function, given_call, **errors)

    assert found._replace(result=None) == expected._replace(result=None)
    compare(expected.result, found.result, bounds_of(tuned.__name__, variant, call))
    for before, after in zip(call.args, given_call.args, strict=True):
        if call.kwargs.get("out") is not before:
            np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize(("name", "dtype"), EVERY)
@SETTINGS
@given(data=st.data())
def test_every_variant_returns_raises_and_warns_as_the_reference(name, dtype, data):
    tuned, call = KERNELS[name], data.draw(CALLS[name](dtype))
    errors = data.draw(st.sampled_from(ERRORS))

    for variant in tuned.variants.values():
        if taken(tuned, variant, [call]):
            setting = dict(data.draw(st.sampled_from(list(variant.space))))
            decide_watched(tuned, variant, call.args, setting, **call.kwargs)

            assert_as_reference(partial(tuned.call, variant.name, params=setting), tuned, variant, call, **errors)
            assert_as_reference(tuned, tuned, variant, call, **errors)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), VARIANTS)
def test_one_unusual_element_is_met_wherever_it_is(tuned, variant, dtype):
    with_small_blocks = partial(variant.function, **dict(next(iter(variant.space))))
    unusual = {"sin": np.inf, "cos": np.inf, "exp": 1e4}.get(tuned.__name__, np.nan)

    for call in taken(tuned, variant, calls(tuned.__name__, dtype, n=140_011, columns=101)):
        for place in (0, call.args[0].size // 2, -1):
            x = call.copy().args[0]
            x.flat[place] = unusual
            assert_as_reference(with_small_blocks, tuned, variant, Call((x, *call.args[1:]), call.kwargs), all="warn")


@pytest.mark.parametrize(("tuned", "variant", "dtype"), [param for param in VARIANTS if param.id.startswith("matmul")])
def test_small_products_have_the_signs_and_special_values_of_numpys(tuned, variant, dtype):
    for m, k, n in itertools.product(range(6), repeat=3):
        for left, right in ((0.5, -0.0), (-0.1, np.finfo(dtype).smallest_subnormal), (0.5, np.inf), (0.5, np.nan)):
            call = Call((np.full((m, k), left, dtype), np.full((k, n), right, dtype)))
            assert_as_reference(partial(tuned.call, variant.name), tuned, variant, call, all="warn", under="ignore")


@pytest.mark.parametrize("name", KERNELS)
def test_read_only_arrays_are_served_like_others(name):
    tuned, call = KERNELS[name], calls(name, "float64", n=60, columns=6)[0].copy()
    variant = next(variant for variant in tuned.variants.values() if taken(tuned, variant, [call]))
    decide(tuned, call.args, leaf(variant.name, **dict(variant.space.default)), **call.kwargs)
    for array in call.args:
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

#: Arguments for which NumPy speaks up, and of what.
LOUD = [
    ("sin", "invalid value", lambda largest: [[1, np.inf]]),
    ("cos", "invalid value", lambda largest: [[1, np.inf]]),
    ("exp", "overflow", lambda largest: [[1, 1e4]]),
    ("exp", "underflow", lambda largest: [[1, -1e4]]),
    ("sum", "overflow", lambda largest: [[largest, largest]]),
    ("sum", "invalid value", lambda largest: [[np.inf, -np.inf]]),
    ("mean", "overflow", lambda largest: [[largest, largest]]),
    ("mean", "invalid value", lambda largest: [[np.inf, -np.inf]]),
    ("std", "overflow", lambda largest: [[largest, 0]]),
    ("std", "invalid value", lambda largest: [[np.inf, 1]]),
    ("var", "overflow", lambda largest: [[largest, 0]]),
    ("var", "invalid value", lambda largest: [[np.inf, 1]]),
    ("median", "overflow", lambda largest: [[largest, largest]]),
    ("median", "invalid value", lambda largest: [[]]),
    ("matmul", "overflow", lambda largest: [[[largest, 1]], [[2], [1]]]),
    ("matmul", "invalid value", lambda largest: [[[np.inf, 1]], [[0], [1]]]),
    ("softmax", "invalid value", lambda largest: [[[1, np.inf]]]),
    ("softmax", "overflow", lambda largest: [[[largest, -largest]]]),
    ("squared_distances", "overflow", lambda largest: [[[largest, 1]], [[-1, 1]]]),
    ("squared_distances", "invalid value", lambda largest: [[[np.inf, 1]], [[np.inf, 1]]]),
    ("kmeans_step", "overflow", lambda largest: [[[largest, 1]], [[-1, 1]]]),
    ("kmeans_step", "invalid value", lambda largest: [[[np.inf, 1]], [[np.inf, 1]]]),
]


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize(("name", "condition", "values"), LOUD, ids=lambda part: part if type(part) is str else "")
def test_a_decided_variant_warns_and_raises_where_numpy_does(name, condition, values, dtype):
    tuned = KERNELS[name]
    usual = [np.array(value, dtype) for value in values(np.finfo(dtype).max)]
    kwargs = [{"axis": -1}, {}] if name == "softmax" else [{}]
    tried = [Call((layout(usual[0]), *usual[1:]), more) for layout in (np.copy, strided) for more in kwargs]

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
        compare(expected, by_keyword, bounds_of(tuned.__name__, variant, call))
        np.testing.assert_array_equal(by_position, by_keyword)


IN_PLACE = [param for param in VARIANTS if param.id.startswith(("sin", "cos", "exp")) and "compact" not in param.id]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), IN_PLACE)
def test_elementwise_kernels_overwrite_their_input(tuned, variant, dtype):
    x = normal(dtype, 150_001)
    expected = tuned.reference(x)
    decide(tuned, (x, x), leaf(variant.name, **dict(variant.space.default)))

    assert tuned(x, out=x) is x
    compare(expected, x, Bounds("reassociated", FACTORS[tuned.__name__]))


@pytest.mark.parametrize(("tuned", "variant", "dtype"), IN_PLACE)
def test_an_error_in_place_is_raised_and_the_function_not_applied_twice(tuned, variant, dtype):
    unusual = np.array([0.5, 1e4 if tuned.__name__ == "exp" else np.inf], dtype)
    decide(tuned, (unusual, unusual), leaf(variant.name, **dict(variant.space.default)))

    for function in (tuned.reference, tuned):
        x = unusual.copy()
        with np.errstate(all="raise"), pytest.raises(FloatingPointError):
            function(x, out=x)
        assert abs(x[0] - tuned.reference(unusual[:1])[0]) < 1e-6
