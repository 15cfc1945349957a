"""Monte-Carlo methods. Their arguments are numbers: both precisions are the same."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import Bench, each


def _pi_estimate(n, seed):
    inside = 0
    for _ in prange(n):
        inside += np.random.random() ** 2 + np.random.random() ** 2 < 1
    return 4 * inside / n


def _generator():
    """As a user would write it, with NumPy's generator."""

    def pi_estimate(n, seed):
        x, y = np.random.default_rng(seed).random((2, n))
        return 4 * np.count_nonzero(x * x + y * y < 1) / n

    return pi_estimate


BENCHES = {
    "pi_estimate": Bench(
        each(lambda dtype, n: (n, 1), (100,), (1000,), (10_000,), (100_000,), (1_000_000,), (10_000_000,), text="{}"),
        rivals={"NumPy's generator": _generator},
        plain=_pi_estimate,
        work=lambda n, seed: n,
        work_name="points",
    ),
}
