"""The manners of fused chains."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.special
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import TABLE, Calling, Manners, normal, out, reduction, table_of

_SOFTMAX: dict[str, Calling] = {
    "the first axis": lambda f: f(TABLE, axis=0),
    "two axes": lambda f: f(TABLE, (0, 1)),
    "an axis that is not there": lambda f: f(TABLE, axis=5),
    "an axis that is no whole number": lambda f: f(TABLE, axis=1.0),
    "an axis that is a truth value": lambda f: f(TABLE, axis=True),
    "axes in a list": lambda f: f(TABLE, axis=[0, 1]),
    "an axis that is a string": lambda f: f(TABLE, axis="last"),
    "an unknown keyword": lambda f: f(TABLE, out=out(20, 5)),
}

MANNERS = {
    "softmax": Manners(
        calls=lambda dtype, n, columns: [
            Call((table_of(dtype, n, columns),), {"axis": -1}),
            Call((normal(dtype, n),)),
        ],
        draw=partial(reduction, axis=st.sampled_from([None, None, -1, -1, np.int64(-1), 1, 0, (0,)])),
        original=scipy.special.softmax,
        loud=[
            ("invalid value", lambda largest: [[[1, np.inf]]]),
            ("overflow", lambda largest: [[[largest, -largest]]]),
        ],
        keywords=({"axis": -1}, {}),
        uncovered=_SOFTMAX,
    ),
}
