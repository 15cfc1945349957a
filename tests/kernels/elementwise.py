"""The manners of elementwise functions."""

from __future__ import annotations

from functools import partial

import numpy as np

from tests.kernels.manners import FUNCTION_OF_NUMBERS, Manners, elementwise, one_array

#: Two units in the last place are ours, up to four NumPy's.
function_of_numbers = partial(
    Manners, calls=one_array, draw=elementwise, factor=6, uncovered=FUNCTION_OF_NUMBERS, unusual=np.inf
)

MANNERS = {
    "sin": function_of_numbers(original=np.sin, loud=[("invalid value", lambda largest: [[1, np.inf]])]),
    "cos": function_of_numbers(original=np.cos, loud=[("invalid value", lambda largest: [[1, np.inf]])]),
    "exp": function_of_numbers(
        original=np.exp,
        unusual=1e4,
        loud=[("overflow", lambda largest: [[1, 1e4]]), ("underflow", lambda largest: [[1, -1e4]])],
    ),
}
