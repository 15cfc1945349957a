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


@st.composite
def signals(draw, dtype, *, whole):
    """One signal or several, real or complex, often of a length that is a power of two."""
    length = draw(st.one_of(st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]), st.sampled_from([0, 3, 12, 30, 97])))
    shape = (*draw(st.sampled_from([(), (), (), (3,), (0,), (2, 2)])), length)
    a = draw(arrays(dtype, *shape, layout=draw(pairs_of_layouts)[0]))
    if whole and draw(st.booleans()):
        with np.errstate(all="ignore"):
            a = (a + 1j * draw(arrays(dtype, *shape, layout="C"))).astype(f"c{2 * a.itemsize}")
    return Call((a,))


def _signals(dtype, n, columns, *, whole):
    """A power of two of numbers, in one signal and in several, and many signals of some other length."""
    one, many = normal(dtype, 2 ** (n.bit_length() - 1)), normal(dtype, n // columns, columns)
    real = one, one.reshape(-1, min(16, one.size)), many
    turned = np.array(1j, f"c{2 * one.itemsize}")
    return [Call((array,)) for array in (*real, *((one * (1 + turned), many * turned) if whole else ()))]


SIGNAL = TABLE.ravel()[:64].copy()
_TRANSFORM: dict[str, Calling] = {
    "a length": lambda f: f(SIGNAL, 32),
    "a longer length": lambda f: f(SIGNAL, n=128),
    "an axis": lambda f: f(TABLE, axis=0),
    "the last axis by number": lambda f: f(TABLE, axis=1),
    "a norm": lambda f: f(SIGNAL, norm="ortho"),
    "a norm that there is not": lambda f: f(SIGNAL, norm="double"),
    "an output": lambda f: f(SIGNAL, out=np.empty(64 if f(SIGNAL).size == 64 else 33, complex)),
    "a list": lambda f: f(SIGNAL.tolist()),
    "strided": lambda f: f(SIGNAL[::2]),
    "columns": lambda f: f(TABLE.T),
    "whole numbers": lambda f: f(np.arange(8)),
    "no argument": lambda f: f(),
    "an unknown keyword": lambda f: f(SIGNAL, workers=2),
}


#: A sum that overflows; not for the inverse, which NumPy computes in float64 and divides before it rounds.
_LOUD = ("overflow", lambda largest: [[largest, largest, 1.0, 1.0]])


def _transform(name, *, whole=True, loud=(_LOUD,)):
    return Manners(
        calls=partial(_signals, whole=whole),
        draw=partial(signals, whole=whole),
        original=getattr(np.fft, name),
        factor=16,
        normwise=(
            "radix4",
            "rows_on_threads",
            "columns_and_rows",
            "columns_and_rows_on_threads",
            "scipy",
            "scipy_threads",
        ),
        loud=loud,
        uncovered=_TRANSFORM,
    )


MANNERS = {
    "fft": _transform("fft"),
    "ifft": _transform("ifft", loud=()),
    "rfft": _transform("rfft", whole=False),
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
