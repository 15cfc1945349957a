"""The manners of elementwise functions."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import FUNCTION_OF_NUMBERS, Manners, elementwise, one_array

INVALID = ("invalid value", lambda largest: [[1, np.inf]])
OVERFLOW = ("overflow", lambda largest: [[1, 1e4]])

#: Two units in the last place are ours, up to four NumPy's.
function_of_numbers = partial(
    Manners, calls=one_array, draw=elementwise, factor=6, uncovered=FUNCTION_OF_NUMBERS, unusual=np.inf
)


def positive_array(dtype: str, n: int, columns: int) -> list[Call]:
    calls = one_array(dtype, n, columns)
    for call in calls:
        np.abs(call.args[0], out=call.args[0])
    return calls


@st.composite
def mostly_positive(draw, dtype):
    call = draw(elementwise(dtype))
    if draw(st.integers(0, 3)):
        np.abs(call.args[0], out=call.args[0])
    return call


function_of_positive_numbers = partial(function_of_numbers, calls=positive_array, draw=mostly_positive, unusual=-1)

MANNERS = {
    "sin": function_of_numbers(original=np.sin, loud=[INVALID]),
    "cos": function_of_numbers(original=np.cos, loud=[INVALID]),
    "exp": function_of_numbers(
        original=np.exp, unusual=1e4, loud=[OVERFLOW, ("underflow", lambda largest: [[1, -1e4]])]
    ),
    "log": function_of_positive_numbers(
        original=np.log,
        loud=[("divide by zero", lambda largest: [[1, 0]]), ("invalid value", lambda largest: [[1, -1]])],
    ),
    "tanh": function_of_numbers(original=np.tanh),
}
