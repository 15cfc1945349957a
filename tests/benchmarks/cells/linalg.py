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
_VARIABLES = each(
    lambda dtype, variables, n: (normal(dtype, variables, n),),
    (2, 100), (2, 10_000), (2, 10**6), (5, 1000), (10, 100_000), (100, 1000), (200, 10_000), (1000, 1000),
    text="{}x{}",
)  # fmt: skip
BENCHES = {
    "cov": Bench(_VARIABLES, operations=lambda m: m.shape[0] ** 2 * m.shape[1]),
    "corrcoef": Bench(_VARIABLES, operations=lambda m: m.shape[0] ** 2 * m.shape[1]),
    "einsum": Bench(
        each(
            lambda dtype, m, k, n: ("ik,kj->ij", normal(dtype, m, k), normal(dtype, k, n)),
            (2, 2, 2), (8, 8, 8), (32, 32, 32), (128, 128, 128), (256, 256, 256),
            text="{}x{}x{}",
        ),
        work=lambda subscripts, a, b: a.shape[0] * a.shape[1] * b.shape[1],
        work_name="m·k·n",
        operations=lambda subscripts, a, b: 2 * a.shape[0] * a.shape[1] * b.shape[1],
    ),
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
        streams=False,
    ),
}  # fmt: skip
