"""The manners of signals."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.signal
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import TABLE, Calling, Manners, arrays, normal, pairs_of_layouts

lengths = st.sampled_from([*range(20), 30, 64, 150])


@st.composite
def pair_of_signals(draw, dtype, **kwargs):
    left, right = draw(pairs_of_layouts)
    first, second = arrays(dtype, draw(lengths), layout=left), arrays(dtype, draw(lengths), layout=right)
    return Call((draw(first), draw(second)), {name: draw(values) for name, values in kwargs.items()})


@st.composite
def signal(draw, dtype):
    return Call((draw(arrays(dtype, draw(lengths), layout=draw(pairs_of_layouts)[0])),))


def of_absolute(function):
    """What the errors of sums of products scale with; of one signal, those with itself."""

    def scale(first, second=None, **kwargs):
        second = first if second is None else second
        return function(first, second, **kwargs) if first.size and second.size else np.longdouble(1)

    return scale


def largest_of_absolute(function):
    """The same for transforms, which spread the error of the largest over all."""

    def scale(first, second=None, **kwargs):
        second = first if second is None else second
        sums = of_absolute(function)(first, second, **kwargs)
        return np.full_like(sums, np.convolve(first, second).max() if sums.ndim else 1)

    return scale


def _filtered(b, x):
    return np.convolve(b, x)[: x.size]


def _autocorrelation(x, y):
    return np.correlate(x, y, "full")[x.size - 1 :]


_PAIR: dict[str, Calling] = {
    "two precisions": lambda f: f(TABLE[:, 0], TABLE[0].astype("f4")),
    "tables": lambda f: f(TABLE, TABLE),
    "a table": lambda f: f(TABLE, TABLE[0]),
    "a list": lambda f: f(TABLE[0], TABLE[1].tolist()),
    "a number": lambda f: f(TABLE[0], 2.0),
    "a number first": lambda f: f(2.0, TABLE[0]),
    "whole numbers": lambda f: f(np.arange(5), TABLE[0]),
    "complex numbers": lambda f: f(TABLE[0], TABLE[1] * 1j),
    "one argument": lambda f: f(TABLE[0]),
    "an unknown keyword": lambda f: f(TABLE[0], TABLE[1], axis=0),
}
_CONVOLVE: dict[str, Calling] = {
    "a mode that there is not": lambda f: f(TABLE[0], TABLE[1], mode="half"),
    "a mode by number": lambda f: f(TABLE[0], TABLE[1], mode=1),
    "no mode": lambda f: f(TABLE[0], TABLE[1], mode=None),
}

MANNERS = {
    "convolve": Manners(
        calls=lambda dtype, n, columns: [
            Call((normal(dtype, n), normal(dtype, columns))),
            Call((normal(dtype, columns), normal(dtype, n)), {"mode": "same"}),
            Call((normal(dtype, n), normal(dtype, columns)), {"mode": "valid"}),
        ],
        draw=partial(pair_of_signals, mode=st.sampled_from(["full", "full", "same", "valid"])),
        original=np.convolve,
        scale=of_absolute(np.convolve),
        scales={"transforms": largest_of_absolute(np.convolve)},
        normwise=("transforms",),
        more=(TABLE[0],),
        uncovered=_PAIR | _CONVOLVE,
    ),
    "fir_filter": Manners(
        calls=lambda dtype, n, columns: [Call((normal(dtype, columns), normal(dtype, n)))],
        draw=pair_of_signals,
        original=lambda b, x: scipy.signal.lfilter(b, x.dtype.type(1), x),
        comparable=lambda call: call.args[0].size > 0 and call.args[1].size > 0,
        scale=of_absolute(_filtered),
        scales={"transforms": largest_of_absolute(_filtered)},
        normwise=("transforms",),
        more=(TABLE[0],),
        uncovered=_PAIR,
    ),
    "autocorrelation": Manners(
        calls=lambda dtype, n, columns: [Call((normal(dtype, max(n // columns * 5, 10)),))],
        draw=signal,
        original=None,
        scale=of_absolute(_autocorrelation),
        scales={"transforms": largest_of_absolute(_autocorrelation)},
        normwise=("transforms",),
        uncovered={
            "a table": lambda f: f(TABLE),
            "a list": lambda f: f(TABLE[0].tolist()),
            "complex numbers": lambda f: f(TABLE[0] * (1 + 1j)),
            "no argument": lambda f: f(),
            "two arguments": lambda f: f(TABLE[0], TABLE[1]),
        },
    ),
}
