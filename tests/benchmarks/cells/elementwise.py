"""Elementwise functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, numexpr, read_and_written_once


def _loop_over(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def loop(x):
        out = np.empty_like(x)
        for i in prange(x.size):
            out[i] = function(x[i])
        return out

    return loop


def function_of_numbers(function: Callable[[Any], Any], expression: str) -> Bench:
    """A NumPy function, and numexpr's expression for it."""
    return Bench(
        VECTORS,
        rivals={"numexpr": numexpr(expression)},
        plain=_loop_over(function),
        traffic=read_and_written_once,
    )


BENCHES = {
    "sin": function_of_numbers(np.sin, "sin(x)"),
    "cos": function_of_numbers(np.cos, "cos(x)"),
    "exp": function_of_numbers(np.exp, "exp(x)"),
}
