"""The manners of filters of images."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.signal
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    SINGLE,
    TABLE,
    Calling,
    Manners,
    arrays,
    layouts,
    mismatches,
    normal,
    out,
    pairs_of_layouts,
    shapes,
    sides,
    table_of,
)

_MODES = st.sampled_from(
    [
        "reflect",
        "reflect",
        "grid-mirror",
        "constant",
        "grid-constant",
        "nearest",
        "mirror",
        "wrap",
        "grid-wrap",
        "other",
    ]
)
_CONSTANTS = st.sampled_from([0.0, 0.0, 1.5, 2, np.nan, np.float64(0.5)])


def _finite_largest(*arrays_or_numbers):
    """The largest finite number among them."""
    flat = np.concatenate([np.ravel(value) for value in arrays_or_numbers])
    return np.max(flat, initial=0, where=np.isfinite(flat))


@st.composite
def _filtered(draw, dtype, **more):
    x = draw(arrays(dtype, *draw(shapes), layout=draw(layouts)))
    beyond = draw(st.one_of(st.just({}), st.fixed_dictionaries({"mode": _MODES, "cval": _CONSTANTS})))
    return Call((x, *[draw(values) for values in more.values()]), beyond)


def sobel_calls(dtype):
    return _filtered(dtype, axis=st.sampled_from([-1, -1, 0, 0, 1, -2, 2, np.int64(0), 1.0]))


@st.composite
def blur_calls(draw, dtype):
    call = draw(_filtered(dtype, sigma=st.sampled_from([0.3, 1.0, 2.5, 1, 0, -1.0, np.float64(0.7), (1.0, 2.0)])))
    return Call(call.args, {**call.kwargs, **draw(st.sampled_from([{}, {}, {"truncate": 2.0}, {"truncate": 0.1}]))})


@st.composite
def convolution_calls(draw, dtype):
    left, right = draw(pairs_of_layouts)
    kernel_sides = st.integers(0, 5)
    x = draw(arrays(dtype, draw(sides), draw(sides), layout=left))
    kernel = draw(arrays(dtype, draw(kernel_sides), draw(kernel_sides), layout=right))
    kwargs = {
        "mode": st.sampled_from(["full", "same", "valid", "other"]),
        "boundary": st.sampled_from(["fill", "fill", "wrap", "symm", "other"]),
        "fillvalue": st.sampled_from([0, 0, 1.5, -2, np.nan, np.float64(0.5)]),
    }
    return Call((x, kernel), draw(st.fixed_dictionaries({}, optional=kwargs)))


@st.composite
def gray_calls(draw, dtype):
    return Call((draw(arrays(dtype, draw(sides), draw(sides), 3 + draw(mismatches), layout=draw(layouts))),))


def _convolution_scale(in1, in2, mode="full", boundary="fill", fillvalue=0):
    return scipy.signal.convolve2d(in1.astype(float), in2.astype(float), mode, boundary, abs(fillvalue))


_FILTER: dict[str, Calling] = {
    "a mode for each axis": lambda f: f(TABLE, 1, mode=["wrap", "nearest"]),
    "too many modes": lambda f: f(TABLE, 1, mode=["wrap"] * 3),
    "an unknown mode": lambda f: f(TABLE, 1, mode="other"),
    "an output": lambda f: f(TABLE, 1, output=out(20, 5)),
    "a narrower output": lambda f: f(TABLE, 1, output=out(20, 5, dtype="f4")),
    "a wrong output": lambda f: f(TABLE, 1, output=out(5, 20)),
    "another type": lambda f: f(TABLE, 1, output="float32"),
    "a vector": lambda f: f(TABLE[0], 0),
    "three axes": lambda f: f(normal("float64", 2, 3, 4), 1),
    "a constant that is no number": lambda f: f(TABLE, 1, mode="constant", cval="1"),
    "too many arguments": lambda f: f(TABLE, 1, None, None, None, None, None, None),
    "an unknown keyword": lambda f: f(TABLE, 1, dtype="float32"),
}
_SOBEL: dict[str, Calling] = {
    "an axis that is not there": lambda f: f(TABLE, 5),
    "an axis that is no whole number": lambda f: f(TABLE, 0.5),
    "axes": lambda f: f(TABLE, (0, 1)),
}
_BLUR: dict[str, Calling] = {
    "a sigma for each axis": lambda f: f(TABLE, (1.0, 2.0)),
    "too many": lambda f: f(TABLE, (1.0, 2.0, 3.0)),
    "a sigma that is not a number": lambda f: f(TABLE, np.nan),
    "one without end": lambda f: f(TABLE, np.inf),
    "a derivative": lambda f: f(TABLE, 1.0, 1),
    "a derivative along one axis": lambda f: f(TABLE, 1.0, order=(0, 1)),
    "a radius": lambda f: f(TABLE, 1.0, radius=2),
    "one axis": lambda f: f(TABLE, 1.0, axes=0),
    "less than nothing of it": lambda f: f(TABLE, 1.0, truncate=-1.0),
    "all of it": lambda f: f(TABLE, 1.0, truncate=50.0),
    "no sigma": lambda f: f(TABLE),
}
_KERNEL = normal("float64", 2, 3)
_CONVOLVE: dict[str, Calling] = {
    "two precisions": lambda f: f(SINGLE, _KERNEL),
    "a vector": lambda f: f(TABLE, _KERNEL[0]),
    "three axes": lambda f: f(normal("float64", 2, 3, 4), _KERNEL),
    "a list": lambda f: f(TABLE, [[1.0, 2.0]]),
    "whole numbers": lambda f: f(TABLE, np.ones((2, 2), int)),
    "complex numbers": lambda f: f(TABLE, _KERNEL * 1j),
    "a larger kernel": lambda f: f(_KERNEL, TABLE),
    "a larger kernel, what is valid": lambda f: f(_KERNEL, TABLE, "valid"),
    "neither the larger": lambda f: f(TABLE, TABLE.T, "valid"),
    "an unknown mode": lambda f: f(TABLE, _KERNEL, "other"),
    "an unknown boundary": lambda f: f(TABLE, _KERNEL, boundary="other"),
    "a filling that is an array": lambda f: f(TABLE, _KERNEL, fillvalue=np.ones(1)),
    "a complex filling": lambda f: f(TABLE, _KERNEL, fillvalue=1j),
    "a filling that is no number": lambda f: f(TABLE, _KERNEL, fillvalue="1"),
    "one argument": lambda f: f(TABLE),
    "an unknown keyword": lambda f: f(TABLE, _KERNEL, axes=0),
}
_GRAY: dict[str, Calling] = {
    "one colour": lambda f: f(TABLE[0, :3]),
    "a row": lambda f: f(TABLE[:, :3]),
    "a film": lambda f: f(normal("float64", 2, 3, 4, 3)),
    "bytes": lambda f: f(np.arange(60, dtype=np.uint8).reshape(4, 5, 3)),
    "four channels": lambda f: f(normal("float64", 2, 3, 4)),
    "an unknown keyword": lambda f: f(TABLE, axis=0),
}


def _colours(dtype, n, columns):
    return normal(dtype, n)[: n // (3 * columns) * 3 * columns].reshape(-1, columns, 3)


MANNERS = {
    "sobel": Manners(
        calls=lambda dtype, n, columns: [
            Call((table_of(dtype, n, columns), axis), kwargs)
            for axis in (-1, 0)
            for kwargs in ({}, {"mode": "constant", "cval": 0.5})
        ],
        draw=sobel_calls,
        original=scipy.ndimage.sobel,
        uncovered=_FILTER | _SOBEL,
    ),
    "gaussian_blur": Manners(
        calls=lambda dtype, n, columns: [
            Call((table_of(dtype, n, columns), 1.5)),
            Call((table_of(dtype, n, columns), 0.7), {"mode": "constant", "cval": 0.5}),
        ],
        draw=blur_calls,
        original=scipy.ndimage.gaussian_filter,
        scale=lambda input, *_, cval=0.0, **__: np.full(input.shape, _finite_largest(input, cval)),
        more=(1.0,),
        uncovered=_FILTER | _BLUR,
    ),
    "convolve2d": Manners(
        calls=lambda dtype, n, columns: [
            Call((table_of(dtype, n, columns), normal(dtype, 3, 5)), {"mode": "same"}),
            Call((table_of(dtype, n, columns), normal(dtype, 2, 3)), {"boundary": "symm"}),
        ],
        draw=convolution_calls,
        original=scipy.signal.convolve2d,
        comparable=lambda call: call.args[0].size > 0,  # for others SciPy may end the process
        scale=_convolution_scale,
        more=(_KERNEL,),
        uncovered=_CONVOLVE,
    ),
    "rgb_to_gray": Manners(
        calls=lambda dtype, n, columns: [Call((_colours(dtype, n, columns),))],
        draw=gray_calls,
        original=lambda image: np.matmul(image, np.array([0.299, 0.587, 0.114], image.dtype)),
        scale=lambda image: image.sum(axis=-1),
        loud=[("invalid value", lambda largest: [[[[np.inf, -np.inf, 0.0]]]])],
        uncovered=_GRAY,
    ),
}
