"""The manners of Monte-Carlo methods, whose arguments are numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import Manners


@st.composite
def points(draw, dtype):
    """Few points, none, and block edges; seeds that are and that are not."""
    n = draw(st.one_of(st.integers(-1, 40), st.integers(16_380, 16_390), st.integers(1, 100_000)))
    seed = draw(st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 2**63, 2**64 - 1, 2**64, -1])))
    return Call((draw(st.sampled_from([n, n, n, np.int64(n)])), seed))


MANNERS = {
    "pi_estimate": Manners(
        calls=lambda dtype, n, columns: [Call((n, columns))],
        draw=points,
        original=None,
        unusual=None,
        uncovered={
            "no argument": lambda f: f(),
            "a seed that is no whole number": lambda f: f(100, 1.0),
            "no seed": lambda f: f(100, None),
            "an unknown keyword": lambda f: f(100, dtype="float32"),
            "too many arguments": lambda f: f(100, 1, 2),
        },
    ),
}
