"""The manners of reductions."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    OTHER,
    PAIR,
    SINGLE,
    TABLE,
    Calling,
    Manners,
    arrays,
    mismatches,
    normal,
    one_array,
    out,
    pairs_of_layouts,
    reduction,
    table_of,
)

CUBE = normal("float64", 3, 4, 5)


#: What reductions of all elements do not cover, nor those along the first or last axis.
_BEYOND: dict[str, Calling] = {
    "two axes": lambda f: f(TABLE, axis=(0, 1)),
    "no axes": lambda f: f(TABLE, axis=()),
    "an axis that is not there": lambda f: f(TABLE, axis=5),
    "an axis that is no whole number": lambda f: f(TABLE, axis=1.0),
    "an axis that is a truth value": lambda f: f(TABLE, axis=True),
    "keepdims of all": lambda f: f(TABLE, keepdims=True),
    "dtype": lambda f: f(TABLE, dtype="float32"),
    "where": lambda f: f(TABLE, where=TABLE > 0),
    "an output": lambda f: f(TABLE, axis=0, out=out(5)),
    "an output without axes": lambda f: f(TABLE, out=out()),
    "a wrong output": lambda f: f(TABLE, out=out(3)),
    "no argument": lambda f: f(),
    "an unknown keyword": lambda f: f(TABLE, order="F"),
}
#: What those of all elements do not.
UNCOVERED: dict[str, Calling] = {
    "axis": lambda f: f(TABLE, axis=0),
    "axis by position": lambda f: f(TABLE, 0),
    "the last axis": lambda f: f(TABLE, axis=-1),
    "an axis that is a NumPy number": lambda f: f(TABLE, axis=np.int64(1)),
    "keepdims, not": lambda f: f(TABLE, keepdims=False),
    **_BEYOND,
}
_ALONG: dict[str, Calling] = {
    "the middle axis": lambda f: f(CUBE, axis=1),
    "the last axis of another order": lambda f: f(TABLE.T, axis=-1),
    "keepdims that is a number": lambda f: f(TABLE, axis=0, keepdims=1),
    "an initial value": lambda f: f(TABLE, axis=0, initial=0.5),
    **_BEYOND,
}
_SPREAD: dict[str, Calling] = {
    "ddof that is a NumPy number": lambda f: f(TABLE, ddof=np.int64(1)),
    "ddof that is no number": lambda f: f(TABLE, ddof="1"),
    "correction": lambda f: f(TABLE, correction=1),
    "correction and ddof": lambda f: f(TABLE, ddof=1, correction=1),
    "mean": lambda f: f(TABLE, mean=TABLE.mean(keepdims=True)),
    "mean and another precision": lambda f: f(SINGLE, mean=SINGLE.mean(keepdims=True)),
}
_DDOF = st.sampled_from([0, 0, 0, 1, 2, -1, 1000, True, 1.5])
_PAIR_OVERFLOWS = ("overflow", lambda largest: [[largest, largest]])
_TABLE_OVERFLOWS = ("overflow", lambda largest: [[[largest, largest], [largest, largest]]])
_SUMS = [
    _PAIR_OVERFLOWS,
    _TABLE_OVERFLOWS,
    ("invalid value", lambda largest: [[np.inf, -np.inf]]),
    ("invalid value", lambda largest: [[[np.inf, -np.inf], [-np.inf, np.inf]]]),
]
_SPREADS = [
    ("overflow", lambda largest: [[largest, 0]]),
    ("overflow", lambda largest: [[[largest, 0], [0, largest]]]),
    ("invalid value", lambda largest: [[np.inf, 1]]),
    ("invalid value", lambda largest: [[[np.inf, 1], [1, np.inf]]]),
]
_PRODUCTS = [_PAIR_OVERFLOWS, _TABLE_OVERFLOWS, ("underflow", lambda largest: [[1 / largest, 1 / largest, 3]])]
_DOTS = [
    ("overflow", lambda largest: [[largest, largest], [1, 1]]),
    ("underflow", lambda largest: [[1 / largest, 3], [1 / largest, 1]]),
    ("invalid value", lambda largest: [[np.inf, 1], [0, 1]]),
]
_NORMS = [("overflow", lambda largest: [[largest, 1]]), ("underflow", lambda largest: [[1 / largest, 3]])]
_ALONG_AXES = ({}, {"axis": -1}, {"axis": 0})


def _along(dtype: str, n: int, columns: int, axes: tuple[int, ...] = (0, -1)) -> list[Call]:
    """All of an array in every layout, and along axes: of a table, of fewer and longer rows, of three axes."""
    table, wide = table_of(dtype, n, columns), table_of(dtype, n, max(1, n // 4))
    cube = normal(dtype, max(1, n // (3 * columns)), 3, columns)
    kept = [Call((table,), {"axis": axis, "keepdims": axis == axes[0]}) for axis in axes]
    along = [Call((array,), {"axis": axis}) for array in (table, wide, cube) for axis in axes]
    return [*one_array(dtype, n, columns), *along, *kept]


def _of_factors(dtype: str, n: int, columns: int) -> list[Call]:
    copies = [call.copy() for call in _along(dtype, n, columns, axes=(-1,))]
    return [Call((_near_one(copy.args[0]),), copy.kwargs) for copy in copies]


def _near_one(array: np.ndarray) -> np.ndarray:
    """Factors of which no product leaves the range, in the layout of an array."""
    with np.errstate(all="ignore"):
        array[...] = np.exp(array / np.sqrt(max(array.size, 1)))
    return array


@st.composite
def _along_axis(draw, dtype):
    kwargs = draw(st.sampled_from([{}, {}, {"axis": 0}, {"axis": -1}, {"axis": 1}, {"axis": 0, "keepdims": True}]))
    return draw(reduction(dtype, **{name: st.just(value) for name, value in kwargs.items()}))


@st.composite
def _factors(draw, dtype):
    """Any numbers, and those of which the product is one."""
    call = draw(_along_axis(dtype))
    return Call((_near_one(call.args[0]),), call.kwargs) if draw(st.booleans()) else call


@st.composite
def _vectors(draw, dtype):
    n = draw(st.integers(0, 150))
    left, right = draw(pairs_of_layouts)
    return Call((draw(arrays(dtype, n, layout=left)), draw(arrays(dtype, n + draw(mismatches), layout=right))))


@st.composite
def _norms(draw, dtype):
    return draw(reduction(dtype, ord=st.sampled_from([None, None, 2, "fro", 1, -1, np.inf])))


def _two_vectors(dtype: str, n: int, columns: int) -> list[Call]:
    return [Call((normal(dtype, n), normal(dtype, n, 1)[:, 0].copy()))]


def _normed(dtype: str, n: int, columns: int) -> list[Call]:
    orders = Call((normal(dtype, n),), {"ord": 2}), Call((table_of(dtype, n, columns),), {"ord": "fro"})
    return [*one_array(dtype, n, columns), *orders]


def _largest(x, axis=None, keepdims=False, **_):
    return x.max(initial=0, axis=axis, keepdims=keepdims)


@st.composite
def _draw_spread(draw, dtype):
    call = draw(_along_axis(dtype))
    return Call(call.args, call.kwargs | {"ddof": draw(_DDOF)})


def _largest_squared(x, **kwargs):
    return _largest(x, **kwargs) ** 2


along_axes = partial(Manners, calls=_along, draw=_along_axis, keywords=_ALONG_AXES, uncovered=_ALONG)

of_spread = partial(along_axes, draw=_draw_spread, loud=_SPREADS, uncovered=_ALONG | _SPREAD)

MANNERS = {
    "dot": Manners(
        calls=_two_vectors,
        draw=_vectors,
        original=np.dot,
        scale=lambda a, b: (a * b).sum() if a.shape == b.shape else None,
        loud=_DOTS,
        more=[OTHER.T],
        uncovered=PAIR | {"an output": lambda f: f(TABLE[0].copy(), OTHER[0].copy(), out=out())},
    ),
    "max": along_axes(original=np.max),
    "mean": along_axes(original=np.mean, loud=_SUMS, scale=_largest),
    "min": along_axes(original=np.min),
    "norm": Manners(
        calls=_normed,
        draw=_norms,
        original=np.linalg.norm,
        loud=_NORMS,
        uncovered={
            "the largest magnitude": lambda f: f(TABLE[:, 0].copy(), np.inf),
            "the sum of magnitudes": lambda f: f(TABLE[:, 0].copy(), 1),
            "the spectral norm": lambda f: f(TABLE, 2),
            "the nuclear norm": lambda f: f(TABLE, "nuc"),
            "no such norm": lambda f: f(TABLE, "max"),
            "Frobenius, of a vector": lambda f: f(TABLE[:, 0].copy(), "fro"),
            "an order of three axes": lambda f: f(CUBE, 2),
            "axis": lambda f: f(TABLE, axis=0),
            "two axes": lambda f: f(TABLE, axis=(0, 1)),
            "keepdims": lambda f: f(TABLE, keepdims=True),
            "no argument": lambda f: f(),
        },
    ),
    "prod": along_axes(
        original=np.prod,
        calls=_of_factors,
        draw=_factors,
        loud=_PRODUCTS,
        uncovered=_ALONG | {"the first axis": lambda f: f(TABLE, axis=0)},
    ),
    "std": of_spread(original=np.std, scale=_largest),
    "sum": along_axes(original=np.sum, loud=_SUMS, scale=lambda x, **kwargs: x.sum(**kwargs)),
    "var": along_axes(
        draw=_draw_spread,
        loud=_SPREADS,
        uncovered=_ALONG | _SPREAD,
        original=np.var,
        scale=_largest_squared,
    ),
}
