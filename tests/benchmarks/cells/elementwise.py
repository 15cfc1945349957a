"""Elementwise functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, Make, numexpr, of, read_and_written_once


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

SINES: dict[str, Make] = {
    size: lambda dtype, make=make: tuple(np.sin(array) for array in make(dtype)) for size, make in VECTORS.items()
}


def function_of_numbers(function: Callable[[Any], Any], expression: str, sizes: Mapping[str, Make] = VECTORS) -> Bench:
    """A NumPy function, and numexpr's expression for it."""
    return Bench(sizes, rivals={"numexpr": numexpr(expression)}, plain=_loop_over(function))


def _relu(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = max(x[i], 0)
    return out


def _sigmoid(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = 1 / (1 + np.exp(-x[i]))
    return out


def _clip(a, low, high):
    out = np.empty_like(a)
    for i in prange(a.size):
        out[i] = min(max(a[i], low), high)
    return out


def _power(x, exponent):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = x[i] ** exponent
    return out


BENCHES = {
    "arccos": function_of_numbers(np.arccos, "arccos(x)", SINES),
    "arcsin": function_of_numbers(np.arcsin, "arcsin(x)", SINES),
    "arctan": function_of_numbers(np.arctan, "arctan(x)"),
    "clip": Bench(
        {size: lambda dtype, make=make: (*make(dtype), -1.0, 1.0) for size, make in VECTORS.items()},
        rivals={"numexpr": numexpr("where(x < -1, -1, where(x > 1, 1, x))")},
        plain=_clip,
        traffic=read_and_written_once,
    ),
    "cos": function_of_numbers(np.cos, "cos(x)"),
    "cosh": function_of_numbers(np.cosh, "cosh(x)"),
    "exp": function_of_numbers(np.exp, "exp(x)"),
    "log": function_of_numbers(np.log, "log(x)", POSITIVE),
    "power": Bench(
        {size: lambda dtype, make=make: (*make(dtype), 1.7) for size, make in POSITIVE.items()},
        rivals={"numexpr": numexpr("x ** y")},
        plain=_power,
    ),
    "relu": Bench(
        VECTORS, rivals={"numexpr": numexpr("where(x < 0, 0, x)")}, plain=_relu, traffic=read_and_written_once
    ),
    "sigmoid": Bench(
        VECTORS,
        original=("scipy", of("scipy.special", "expit")),
        rivals={"numexpr": numexpr("1 / (1 + exp(-x))")},
        plain=_sigmoid,
    ),
    "sin": function_of_numbers(np.sin, "sin(x)"),
    "sinh": function_of_numbers(np.sinh, "sinh(x)"),
    "sqrt": function_of_numbers(np.sqrt, "sqrt(x)", POSITIVE)._replace(traffic=read_and_written_once),
    "tan": function_of_numbers(np.tan, "tan(x)"),
    "tanh": function_of_numbers(np.tanh, "tanh(x)"),
}
