"""The inner product of two vectors, drop-in for `numpy.dot`.

The variants cover two contiguous vectors of one precision. NumPy calls BLAS, whose own threads wake more slowly than
those here; matrices and the rest are left to it. A sum that may overflow, or a product that may underflow, is NumPy's
to report.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ONE
from kernels.sums import RUN

dot = tunable(
    np.dot,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype)),
    calibrate={"n": Range(2, 5_000_000), "dtype": Choice("float32", "float64")},
)

_VECTORS = (
    "a.ndim == 1 and b.ndim == 1 and a.dtype.char in 'fd' and b.dtype == a.dtype and "
    "a.flags.c_contiguous and b.flags.c_contiguous"
)


@jitable(fastmath=ANY_ORDER)
def _run_dot(left, right):
    """The sum of products, that of their magnitudes, and how many are too small to be normal: zeros, for instance."""
    smallest = np.finfo(left.dtype).tiny
    zero, one = left.dtype.type(0), left.dtype.type(1)
    total = magnitude = small = zero  # counted in floats, which share their vector lanes
    for i in range(left.size):
        product = left[i] * right[i]
        total += product
        magnitude += abs(product)
        small += one if abs(product) < smallest else zero
    return total, magnitude, small


@jitable
def underflows(left, right):
    """Whether a product of numbers other than zero is too small to be normal."""
    found = False
    for i in range(left.size):
        found |= (abs(left[i] * right[i]) < np.finfo(left.dtype).tiny) & (left[i] != 0) & (right[i] != 0)
    return found


@jitable
def _dot(left, right):
    """The inner product, and the sum of magnitudes: infinite where NumPy must be asked."""
    total = 0.0
    magnitude = 0.0
    for start in range(0, left.size, RUN):
        run = slice(start, start + RUN)
        run_total, run_magnitude, small = _run_dot(left[run], right[run])
        total += run_total
        magnitude += np.inf if small > 0 and underflows(left[run], right[run]) else run_magnitude
    return total, magnitude


@jitable
def _checked(left, total, magnitude):
    """The inner product; NaN where NumPy must be asked: while the sum of magnitudes is far from overflow, so is any
    part of the sum.
    """
    return total if magnitude < np.finfo(left.dtype).max / 2 else np.nan


@jitable
def _whole_dot(a, b):
    total, magnitude = _dot(a, b)
    return _checked(a, total, magnitude)


@jitable(parallel=True)
def _dot_blocks(left, right, block, totals, magnitudes):
    for k in prange(totals.size):
        part = slice(k * block, (k + 1) * block)
        totals[k], magnitudes[k] = _dot(left[part], right[part])
    total = magnitude = 0.0
    for k in range(totals.size):
        total += totals[k]
        magnitude += magnitudes[k]
    return _checked(left, total, magnitude)


@dot.variant(kind="vectorized", when=_VECTORS)
def single_pass(a, b):
    """One loop in as many vector lanes as there are: the call is shorter than the way to BLAS."""
    if a.size != b.size:
        return np.dot(a, b)
    product = _whole_dot(a, b)
    return ONE[a.itemsize] * product if product == product else np.dot(a, b)


@dot.variant(kind="parallel", when=_VECTORS, params={"block": Choice(16384, 131072)}, threads=True)
def block_dots(a, b, *, block):
    """Blocks on all cores, added in order: the same bits for any number of threads; which wake in 4 µs."""
    if a.size != b.size:
        return np.dot(a, b)
    blocks = (a.size + block - 1) // block
    product = _dot_blocks(a, b, block, np.empty(blocks), np.empty(blocks))
    return ONE[a.itemsize] * product if product == product else np.dot(a, b)
