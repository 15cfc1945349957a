"""The manners of reductions."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from tests.kernels.manners import SINGLE, TABLE, Calling, Manners, one_array, out, reduction

UNCOVERED: dict[str, Calling] = {
    "axis": lambda f: f(TABLE, axis=0),
    "axis by position": lambda f: f(TABLE, 0),
    "the last axis": lambda f: f(TABLE, axis=-1),
    "an axis that is a NumPy number": lambda f: f(TABLE, axis=np.int64(1)),
    "two axes": lambda f: f(TABLE, axis=(0, 1)),
    "no axes": lambda f: f(TABLE, axis=()),
    "an axis that is not there": lambda f: f(TABLE, axis=5),
    "an axis that is no whole number": lambda f: f(TABLE, axis=1.0),
    "keepdims": lambda f: f(TABLE, keepdims=True),
    "keepdims, not": lambda f: f(TABLE, keepdims=False),
    "dtype": lambda f: f(TABLE, dtype="float32"),
    "where": lambda f: f(TABLE, where=TABLE > 0),
    "an output": lambda f: f(TABLE, axis=0, out=out(5)),
    "an output without axes": lambda f: f(TABLE, out=out()),
    "a wrong output": lambda f: f(TABLE, out=out(3)),
    "no argument": lambda f: f(),
    "an unknown keyword": lambda f: f(TABLE, order="F"),
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
_SUMS = [
    ("overflow", lambda largest: [[largest, largest]]),
    ("invalid value", lambda largest: [[np.inf, -np.inf]]),
]
_SPREADS = [("overflow", lambda largest: [[largest, 0]]), ("invalid value", lambda largest: [[np.inf, 1]])]

of_all = partial(Manners, calls=one_array, draw=reduction, uncovered=UNCOVERED)
of_spread = partial(
    Manners, calls=one_array, draw=partial(reduction, ddof=_DDOF), loud=_SPREADS, uncovered=UNCOVERED | _SPREAD
)

MANNERS = {
    "sum": of_all(
        original=np.sum,
        loud=_SUMS,
        scale=lambda x, **kwargs: x.sum(**kwargs),
        uncovered=UNCOVERED | {"initial": lambda f: f(TABLE, initial=5.0)},
    ),
    "mean": of_all(original=np.mean, loud=_SUMS, scale=lambda x, **_: x.max(initial=0)),
    "std": of_spread(original=np.std, scale=lambda x, **_: x.max(initial=0)),
    "var": of_spread(original=np.var, scale=lambda x, **_: x.max(initial=0) ** 2),
}
