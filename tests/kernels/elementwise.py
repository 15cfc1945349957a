"""The manners of elementwise functions."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.special
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    FUNCTION_OF_NUMBERS,
    TABLE,
    Manners,
    elementwise,
    one_array,
    out,
    read_only,
)  # fmt: skip

INVALID = ("invalid value", lambda largest: [[1, np.inf]])
OVERFLOW = ("overflow", lambda largest: [[1, 1e4]])

#: Two units in the last place are ours, up to four NumPy's.
function_of_numbers = partial(
    Manners, calls=one_array, draw=elementwise, factor=6, uncovered=FUNCTION_OF_NUMBERS, unusual=np.inf
)


def each_array(change):
    """Calls, and a strategy of mostly such calls, with arrays changed in place."""

    def calls(dtype: str, n: int, columns: int) -> list[Call]:
        made = one_array(dtype, n, columns)
        for call in made:
            change(call.args[0])
        return made

    @st.composite
    def draw(draw, dtype):
        call = draw(elementwise(dtype))
        if draw(st.integers(0, 3)):
            with np.errstate(all="ignore"):
                change(call.args[0])
        return call

    return {"calls": calls, "draw": draw}


positive = each_array(lambda array: np.abs(array, out=array))
sines = each_array(lambda array: np.sin(array, out=array))
inverse = partial(function_of_numbers, **sines, loud=[("invalid value", lambda largest: [[1, 2]])], unusual=2)
#: What reports nothing, and needs no help of NumPy's.
silent = partial(function_of_numbers, unusual=np.nan)
#: Kernels with `out` alone take fewer keywords than NumPy's functions.
OUTPUTS_ALONE = {name: call for name, call in FUNCTION_OF_NUMBERS.items() if "output" in name and "tuple" not in name}


@st.composite
def clipped(draw, dtype):
    """Bounds of every kind: usual ones, crossed, missing, whole, too large, not numbers, of another type."""
    call = draw(elementwise(dtype))
    bounds = st.sampled_from([None, None, -1.0, 0.0, -0.0, 0.5, 2, -3, np.inf, -np.inf, np.nan, 1e300, 10**400, True,
                              np.float64(0.5), np.float32(0.5), "1"])  # fmt: skip
    return Call((*call.args, draw(bounds), draw(bounds)), call.kwargs)


CLIP = {
    "bounds by keyword": lambda f: f(TABLE, a_min=-1.0, a_max=1.0),
    "one bound": lambda f: f(TABLE, 0.5),
    "no bound": lambda f: f(TABLE),
    "no bounds": lambda f: f(TABLE, None, None),
    "bounds by their other names": lambda f: f(TABLE, min=-1.0, max=1.0),
    "arrays of bounds": lambda f: f(TABLE, TABLE[0], 1.0),
    "arrays of bounds that do not fit": lambda f: f(TABLE, TABLE[:3], 1.0),
    "where": lambda f: f(TABLE, -1.0, 1.0, where=TABLE > 0, out=out(20, 5)),
    "a narrower output": lambda f: f(TABLE, -1.0, 1.0, out(20, 5, dtype="f4")),
    "a smaller output": lambda f: f(TABLE, -1.0, 1.0, out(20, 4)),
    "a read-only output": lambda f: f(TABLE, -1.0, 1.0, out=read_only(out(20, 5))),
    "no argument": lambda f: f(),
    "an unknown keyword": lambda f: f(TABLE, -1.0, 1.0, axis=0),
}


@st.composite
def powers(draw, dtype):
    """Exponents of every kind: usual, whole, so large that nothing is in range, not numbers, of another type."""
    call = draw(positive["draw"](dtype))
    exponents = st.sampled_from([1.7, 1.7, -0.5, 2, 2.0, 3, -3, 0, 1, 0.5, 100.5, 1e300, 10**30, np.inf, np.nan, True,
                                 np.float64(0.5), np.float32(0.5), "2"])  # fmt: skip
    return Call((*call.args, draw(exponents)), call.kwargs)


POWER = {
    "an array of exponents": lambda f: f(np.abs(TABLE), TABLE),
    "exponents that do not fit": lambda f: f(np.abs(TABLE), TABLE[:3]),
    "no exponent": lambda f: f(TABLE),
    "whole numbers to a negative power": lambda f: f(np.arange(5), -1),
    "where": lambda f: f(TABLE, 3.0, where=TABLE > 0, out=out(20, 5)),
    "dtype": lambda f: f(TABLE, 3.0, dtype="float32", casting="same_kind"),
    "a narrower output": lambda f: f(TABLE, 3.0, out(20, 5, dtype="f4")),
    "a smaller output": lambda f: f(TABLE, 3.0, out(20, 4)),
    "a read-only output": lambda f: f(TABLE, 3.0, out=read_only(out(20, 5))),
    "an unknown keyword": lambda f: f(TABLE, 3.0, axis=0),
}

MANNERS = {
    "sin": function_of_numbers(original=np.sin, loud=[INVALID]),
    "cos": function_of_numbers(original=np.cos, loud=[INVALID]),
    "tan": function_of_numbers(original=np.tan, loud=[INVALID]),
    "arcsin": inverse(original=np.arcsin),
    "arccos": inverse(original=np.arccos),
    "arctan": silent(original=np.arctan),
    "exp": function_of_numbers(
        original=np.exp, unusual=1e4, loud=[OVERFLOW, ("underflow", lambda largest: [[1, -1e4]])]
    ),
    "log": function_of_numbers(
        original=np.log,
        **positive,
        unusual=-1,
        loud=[("divide by zero", lambda largest: [[1, 0]]), ("invalid value", lambda largest: [[1, -1]])],
    ),
    "sinh": function_of_numbers(original=np.sinh, unusual=-1e4, loud=[OVERFLOW]),
    "cosh": function_of_numbers(original=np.cosh, unusual=-1e4, loud=[OVERFLOW]),
    "tanh": silent(original=np.tanh),
    "sqrt": function_of_numbers(
        original=np.sqrt, **positive, unusual=-1, loud=[("invalid value", lambda largest: [[1, -1]])]
    ),
    "relu": silent(original=lambda x: np.maximum(x, 0), uncovered=OUTPUTS_ALONE),
    "sigmoid": silent(original=scipy.special.expit, uncovered=OUTPUTS_ALONE),
    "power": function_of_numbers(
        original=np.power,
        calls=lambda dtype, n, columns: [
            Call((*call.args, exponent)) for exponent in (1.7, 3) for call in positive["calls"](dtype, n, columns)
        ],
        draw=powers,
        unusual=-1,
        more=(1.7,),
        uncovered=POWER,
    ),
    "clip": silent(
        original=np.clip,
        calls=lambda dtype, n, columns: [Call((*call.args, -1.0, 0.5)) for call in one_array(dtype, n, columns)],
        draw=clipped,
        more=(-1.0, 0.5),
        uncovered=CLIP,
    ),
}
