"""What is recorded: work of several kinds, as a file for ``autotune baseline --benchmarks``."""

from __future__ import annotations

import numpy as np

from autotune import tunable


@tunable(size={"n": "x.size"})
def rms(x):
    """Root mean square, through the dispatcher."""
    return np.sqrt(np.mean(x * x))


def bench_interpreter():
    total = 0
    for i in range(2_000):
        total += i * i
    return total


def inputs_overhead(rng):
    return (rng.random(100),)


def bench_overhead(x):
    return rms(x)


def inputs_elementwise(rng):
    x = rng.random(30_000)
    return x, np.empty_like(x)


def bench_elementwise(x, out):
    return np.sqrt(x, out)


def inputs_sort(rng):
    return (rng.random(3_000),)


def bench_sort(x):
    return np.sort(x)


def inputs_allocation(rng):
    return (rng.random(100_000),)


def bench_allocation(x):
    return x * 2.0 + x


def inputs_gather(rng):
    return rng.random(200_000), rng.permutation(200_000)[:40_000]


def bench_gather(x, at):
    return x[at].sum()
