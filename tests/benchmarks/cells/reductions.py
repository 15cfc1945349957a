"""Reductions."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, Make, each, normal, of, read_once


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


def _var(a):
    mean = 0.0
    for i in prange(a.size):
        mean += a[i]
    mean /= a.size
    squares = 0.0
    for i in prange(a.size):
        squares += (a[i] - mean) ** 2
    return squares / a.size


def _std(a):
    mean = 0.0
    for i in prange(a.size):
        mean += a[i]
    mean /= a.size
    squares = 0.0
    for i in prange(a.size):
        squares += (a[i] - mean) ** 2
    return math.sqrt(squares / a.size)


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


def _near_one(dtype: str, *shape: int) -> np.ndarray:
    """Factors of which the product stays in range."""
    return np.exp(normal("float64", *shape) / math.sqrt(math.prod(shape))).astype(dtype)


_SHAPES = [(1000, 10), (10, 1000), (1000, 1000), (100_000, 10), (10, 100_000)]


def _along(axis: int, make: Callable[..., np.ndarray] = normal) -> dict[str, Make]:
    text = "{}x{}, axis=" + str(axis)
    return each(lambda dtype, m, n: (make(dtype, m, n), axis), *_SHAPES, text=text)


_CELLS = VECTORS | _along(-1) | _along(0)
_FACTORS: dict[str, Make] = {
    f"1e{exponent}": lambda dtype, n=10**exponent: (_near_one(dtype, n),) for exponent in range(1, 8)
} | _along(-1, _near_one)
_PAIRS = each(lambda dtype, n: (normal(dtype, n), normal(dtype, n, 1)[:, 0].copy()),
              *((10**exponent,) for exponent in range(1, 8)), text="{}")  # fmt: skip

BENCHES = {
    "dot": Bench(_PAIRS, rivals={"matmul": lambda: np.matmul}, plain=_dot, traffic=read_once),
    "max": Bench(_CELLS, rivals={"bottleneck": of("bottleneck", "nanmax")}, plain=_max, traffic=read_once),
    "mean": Bench(_CELLS, rivals={"bottleneck": of("bottleneck", "nanmean")}, plain=_mean, traffic=read_once),
    "min": Bench(_CELLS, rivals={"bottleneck": of("bottleneck", "nanmin")}, plain=_min, traffic=read_once),
    "norm": Bench(
        VECTORS,
        rivals={"scipy": of("scipy.linalg", "norm"), "dot": lambda: lambda x: math.sqrt(x.dot(x))},
        plain=_norm,
        traffic=read_once,
    ),
    "prod": Bench(_FACTORS, plain=_prod, traffic=read_once),
    "std": Bench(_CELLS, rivals={"bottleneck": of("bottleneck", "nanstd")}, plain=_std, traffic=read_once),
    "sum": Bench(
        _CELLS,
        rivals={"numexpr": _numexpr_sum, "bottleneck": of("bottleneck", "nansum")},
        plain=_sum,
        traffic=read_once,
    ),
    "var": Bench(_CELLS, rivals={"bottleneck": of("bottleneck", "nanvar")}, plain=_var, traffic=read_once),
}
