"""The Euclidean norm of a vector, or of all elements of an array (Frobenius), drop-in for `numpy.linalg.norm`.

NumPy takes the square root of an inner product, for which it calls BLAS. In one thread no compiled loop beats that; the
variants are a shorter way to it, and a loop on all cores, which reads large arrays faster. They take the default order,
2 for a vector, and "fro" for a matrix; other orders go to NumPy.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ONE, underflows_are_watched
from kernels.sums import RUN, in_order

norm = tunable(
    np.linalg.norm,
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(2, 10_000_000), "dtype": Choice("float32", "float64")},
    static=("ord",),
)

_EUCLIDEAN = (
    "x.ndim > 0 and x.dtype.char in 'fd' and "
    "(ord is None or (x.ndim == 1 and ord == 2) or (x.ndim == 2 and ord == 'fro'))"
)


@jitable(fastmath=ANY_ORDER)
def _run_squares(run, smallest):
    total = run.dtype.type(0)
    underflow = False
    for i in range(run.size):
        total += run[i] * run[i]
        underflow |= (abs(run[i]) < smallest) & (run[i] != 0)
    return total, underflow


@jitable
def _squares(flat):
    """The sum of all squares, and whether one of them may underflow."""
    smallest = np.sqrt(np.finfo(flat.dtype).tiny)
    total = 0.0
    underflow = False
    for start in range(0, flat.size, RUN):
        run_total, run_underflow = _run_squares(flat[start : start + RUN], smallest)
        total += run_total
        underflow |= run_underflow
    return total, underflow


@jitable(parallel=True)
def _square_blocks(flat, block, totals, underflows):
    """The sum of all squares; NaN where NumPy must be asked: where it may overflow, or squares that underflow are not
    next to nothing; negative where it must be if somebody watches for underflows.
    """
    for b in prange(totals.size):
        totals[b], underflows[b] = _squares(flat[b * block : (b + 1) * block])
    total = in_order(totals)
    limits = np.finfo(flat.dtype)
    if not flat.size * (limits.tiny / limits.eps) <= total < limits.max / 2:
        return np.nan
    return -total if underflows.any() else total


# not marked as threaded, because it uses exactly the threads that the reference uses
@norm.variant(kind="library", numerics="bitwise", when=_EUCLIDEAN)
def inner_product(x, ord=None):
    """The same BLAS without checks of orders and axes: saves 2 µs a call."""
    flat = x.ravel(order="K")
    return ONE[x.itemsize] * math.sqrt(flat.dot(flat))


@norm.variant(
    kind="parallel",
    when=f"{_EUCLIDEAN} and x.flags.c_contiguous",
    params={"block": Choice(65536, 262144)},
    threads=True,
)
def block_squares(x, ord=None, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads."""
    flat = x.reshape(-1)
    blocks = (flat.size + block - 1) // block
    total = _square_blocks(flat, block, np.empty(blocks), np.empty(blocks, np.bool_))
    if total != total or (total < 0 and underflows_are_watched()):
        return np.linalg.norm(x, ord)
    return ONE[x.itemsize] * math.sqrt(abs(total))
