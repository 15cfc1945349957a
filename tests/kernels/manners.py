"""What the tests need to know of one kernel, and strategies from which its calls are made at random."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call, strided

Calling = Callable[[Callable[..., Any]], Any]


class Manners(NamedTuple):
    """How a kernel is called, and how it is to behave."""

    #: ``calls(dtype, n, columns)``: one or more for each variant, of n elements or about n / columns rows.
    calls: Callable[[str, int, int], list[Call]]
    #: ``draw(dtype)``: a strategy of calls of every kind.
    draw: Callable[[str], st.SearchStrategy[Call]]
    #: The function whose place the kernel takes; None for those that have none (their family tests them). Called
    #: without `out` where it is not the reference itself.
    original: Callable[..., Any] | None
    #: Units of eps·scale that a variant may be off: ours and the reference's own error.
    factor: float = 64
    #: What errors scale with where that is more than the result, from the arguments (absolute arrays; no `out`); by
    #: variant, if some differ.
    scale: Callable[..., Any] | None = None
    scales: Mapping[str, Callable[..., Any]] = {}
    #: Variants whose errors are in proportion to the largest element, so that the signs of zeros mean nothing.
    normwise: Collection[str] = ()
    #: A value that variants cannot answer by themselves, wherever it is in the first argument; None if it is no array.
    unusual: float | None = np.nan
    #: (condition, values): arguments for which the reference warns, and of what; from the largest number.
    loud: Sequence[tuple[str, Callable[[Any], list[Any]]]] = ()
    #: Keywords under which these are tried.
    keywords: Sequence[dict[str, Any]] = ({},)
    #: Further arguments for calls with a first argument that is no plain array.
    more: Sequence[Any] = ()
    #: Calls that no variant covers.
    uncovered: Mapping[str, Calling] = {}
    #: Whether the original and the reference agree on such a call at all.
    comparable: Callable[[Call], bool] = lambda call: True


# -- arrays: any layout, no elements, special values

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
layouts = st.sampled_from(["C", "C", "C", "F", "strided", "reversed"])
pairs_of_layouts = st.one_of(st.just(("C", "C")), st.tuples(layouts, layouts))
#: How much two lengths that should be equal differ.
mismatches = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1])


# -- outputs that fit and that do not, and other arrays


def read_only(array):
    array.flags.writeable = False
    return array


def misaligned(array):
    """A copy that begins one byte after a place where its elements may begin."""
    copy = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


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


# -- calls


@st.composite
def elementwise(draw, dtype):
    """One array, and where to put the result: nowhere, elsewhere, or in its own place."""
    layout = draw(layouts)
    x = draw(arrays(dtype, *draw(shapes), layout=layout))
    in_place_or_not = st.one_of(outputs(dtype, *x.shape), outputs(dtype, *x.shape), st.just({"out": x}))
    return Call((x,), draw(in_place_or_not if layout == "C" else st.just({})))


@st.composite
def reduction(draw, dtype, **kwargs):
    """One array, and keywords from strategies."""
    x = draw(arrays(dtype, *draw(shapes), layout=draw(layouts)))
    return Call((x,), {name: draw(values) for name, values in kwargs.items()})


@st.composite
def clouds(draw, dtype, *, out=False):
    """Points and centres."""
    n, k, d = draw(sides), draw(sides), draw(sides)
    left, right = draw(pairs_of_layouts)
    points = draw(arrays(dtype, n, d, layout=left))
    centers = draw(arrays(dtype, k, d + draw(mismatches), layout=right))
    return Call((points, centers), draw(outputs(dtype, n, k)) if out else {})


# -- arguments of calls that no variant covers


def normal(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape).astype(dtype)


TABLE = normal("float64", 20, 5)
SINGLE = TABLE.astype("float32")
OTHER = normal("float64", 3, 5)


def out(*shape, dtype="float64"):
    return np.full(shape, 7, dtype)


def one_behind(function, *more):
    """What a function leaves in a buffer if its output begins one row behind its input."""
    buffer = TABLE.copy()
    function(buffer[:-1], *more, out=buffer[1:])
    return buffer


class Subclass(np.ndarray):
    """An array in all but its type."""


FUNCTION_OF_NUMBERS: dict[str, Calling] = {
    "where": lambda f: f(TABLE, where=TABLE > 0, out=out(20, 5)),
    "dtype": lambda f: f(TABLE, dtype="float32", casting="same_kind"),
    "a dtype that cannot be": lambda f: f(TABLE, dtype="int64"),
    "order": lambda f: f(TABLE, order="F"),
    "subok": lambda f: f(TABLE.view(Subclass), subok=False),
    "signature": lambda f: f(SINGLE, signature="d->d"),
    "an output in a tuple": lambda f: f(TABLE, out=(out(20, 5),)),
    "None for an output in a tuple": lambda f: f(TABLE, out=(None,)),
    "a wider output": lambda f: f(SINGLE, out(20, 5)),
    "a narrower output": lambda f: f(TABLE, out(20, 5, dtype="f4")),
    "an output of whole numbers": lambda f: f(TABLE, out=out(20, 5, dtype="i8")),
    "a larger output": lambda f: f(TABLE, out(2, 20, 5)),
    "a smaller output": lambda f: f(TABLE, out(20, 4)),
    "a read-only output": lambda f: f(TABLE, out=read_only(out(20, 5))),
    "a strided output": lambda f: f(TABLE, out=out(20, 10)[:, ::2]),
    "an output of another order": lambda f: f(TABLE, out=out(5, 20).T),
    "an output that overlaps": one_behind,
    "an output that is a list": lambda f: f(TABLE, out=TABLE.tolist()),
    "no argument": lambda f: f(),
    "too many arguments": lambda f: f(TABLE, None, None),
    "an unknown keyword": lambda f: f(TABLE, axis=0),
    "a keyword for what goes by position": lambda f: f(x=TABLE),
}
PAIR: dict[str, Calling] = {
    "two precisions": lambda f: f(TABLE, OTHER.astype("f4")),
    "a vector": lambda f: f(TABLE, OTHER[0]),
    "vectors": lambda f: f(TABLE[0], OTHER[0]),
    "a number": lambda f: f(TABLE, 2.0),
    "one argument": lambda f: f(TABLE),
    "one column": lambda f: f(TABLE, OTHER[:, :1]),
    "fewer columns": lambda f: f(TABLE, OTHER[:, :4]),
    "more columns": lambda f: f(TABLE[:, :4], OTHER),
    "too many arguments": lambda f: f(TABLE, OTHER, None, None),
    "an unknown keyword": lambda f: f(TABLE, OTHER, axis=0),
}
AN_OUTPUT_OF_A_PAIR: dict[str, Calling] = {
    "a narrower output": lambda f: f(TABLE, OTHER, out=out(20, 3, dtype="f4")),
    "a read-only output": lambda f: f(TABLE, OTHER, out=read_only(out(20, 3))),
    "an output of another order": lambda f: f(TABLE, OTHER, out(3, 20).T),
}


# -- usual calls


def table_of(dtype: str, n: int, columns: int) -> np.ndarray:
    return normal(dtype, n)[: n // columns * columns].reshape(n // columns, columns)


def one_array(dtype: str, n: int, columns: int) -> list[Call]:
    """One array in every layout."""
    flat, table = normal(dtype, n), table_of(dtype, n, columns)
    return [Call((array,)) for array in (flat, table, strided(flat), table.T, table[::-1])]


def two_matrices(dtype: str, n: int, columns: int) -> list[Call]:
    """Rows of a table, and 17 of as many columns."""
    return [Call((table_of(dtype, n, columns), normal(dtype, 17, columns)))]
