"""The Euclidean norm of a vector, or of all elements of an array (Frobenius), drop-in for `numpy.linalg.norm`.

The variants cover the default order, 2 for a vector, and "fro" for a matrix; other orders go to NumPy. The square root
of an inner product, as in NumPy.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ONE
from kernels.reductions.dot import underflows
from kernels.sums import RUN

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
def _run_squares(run):
    """The sum of squares, and how many are too small to be normal: zeros, for instance."""
    smallest = np.finfo(run.dtype).tiny
    zero, one = run.dtype.type(0), run.dtype.type(1)
    total = small = zero  # counted in floats, which share their vector lanes
    for i in range(run.size):
        square = run[i] * run[i]
        total += square
        small += one if square < smallest else zero
    return total, small


@jitable
def _squares(flat):
    """The sum of squares; infinite where NumPy must be asked."""
    total = 0.0
    for start in range(0, flat.size, RUN):
        run = flat[start : start + RUN]
        run_total, small = _run_squares(run)
        total += np.inf if small > 0 and underflows(run, run) else run_total
    return total


@jitable
def _norm(x, total):
    """The norm for a sum of squares; NaN where NumPy must be asked."""
    return np.sqrt(total) if total < np.finfo(x.dtype).max / 2 else np.nan


@jitable
def _whole_norm(x):
    return _norm(x, _squares(x.reshape(x.size)))


@jitable(parallel=True)
def _norm_of_blocks(x, block, totals):
    flat = x.reshape(x.size)
    for k in prange(totals.size):
        totals[k] = _squares(flat[k * block : (k + 1) * block])
    total = 0.0
    for k in range(totals.size):
        total += totals[k]
    return _norm(x, total)


def _answer(x, ord, found):
    """NumPy's scalar, or NumPy's own answer."""
    return ONE[x.itemsize] * found if found == found else np.linalg.norm(x, ord)


@norm.variant(kind="vectorized", when=f"{_EUCLIDEAN} and x.flags.c_contiguous")
def single_pass(x, ord=None):
    """One loop in as many vector lanes as there are: no checks of orders and axes."""
    return _answer(x, ord, _whole_norm(x))


@norm.variant(kind="vectorized", when=f"{_EUCLIDEAN} and not x.flags.c_contiguous")
def compact(x, ord=None):
    """Read in memory order, and copied first if there are holes: then as `single_pass`."""
    return _answer(x, ord, _whole_norm(x.ravel(order="K")))


@norm.variant(
    kind="parallel",
    when=f"{_EUCLIDEAN} and x.flags.c_contiguous",
    params={"block": Choice(16384, 131072)},
    threads=True,
)
def block_squares(x, ord=None, *, block):
    """Blocks on all cores, added in order: the same bits for any number of threads; which wake in 4 µs."""
    blocks = (x.size + block - 1) // block
    return _answer(x, ord, _norm_of_blocks(x, block, np.empty(blocks)))
