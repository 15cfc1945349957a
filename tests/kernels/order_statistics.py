"""The manners of order statistics."""

from __future__ import annotations

import numpy as np

from tests.kernels.manners import TABLE, Manners, one_array, reduction
from tests.kernels.reductions import UNCOVERED

MANNERS = {
    "median": Manners(
        calls=one_array,
        draw=reduction,
        original=np.median,
        loud=[("overflow", lambda largest: [[largest, largest]]), ("invalid value", lambda largest: [[]])],
        uncovered=UNCOVERED | {"overwrite_input": lambda f: f(TABLE.copy(), overwrite_input=True)},
    ),
}
