"""Elementwise functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, Make, numexpr, read_and_written_once


def _loop_over(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def loop(x):
        out = np.empty_like(x)
        for i in prange(x.size):
            out[i] = function(x[i])
        return out

    return loop


POSITIVE: dict[str, Make] = {
    size: lambda dtype, make=make: tuple(np.abs(array) for array in make(dtype)) for size, make in VECTORS.items()
}


def function_of_numbers(function: Callable[[Any], Any], expression: str, sizes: Mapping[str, Make] = VECTORS) -> Bench:
    """A NumPy function, and numexpr's expression for it."""
    return Bench(
        sizes,
        rivals={"numexpr": numexpr(expression)},
        plain=_loop_over(function),
        traffic=read_and_written_once,
    )


BENCHES = {
    "sin": function_of_numbers(np.sin, "sin(x)"),
    "cos": function_of_numbers(np.cos, "cos(x)"),
    "exp": function_of_numbers(np.exp, "exp(x)"),
    "log": function_of_numbers(np.log, "log(x)", POSITIVE),
    "tanh": function_of_numbers(np.tanh, "tanh(x)"),
}
