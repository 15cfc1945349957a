"""Reductions."""

from __future__ import annotations

import math

from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, numexpr, of, read_once


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


BENCHES = {
    "sum": Bench(
        VECTORS,
        rivals={"numexpr": numexpr("sum(x)"), "bottleneck": of("bottleneck", "nansum")},
        plain=_sum,
        traffic=read_once,
    ),
    "mean": Bench(VECTORS, rivals={"bottleneck": of("bottleneck", "nanmean")}, plain=_mean, traffic=read_once),
    "std": Bench(VECTORS, rivals={"bottleneck": of("bottleneck", "nanstd")}, plain=_std, traffic=read_once),
    "var": Bench(VECTORS, rivals={"bottleneck": of("bottleneck", "nanvar")}, plain=_var, traffic=read_once),
}
