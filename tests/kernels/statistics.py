"""The manners of statistics."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call, strided
from tests.kernels.manners import TABLE, Calling, Manners, arrays, layouts, mismatches, normal, pairs_of_layouts

lengths = st.integers(0, 150)


@st.composite
def pair_of_series(draw, dtype, more=None):
    n = draw(lengths)
    left, right = draw(pairs_of_layouts)
    x, y = arrays(dtype, n, layout=left), arrays(dtype, n + draw(mismatches), layout=right)
    return Call((draw(x), draw(y)) if more is None else (draw(x), draw(y), draw(more)))


def ordinary(call):
    """Whether two series vary, and by numbers whose squares are neither very large nor very small."""
    x, y = (np.asarray(array, np.float64) for array in call.args[:2])
    if x.shape != y.shape or not all(array.size > 1 and (np.abs(array) < 1e140).all() for array in (x, y)):
        return False
    return all(np.ptp(array) > 1e-6 * np.abs(array).max() > 1e-140 for array in (x, y))


@st.composite
def models(draw, dtype):
    """Data, one model or several, uncertainties."""
    n, rows = draw(lengths), draw(st.sampled_from([None, None, 0, 1, 3, 8]))
    shape = n + draw(mismatches) if rows is None else (rows, n + draw(mismatches))
    observed, expected, sigma = (
        arrays(dtype, *np.atleast_1d(size), layout=layout)
        for size, layout in ((n, draw(layouts)), (shape, draw(layouts)), (n + draw(mismatches), "C"))
    )
    return Call((draw(observed), draw(expected), draw(sigma)))


@st.composite
def directions(draw, dtype):
    """Angles and ranges, of which some have ends in common."""
    number = draw(st.sampled_from([0, 1, 2, 5]))
    layout = draw(layouts)
    special = st.sampled_from(
        [0.0, -0.0, 10.0, 360.0, -360.0, 719.0, -719.5, 720.0, 1e6, np.nan, np.inf, 1e-30, -1e-30]
    )
    with np.errstate(over="ignore"):
        angles = draw(arrays(dtype, draw(lengths), layout=layout)) * dtype_of(dtype, 100)
    ends = draw(st.lists(st.one_of(st.floats(-400, 400), special), min_size=2 * number, max_size=2 * number))
    ranges = np.array(ends, dtype).reshape(number, 2)
    if number and angles.size > 4:
        angles[:4] = [ranges[0, 0], ranges[-1, 1], draw(special), draw(special)]
    return Call((angles, ranges))


def dtype_of(dtype, value):
    return np.dtype(dtype).type(value)


def _series(dtype, n, columns):
    x, y = normal(dtype, n), normal(dtype, n + 1)[1:] + normal(dtype, n)
    return [Call((x, y)), Call((strided(x), y))]


def _models(dtype, n, columns):
    rows = n // columns
    one, many = normal(dtype, n), normal(dtype, rows, columns)
    return [Call((one, one[::-1].copy(), np.abs(one) + 1)), Call((many[0], many, np.abs(many[-1]) + 1))]


def _directions(dtype, n, columns):
    return [Call((normal(dtype, n) * dtype_of(dtype, 100), np.array([(-10, 10), (170, -170), (30, 31.5)], dtype)))]


RANGES = np.array([(-10.0, 10.0), (170.0, -170.0)])
_SERIES: dict[str, Calling] = {
    "two precisions": lambda f: f(TABLE[0], TABLE[1].astype("f4")),
    "tables": lambda f: f(TABLE, TABLE),
    "a table and a series": lambda f: f(TABLE, TABLE[0]),
    "a list": lambda f: f(TABLE[0], TABLE[1].tolist()),
    "a number": lambda f: f(TABLE[0], 2.0),
    "whole numbers": lambda f: f(np.arange(5), TABLE[0]),
    "one argument": lambda f: f(TABLE[0]),
    "an unknown keyword": lambda f: f(TABLE[0], TABLE[1], axis=0),
}


def _with_lags(calling, function):
    return calling(lambda *series, **more: function(*series, 2, **more))


_CHI_SQUARED: dict[str, Calling] = {
    "one uncertainty for all": lambda f: f(TABLE[0], TABLE, 0.5),
    "models with a further axis": lambda f: f(TABLE[0], TABLE[None], np.abs(TABLE[0])),
    "uncertainties for each model": lambda f: f(TABLE[0], TABLE, np.abs(TABLE)),
    "two precisions": lambda f: f(TABLE[0], TABLE.astype("f4"), np.abs(TABLE[0])),
    "models of other data": lambda f: f(TABLE[0], TABLE[:, :3], np.abs(TABLE[0])),
}
_ANGLE_FILTER: dict[str, Calling] = {
    "ranges in a list": lambda f: f(TABLE[0], [(-1, 1)]),
    "no ranges": lambda f: f(TABLE[0], []),
    "one range": lambda f: f(TABLE[0], (-1, 1)),
    "ranges with three ends": lambda f: f(TABLE[0], TABLE[:, :3]),
    "a table of angles": lambda f: f(TABLE, RANGES),
    "two precisions": lambda f: f(TABLE[0].astype("f4"), RANGES),
    "whole degrees": lambda f: f(np.arange(-720, 720), RANGES.astype(int)),
}

MANNERS = {
    "correlation": Manners(
        calls=_series,
        draw=pair_of_series,
        original=lambda x, y: np.corrcoef(x, y)[0, 1],
        comparable=ordinary,
        scale=lambda x, y: np.longdouble(1),
        loud=[
            ("invalid value", lambda largest: [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]]),
            ("invalid value", lambda largest: [[1.0, np.inf, 1.0], [1.0, 2.0, 4.0]]),
        ],
        more=(TABLE[0],),
        uncovered=_SERIES,
    ),
    "lagged_correlation": Manners(
        calls=lambda dtype, n, columns: [Call((*_series(dtype, max(n // 10, 10), columns)[0].args, 37))],
        draw=partial(pair_of_series, more=st.sampled_from([0, 1, 7, 8, 9, 30, 200, -1, 2.5, True, np.int64(3)])),
        original=None,
        scale=lambda x, y, lags: np.ones(lags + 1, np.longdouble),
        loud=[
            ("invalid value", lambda largest: [[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]]),
            ("invalid value", lambda largest: [[1.0, np.inf, 1.0], [1.0, 2.0, 4.0]]),
        ],
        keywords=({"lags": 2},),
        more=(TABLE[0], 2),
        uncovered={name: partial(_with_lags, call) for name, call in _SERIES.items()}
        | {
            "lags that are no number": lambda f: f(TABLE[0], TABLE[1], "2"),
            "no lags": lambda f: f(TABLE[0], TABLE[1], None),
        },
    ),
    "chi_squared": Manners(
        calls=_models,
        draw=models,
        original=None,
        loud=[
            ("overflow", lambda largest: [[largest, 1.0], [1.0, 1.0], [0.1, 1.0]]),
            ("divide by zero", lambda largest: [[2.0, 1.0], [1.0, 1.0], [0.0, 1.0]]),
            ("invalid value", lambda largest: [[1.0, 1.0], [[1.0, 2.0], [1.0, 3.0]], [0.0, 1.0]]),
        ],
        more=(TABLE[0], TABLE[1]),
        uncovered=_CHI_SQUARED,
    ),
    "angle_filter": Manners(
        calls=_directions,
        draw=directions,
        original=None,
        unusual=np.inf,
        loud=[("invalid value", lambda largest: [[1.0, np.inf], [[0.0, 2.0]]])],
        more=(RANGES,),
        uncovered=_ANGLE_FILTER,
    ),
}
