"""Linear algebra."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import Bench, each, normal, read_and_written_once


def _matmul(a, b):
    out = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    for i in prange(a.shape[0]):
        for t in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, t] * b[t, j]
    return out


def _transpose_copy(x):
    out = np.empty((x.shape[1], x.shape[0]), x.dtype)
    for i in prange(x.shape[0]):
        for j in range(x.shape[1]):
            out[j, i] = x[i, j]
    return out


_SQUARES = [(n, n, n) for n in (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)]
BENCHES = {
    "matmul": Bench(
        each(
            lambda dtype, m, k, n: (normal(dtype, m, k), normal(dtype, k, n)),
            *_SQUARES, (1000, 4, 1000), (16, 4096, 16),
            text="{}x{}x{}",
        ),
        plain=_matmul,
        work=lambda a, b: a.shape[0] * a.shape[1] * b.shape[1],
        work_name="m·k·n",
        operations=lambda a, b: 2 * a.shape[0] * a.shape[1] * b.shape[1],
    ),
    "transpose_copy": Bench(
        each(
            lambda dtype, m, n: (normal(dtype, m, n),),
            (4, 4), (16, 16), (64, 64), (256, 256), (1024, 1024), (4096, 4096), (100_000, 8), (8, 100_000),
            text="{}x{}",
        ),
        plain=_transpose_copy,
        traffic=read_and_written_once,
    ),
}  # fmt: skip
