"""Fused chains."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import Bench, each, normal, of, read_and_written_once


def _softmax(x, axis):
    out = np.empty_like(x)
    for i in prange(x.shape[0]):
        top = x[i].max()
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = np.exp(x[i, j] - top)
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total
    return out


#: Tables of which each row is worked on.
ROWS = each(
    lambda dtype, rows, columns: (normal(dtype, rows, columns), -1),
    (1, 10), (10, 10), (100, 10), (10, 1000), (1000, 256), (10_000, 100), (100, 10_000),
    text="{}x{}",
)  # fmt: skip
BENCHES = {
    "softmax": Bench(
        ROWS,
        original=("SciPy", of("scipy.special", "softmax")),
        plain=_softmax,
        traffic=read_and_written_once,
    ),
}
