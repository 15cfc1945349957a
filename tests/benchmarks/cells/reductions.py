"""Reductions."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import PLAIN, VECTORS, Bench, Load, Make, each, normal, of, read_once


def _sum(a):
    total = 0.0
    for i in prange(a.size):
        total += a[i]
    return total


def _mean(a):
    total = 0.0
    for i in prange(a.size):
        total += a[i]
    return total / a.size


def _spread(root):
    """The loop of a variance, or of its square root."""

    def loop(a):
        mean = 0.0
        for i in prange(a.size):
            mean += a[i]
        mean /= a.size
        squares = 0.0
        for i in prange(a.size):
            squares += (a[i] - mean) ** 2
        return math.sqrt(squares / a.size) if root else squares / a.size

    return loop


def _prod(a):
    product = 1.0
    for i in prange(a.size):
        product *= a[i]
    return product


def _max(a):
    top = a[0]
    for i in prange(a.size):
        top = max(top, a[i])
    return top


def _min(a):
    bottom = a[0]
    for i in prange(a.size):
        bottom = min(bottom, a[i])
    return bottom


def _dot(a, b):
    total = 0.0
    for i in prange(a.size):
        total += a[i] * b[i]
    return total


def _norm(x):
    total = 0.0
    for i in prange(x.size):
        total += x[i] * x[i]
    return math.sqrt(total)


def _numexpr_sum() -> Callable[..., Any]:
    evaluate = import_module("numexpr").evaluate
    return lambda a: evaluate("sum(x)", {"x": a})


def _whole(*arguments: Any) -> bool:
    """Whether all elements are reduced, not those along an axis."""
    return len(arguments) == 1


def _near_one(dtype: str, *shape: int) -> np.ndarray:
    """Factors of which the product stays in range."""
    return np.exp(normal("float64", *shape) / math.sqrt(math.prod(shape))).astype(dtype)


_SHAPES = [(1000, 10), (10, 1000), (1000, 1000), (100_000, 10), (10, 100_000)]


def _along(axis: int, make: Callable[..., np.ndarray] = normal) -> dict[str, Make]:
    text = "{}x{}, axis=" + str(axis)
    return each(lambda dtype, m, n: (make(dtype, m, n), axis), *_SHAPES, text=text)


_CELLS = VECTORS | _along(-1) | _along(0)
_NO_AXIS = dict.fromkeys((PLAIN, "numexpr"), _whole)
_FACTORS: dict[str, Make] = {
    f"1e{exponent}": lambda dtype, n=10**exponent: (_near_one(dtype, n),) for exponent in range(1, 8)
} | _along(-1, _near_one)
_PAIRS = each(lambda dtype, n: (normal(dtype, n), normal(dtype, n, 1)[:, 0].copy()),
              *((10**exponent,) for exponent in range(1, 8)), text="{}")  # fmt: skip


def _reduction(plain: Callable[..., Any], name: str, **more: Load) -> Bench:
    """One for which bottleneck has a function of that name."""
    rivals = {"bottleneck": of("bottleneck", name), **more}
    return Bench(_CELLS, rivals=rivals, plain=plain, takes=_NO_AXIS, traffic=read_once)


BENCHES = {
    "dot": Bench(_PAIRS, rivals={"matmul": lambda: np.matmul}, plain=_dot, traffic=read_once),
    "max": _reduction(_max, "nanmax"),
    "mean": _reduction(_mean, "nanmean"),
    "min": _reduction(_min, "nanmin"),
    "norm": Bench(
        VECTORS,
        rivals={"scipy": of("scipy.linalg", "norm"), "dot": lambda: lambda x: math.sqrt(x.dot(x))},
        plain=_norm,
        traffic=read_once,
    ),
    "prod": Bench(_FACTORS, plain=_prod, takes=_NO_AXIS, traffic=read_once),
    "std": _reduction(_spread(root=True), "nanstd"),
    "sum": _reduction(_sum, "nansum", numexpr=_numexpr_sum),
    "var": _reduction(_spread(root=False), "nanvar"),
}
