"""What this machine can do at most: bytes a second read and copied, floating-point operations a second in BLAS.

Measured with plain loops on all cores, in the run whose results are compared with it.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import numba
import numpy as np
from numba import prange

ROUNDS = 9


@numba.njit(parallel=True, fastmath=True)
def read(x):
    """Read an array once, of one axis."""
    total = 0.0
    for i in prange(x.size):
        total += x[i]
    return total


@numba.njit(parallel=True)
def _copy(x, out):
    for i in prange(x.size):
        out[i] = x[i]


def copy(x):
    """Copy an array of one axis to a new one, as calls that return new arrays do."""
    out = np.empty_like(x)
    _copy(x, out)
    return out


def _best_s(call: Callable[[], object]) -> float:
    call()
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


@functools.cache
def blas_operations_s(dtype: str) -> float:
    """Floating-point operations a second of a large matrix product."""
    n = 2048
    a = np.ones((n, n), dtype)
    return 2 * n**3 / _best_s(lambda: a @ a)
