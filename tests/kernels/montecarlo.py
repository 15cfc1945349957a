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


@st.composite
def options(draw, dtype):
    """Usual markets and impossible ones; few paths and dates, and none."""
    specials = st.sampled_from([0, 1, -1.0, 1e-9, 1e200, np.inf, np.nan, np.float64(2.0), np.float32(2.0)])
    usual = (st.floats(50, 200), st.floats(50, 200), st.floats(-0.1, 0.2), st.floats(0.01, 1), st.floats(0.1, 3))
    market = [draw(value) for value in usual]
    if draw(st.booleans()):
        market[draw(st.integers(0, 4))] = draw(specials)
    paths = draw(st.one_of(st.integers(0, 40), st.integers(1020, 1030), st.integers(2, 5000)))
    seed = draw(st.sampled_from([0, 1, 7, 2**64 - 1, 2**64]))
    return Call((*market, paths, draw(st.sampled_from([1, 2, 3, 5, 0])), seed, draw(st.booleans())))


MARKET = (100.0, 105.0, 0.05, 0.2, 1.0)

MANNERS = {
    "option_price": Manners(
        calls=lambda dtype, n, columns: [Call((*MARKET, max(n // columns, 2), min(columns, 20)))],
        draw=options,
        original=None,
        # payoffs are differences of prices
        scale=lambda spot, strike, *rest: (max(spot, strike), max(spot, strike)),
        unusual=None,
        uncovered={
            "no argument": lambda f: f(),
            "paths that are no whole number": lambda f: f(*MARKET, 100.0),
            "prices in an array": lambda f: f(np.array([100.0, 101.0]), *MARKET[1:], 100),
            "no volatility": lambda f: f(*MARKET[:3], None, 1.0, 100),
            "an unknown keyword": lambda f: f(*MARKET, 100, steps=3),
        },
    ),
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
