"""matmul of stacks: many small matrices by as many others, two arrays of three axes.

NumPy calls BLAS for each pair, which takes some 80 ns before anything is multiplied; up to 4 by 4 that is more than the
product takes. A product that is not finite, or in which something may have underflowed, is computed by NumPy.
"""

import numpy as np

from autotune import Choice, jitable, prange
from kernels.floats import FUSED
from kernels.linalg.matmul import matmul, sound

_STACKS = (
    "x1.ndim == 3 and x2.ndim == 3 and x1.dtype.char in 'fd' and x2.dtype == x1.dtype and "
    "x1.flags.c_contiguous and x2.flags.c_contiguous and "
    "(out is None or (out.ndim == 3 and out.dtype == x1.dtype and out.flags.c_contiguous))"
)


def _multiply(core, x1, x2, out, *settings):
    """Allocate, compute by `core`, and give the call to NumPy where it repeats a matrix, raises or warns."""
    count, rows, depth = x1.shape
    partners, inner, columns = x2.shape
    if inner != depth or partners != count:
        return np.matmul(x1, x2, out)
    if out is None:
        out = np.empty((count, rows, columns), x1.dtype)
    elif out.shape != (count, rows, columns) or not out.flags.writeable:
        return np.matmul(x1, x2, out)
    return out if core(x1, x2, out, *settings) else np.matmul(x1, x2, out)


@jitable(fastmath=FUSED)
def _products(x1, x2, out, first, last):
    """The products of a part of the stacks; whether NumPy has nothing to report of them."""
    m, k, n = x1.shape[1], x1.shape[2], x2.shape[2]
    zero = x1.dtype.type(0)  # what a sum begins with, so that it is never -0.0
    if m == 2 and k == 2 and n == 2:
        for s in range(first, last):
            for i in range(2):
                for j in range(2):
                    out[s, i, j] = zero + x1[s, i, 0] * x2[s, 0, j] + x1[s, i, 1] * x2[s, 1, j]
    elif m == 3 and k == 3 and n == 3:
        for s in range(first, last):
            for i in range(3):
                for j in range(3):
                    left = zero + x1[s, i, 0] * x2[s, 0, j] + x1[s, i, 1] * x2[s, 1, j]
                    out[s, i, j] = left + x1[s, i, 2] * x2[s, 2, j]
    elif m == 4 and k == 4 and n == 4:
        for s in range(first, last):
            for i in range(4):
                for j in range(4):
                    left = zero + x1[s, i, 0] * x2[s, 0, j] + x1[s, i, 1] * x2[s, 1, j]
                    out[s, i, j] = left + x1[s, i, 2] * x2[s, 2, j] + x1[s, i, 3] * x2[s, 3, j]
    else:
        for s in range(first, last):
            for i in range(m):
                for j in range(n):
                    total = zero
                    for t in range(k):
                        total += x1[s, i, t] * x2[s, t, j]
                    out[s, i, j] = total
    return sound(x1[first:last], x2[first:last], out[first:last])


@jitable
def _one_by_one(x1, x2, out):
    return _products(x1, x2, out, 0, len(out))


@matmul.variant(kind="scalar", when=_STACKS)
def one_by_one(x1, x2, out=None):
    """One product after the other, in one compiled loop."""
    return _multiply(_one_by_one, x1, x2, out)


@jitable(parallel=True)
def _on_all_cores(x1, x2, out, items):
    parts = (len(out) + items - 1) // items
    unsound = 0
    for part in prange(parts):
        first = part * items
        unsound += not _products(x1, x2, out, first, min(first + items, len(out)))
    return unsound == 0


@matmul.variant(kind="parallel", when=_STACKS, params={"items": Choice(256, 4096)}, threads=True)
def on_all_cores(x1, x2, out=None, *, items):
    """`items` products a task, on all cores."""
    return _multiply(_on_all_cores, x1, x2, out, items)
