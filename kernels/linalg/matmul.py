"""matmul, drop-in for `numpy.matmul`.

The variants here cover two 2-D arrays of one precision, float32 or float64, those of `stacks` two stacks of matrices.
NumPy hands such a product to BLAS. Where that is an optimised one, as in the usual wheels, only the shorter way to it
wins; where NumPy was built without (musl, Pyodide, a build from source), its own loops lose to all variants here.
Compiled code does not warn: a product that is not finite, or in which something may have underflowed, is computed by
NumPy instead.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import FUSED


def _normal(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


def _factors(rng, dtype, m, k, n, count=None):
    """Two matrices, or two stacks of `count`."""
    stack = () if count is None else (count,)
    return _normal(rng, dtype, *stack, m, k), _normal(rng, dtype, *stack, k, n)


matmul = tunable(
    np.matmul,
    size={
        "m": "x1.shape[-2]",
        "k": "x1.shape[-1]",
        "n": "x2.shape[-1]",
        "count": "x1.shape[0] if x1.ndim == 3 else 1",
    },
    inputs=_factors,
    calibrate=[
        {"m": Range(2, 1000), "k": Range(2, 1000), "n": Range(2, 1000), "dtype": Choice("float32", "float64")},
        {
            "count": Range(1, 50_000),
            "m": Range(2, 32),
            "k": Range(2, 32),
            "n": Range(2, 32),
            "dtype": Choice("float32", "float64"),
        },
    ],
    mutates=("out",),
)

_MATRICES = (
    "x1.ndim == 2 and x2.ndim == 2 and x1.dtype.char in 'fd' and x2.dtype == x1.dtype and "
    "(out is None or (out.ndim == 2 and out.dtype == x1.dtype and out.flags.c_contiguous))"
)
_DENSE = "(x1.flags.c_contiguous or x1.flags.f_contiguous) and (x2.flags.c_contiguous or x2.flags.f_contiguous)"
_COMPILED = f"{_MATRICES} and x1.flags.c_contiguous and x2.flags.c_contiguous"


@jitable
def _may_underflow(x):
    """Whether a product of two elements of this size may underflow."""
    smallest = np.sqrt(np.finfo(x.dtype).tiny)
    flat = x.reshape(x.size)
    small = False
    for i in range(flat.size):
        small |= (abs(flat[i]) < smallest) & (flat[i] != 0)
    return small


@jitable
def sound(x1, x2, out):
    """Whether the product is finite and nothing underflowed: then NumPy has nothing to report."""
    flat = out.reshape(out.size)
    finite = True
    for i in range(flat.size):
        finite &= abs(flat[i]) < np.inf
    return finite and not _may_underflow(x1) and not _may_underflow(x2)


def _multiply(core, x1, x2, out, *settings):
    """Allocate, compute by `core`, and give the call to NumPy where it raises or warns."""
    rows, depth = x1.shape
    inner, columns = x2.shape
    if inner != depth:
        return np.matmul(x1, x2, out)
    if out is None:
        out = np.empty((rows, columns), x1.dtype)
    elif out.shape != (rows, columns) or not out.flags.writeable:
        return np.matmul(x1, x2, out)
    return out if core(x1, x2, out, *settings) else np.matmul(x1, x2, out)


# not marked as threaded, because it uses exactly the threads that the reference uses
@matmul.variant(kind="library", numerics="bitwise", when=f"{_MATRICES} and {_DENSE}")
def dot(x1, x2, out=None):
    """The same BLAS without the ufunc machinery: saves 0.5 µs a call; its warnings say «in dot»."""
    if x1.shape[1] == 1:  # products and no sums: matmul calls BLAS for none of them, dot for some
        return np.matmul(x1, x2, out)
    if out is None:
        return x1.dot(x2)
    if out.shape != (x1.shape[0], x2.shape[1]) or x1.shape[1] != x2.shape[0] or not out.flags.writeable:
        return np.matmul(x1, x2, out)
    return x1.dot(x2, out)


@jitable(fastmath=FUSED)
def _loops(x1, x2, out):
    for i in range(x1.shape[0]):
        for j in range(x2.shape[1]):
            total = x1.dtype.type(0)
            for t in range(x1.shape[1]):
                total += x1[i, t] * x2[t, j]
            out[i, j] = total
    return sound(x1, x2, out)


@matmul.variant(kind="scalar", when=_COMPILED)
def loops(x1, x2, out=None):
    """The definition, element by element: what the others are measured against; wins without BLAS on a few elements."""
    return _multiply(_loops, x1, x2, out)


@jitable(fastmath=FUSED)
def _unrolled(x1, x2, out):
    m, k = x1.shape
    n = x2.shape[1]
    zero = x1.dtype.type(0)  # what a sum begins with, so that it is never -0.0
    if m == 2 and k == 2 and n == 2:
        for i in range(2):
            for j in range(2):
                out[i, j] = zero + x1[i, 0] * x2[0, j] + x1[i, 1] * x2[1, j]
    elif m == 3 and k == 3 and n == 3:
        for i in range(3):
            for j in range(3):
                out[i, j] = zero + x1[i, 0] * x2[0, j] + x1[i, 1] * x2[1, j] + x1[i, 2] * x2[2, j]
    elif m == 4 and k == 4 and n == 4:
        for i in range(4):
            for j in range(4):
                left = zero + x1[i, 0] * x2[0, j] + x1[i, 1] * x2[1, j]
                out[i, j] = left + x1[i, 2] * x2[2, j] + x1[i, 3] * x2[3, j]
    else:
        return _loops(x1, x2, out)
    return sound(x1, x2, out)


@matmul.variant(kind="vectorized", when=_COMPILED)
def unrolled(x1, x2, out=None):
    """2 by 2 to 4 by 4 without loops: wins where there is no BLAS; any other shape falls back to `loops`."""
    return _multiply(_unrolled, x1, x2, out)


@jitable(fastmath=FUSED)
def _add_four_rows(x1, x2, out, i, t, last, columns):
    """Add x1[i:i+4, t:last] @ x2[t:last, columns] to four rows of out, four terms at a time."""
    out_0, out_1, out_2, out_3 = out[i, columns], out[i + 1, columns], out[i + 2, columns], out[i + 3, columns]
    while t + 4 <= last:
        a_00, a_01, a_02, a_03 = x1[i, t], x1[i, t + 1], x1[i, t + 2], x1[i, t + 3]
        a_10, a_11, a_12, a_13 = x1[i + 1, t], x1[i + 1, t + 1], x1[i + 1, t + 2], x1[i + 1, t + 3]
        a_20, a_21, a_22, a_23 = x1[i + 2, t], x1[i + 2, t + 1], x1[i + 2, t + 2], x1[i + 2, t + 3]
        a_30, a_31, a_32, a_33 = x1[i + 3, t], x1[i + 3, t + 1], x1[i + 3, t + 2], x1[i + 3, t + 3]
        row_0, row_1, row_2, row_3 = x2[t, columns], x2[t + 1, columns], x2[t + 2, columns], x2[t + 3, columns]
        for j in range(out_0.size):
            b_0, b_1, b_2, b_3 = row_0[j], row_1[j], row_2[j], row_3[j]
            out_0[j] += a_00 * b_0 + a_01 * b_1 + a_02 * b_2 + a_03 * b_3
            out_1[j] += a_10 * b_0 + a_11 * b_1 + a_12 * b_2 + a_13 * b_3
            out_2[j] += a_20 * b_0 + a_21 * b_1 + a_22 * b_2 + a_23 * b_3
            out_3[j] += a_30 * b_0 + a_31 * b_1 + a_32 * b_2 + a_33 * b_3
        t += 4
    for row in range(i, i + 4):
        _add_row(x1, x2, out, row, t, last, columns)


@jitable(fastmath=FUSED)
def _add_row(x1, x2, out, i, t, last, columns):
    target = out[i, columns]
    while t < last:
        factor, row = x1[i, t], x2[t, columns]
        for j in range(target.size):
            target[j] += factor * row[j]
        t += 1


@jitable
def _add_panel(x1, x2, out, first, last, depth, width):
    """Compute the rows first:last of out, with a block of x2 of depth × width elements in cache at a time."""
    out[first:last] = 0
    for start in range(0, x2.shape[1], width):
        columns = slice(start, min(start + width, x2.shape[1]))
        for t in range(0, x2.shape[0], depth):
            end = min(t + depth, x2.shape[0])
            i = first
            while i + 4 <= last:
                _add_four_rows(x1, x2, out, i, t, end, columns)
                i += 4
            for row in range(i, last):
                _add_row(x1, x2, out, row, t, end, columns)


@jitable
def _blocked(x1, x2, out, depth, width):
    _add_panel(x1, x2, out, 0, x1.shape[0], depth, width)
    return sound(x1, x2, out)


@matmul.variant(
    kind="blocked",
    when=_COMPILED,
    params={"depth": Choice(32, 128), "width": Choice(128, 512)},
)
def blocked(x1, x2, out=None, *, depth, width):
    """Four rows and four terms at a time, a block of x2 in cache: up to 85 % of one core's peak; wins without BLAS."""
    return _multiply(_blocked, x1, x2, out, depth, width)


@jitable(parallel=True)
def _blocked_threads(x1, x2, out, depth, width, rows):
    for p in prange((x1.shape[0] + rows - 1) // rows):
        _add_panel(x1, x2, out, p * rows, min((p + 1) * rows, x1.shape[0]), depth, width)
    return sound(x1, x2, out)


@matmul.variant(
    kind="parallel",
    when=_COMPILED,
    params={"depth": Choice(32, 128), "width": Choice(128, 512), "rows": Choice(16, 64)},
    threads=True,
)
def blocked_threads(x1, x2, out=None, *, depth, width, rows):
    """The blocks on all cores, `rows` of the result a task; each row is summed by one thread: always the same bits."""
    return _multiply(_blocked_threads, x1, x2, out, depth, width, rows)
