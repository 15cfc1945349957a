"""The manners of order statistics."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import TABLE, Calling, Manners, arrays, layouts, one_array, reduction, shapes
from tests.kernels.reductions import UNCOVERED

_FRACTIONS = (0.0, 1.0, 0.5, 0.25, 0.9, 0.001, 0.999, 1 / 3)


def _quantiles(dtype: str, n: int, columns: int, unit: float) -> list[Call]:
    """One fraction of an array in every layout; several of one."""
    calls = one_array(dtype, n, columns)
    several = np.array([0.25, 0.5, 0.999]) * unit
    return [Call((*call.args, 0.9 * unit)) for call in calls] + [Call((*calls[0].args, several))]


@st.composite
def _draw_quantiles(draw, dtype, unit):
    x = draw(arrays(dtype, *draw(shapes), layout=draw(layouts)))
    fraction = st.one_of(st.sampled_from(_FRACTIONS), st.floats(0, 1))
    fractions = st.lists(fraction, max_size=9).map(lambda values: np.array(values) * unit)
    q = draw(st.one_of(fraction.map(lambda value: value * unit), fractions, st.sampled_from([0, 1, -0.1, np.nan])))
    return Call((x, q))


def _beyond(unit: float) -> dict[str, Calling]:
    return {
        "axis": lambda f: f(TABLE, 0.3 * unit, 0),
        "a list of fractions": lambda f: f(TABLE, [0.3 * unit]),
        "a tuple of fractions": lambda f: f(TABLE, (0.3 * unit, 0.1)),
        "a NumPy number": lambda f: f(TABLE, np.float32(0.3 * unit)),
        "fractions in rows": lambda f: f(TABLE, np.full((2, 2), 0.3 * unit)),
        "whole numbers": lambda f: f(TABLE, np.array([0, 1])),
        "more than one": lambda f: f(TABLE, 1.1 * unit),
        "an imaginary fraction": lambda f: f(TABLE, 1j),
        "a method": lambda f: f(TABLE, 0.3 * unit, method="nearest"),
        "an unknown method": lambda f: f(TABLE, 0.3 * unit, method="any"),
        "weights": lambda f: f(TABLE, 0.3 * unit, method="inverted_cdf", weights=np.abs(TABLE)),
        "keepdims": lambda f: f(TABLE, 0.3 * unit, keepdims=True),
        "an output": lambda f: f(TABLE, 0.3 * unit, out=np.zeros(())),
        "overwrite_input": lambda f: f(TABLE.copy(), 0.3 * unit, overwrite_input=True),
        "no fraction": lambda f: f(TABLE),
    }


def _of_fractions(original, unit: float) -> Manners:
    return Manners(
        calls=partial(_quantiles, unit=unit),
        draw=partial(_draw_quantiles, unit=unit),
        original=original,
        factor=0,
        more=[0.3 * unit],
        loud=[
            ("overflow", lambda largest: [[-largest, largest], [0.5 * unit]]),
            ("invalid value", lambda largest: [[np.inf, np.inf], [0.5 * unit]]),
        ],
        uncovered=_beyond(unit),
    )


def _histograms(dtype: str, n: int, columns: int) -> list[Call]:
    """Default bins of an array in every layout; bins and ranges of other kinds."""
    calls = one_array(dtype, n, columns)
    (flat,) = calls[0].args
    return [*calls, Call((flat, 50)), Call((flat, 7), {"range": (-1.0, 2.5)}), Call((flat, 7, (0, 3)))]


@st.composite
def _draw_histograms(draw, dtype):
    x = draw(arrays(dtype, *draw(shapes), layout=draw(layouts)))
    bins = draw(st.sampled_from([1, 2, 3, 10, 10, 1000, 0, -1, 2.5, 10**5]))
    edges = st.sampled_from([None, None, (0, 1), (-1.5, 1.5), (2, 2), (3, 1), (0.0, np.inf), (-1e300, 1), (-30, 30)])
    return Call((x, bins), {"range": draw(edges)})


def _top(dtype: str, n: int, columns: int) -> list[Call]:
    return [Call((one_array(dtype, n, columns)[0].args[0], 5))]


@st.composite
def _draw_top(draw, dtype):
    n = draw(st.integers(0, 150))
    x = draw(arrays(dtype, n, layout=draw(layouts)))
    return Call((x, draw(st.sampled_from([n, 0, 1, n // 2, n + 1, -1, 2.0]))))


MANNERS = {
    "histogram": Manners(
        calls=_histograms,
        draw=_draw_histograms,
        original=np.histogram,
        factor=0,
        uncovered={
            "a name for the bins": lambda f: f(TABLE, "sturges"),
            "edges": lambda f: f(TABLE, np.array([-1.0, 0.0, 1.0])),
            "a list of edges": lambda f: f(TABLE, [-1.0, 0.0, 1.0]),
            "edges that do not increase": lambda f: f(TABLE, np.array([1.0, 0.0])),
            "a NumPy number of bins": lambda f: f(TABLE, np.int64(5)),
            "a NumPy range": lambda f: f(TABLE, 5, (np.float64(0), np.float64(1))),
            "a range in a list": lambda f: f(TABLE, 5, [0.0, 1.0]),
            "a range in an array": lambda f: f(TABLE, 5, np.array([0.0, 1.0])),
            "a range of three": lambda f: f(TABLE, 5, (0.0, 1.0, 2.0)),
            "a range of strings": lambda f: f(TABLE, 5, ("a", "b")),
            "a density": lambda f: f(TABLE, density=True),
            "weights": lambda f: f(TABLE, weights=TABLE),
            "no argument": lambda f: f(),
        },
    ),
    "median": Manners(
        calls=one_array,
        draw=reduction,
        original=np.median,
        loud=[("overflow", lambda largest: [[largest, largest]]), ("invalid value", lambda largest: [[]])],
        uncovered=UNCOVERED | {"overwrite_input": lambda f: f(TABLE.copy(), overwrite_input=True)},
    ),
    "percentile": _of_fractions(np.percentile, 100.0),
    "quantile": _of_fractions(np.quantile, 1.0),
    "top_k": Manners(
        calls=_top,
        draw=_draw_top,
        original=None,
        more=[2],
        uncovered={
            "a table": lambda f: f(TABLE, 2),
            "a NumPy number": lambda f: f(TABLE[:, 0].copy(), np.int64(2)),
            "a column": lambda f: f(TABLE[:, 0], 2),
            "too many": lambda f: f(TABLE[:, 0].copy(), 21),
            "fewer than none": lambda f: f(TABLE[:, 0].copy(), -1),
            "a part of one": lambda f: f(TABLE[:, 0].copy(), 0.5),
            "no number": lambda f: f(TABLE[:, 0].copy()),
        },
    ),
}
