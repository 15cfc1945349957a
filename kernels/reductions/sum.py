"""The sum of a whole array or along an axis, drop-in for `numpy.sum`."""

import numpy as np

from autotune import Choice, jitable, prange, tunable
from kernels.floats import ANY_ORDER, LARGEST, ONE
from kernels.reductions.axes import add_column_variants, add_row_variants, column_loops, row_loops
from kernels.reductions.common import CALIBRATE, CONTIGUOUS, NOT_CONTIGUOUS, SIZE, normal
from kernels.sums import RUN

sum = tunable(np.sum, size=SIZE, inputs=normal, calibrate=CALIBRATE, static=("axis",))


@jitable(fastmath=ANY_ORDER)
def _run_sums(run):
    total = run.dtype.type(0)
    magnitude = run.dtype.type(0)
    for i in range(run.size):
        total += run[i]
        magnitude += abs(run[i])
    return total, magnitude


@jitable
def sums(flat):
    """The sum of all elements and of their absolute values; what an addition loses is carried (Kahan 1965, CACM 8)."""
    total = 0.0
    lost = 0.0
    magnitude = 0.0
    for start in range(0, flat.size, RUN):
        run_total, run_magnitude = _run_sums(flat[start : start + RUN])
        corrected = run_total - lost
        longer = total + corrected
        lost = (longer - total) - corrected
        total = longer
        magnitude += run_magnitude
    return total, magnitude


@jitable
def _checked(a, total, magnitude):
    """The sum; NaN where NumPy must be asked: while the sum of |a| is far from overflow, so is any part of the sum."""
    return total if magnitude < np.finfo(a.dtype).max / 2 else np.nan


@jitable
def whole_sum(a):
    total, magnitude = sums(a.reshape(a.size))
    return _checked(a, total, magnitude)


@jitable(parallel=True)
def sum_blocks(a, block, totals, magnitudes):
    flat = a.reshape(a.size)
    for b in prange(totals.size):
        totals[b], magnitudes[b] = sums(flat[b * block : (b + 1) * block])
    return _checked(a, sums(totals)[0], sums(magnitudes)[0])


@sum.variant(kind="vectorized", when=CONTIGUOUS)
def single_pass(a, axis=None):
    """One loop in as many vector lanes as there are: no ufunc machinery, no pairwise recursion."""
    total = whole_sum(a)
    if total != total:
        return np.sum(a, axis=axis)
    return ONE[a.itemsize] * total


@sum.variant(kind="vectorized", when=NOT_CONTIGUOUS)
def compact(a, axis=None):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    total = whole_sum(a.ravel(order="K"))
    if total != total:
        return np.sum(a, axis=axis)
    return ONE[a.itemsize] * total


@sum.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(16384, 65536, 262144)}, threads=True)
def block_sums(a, axis=None, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads; which wake in 4 µs."""
    blocks = (a.size + block - 1) // block
    total = sum_blocks(a, block, np.empty(blocks), np.empty(blocks))
    if total != total:
        return np.sum(a, axis=axis)
    return ONE[a.itemsize] * total


@jitable
def _long_row(values, limit, out, row):
    total, magnitude = sums(values)
    out[row] = total
    return magnitude < limit * values.size


@jitable
def _short_rows(flat, limit, inner, out, first, last):
    length = np.uint64(inner)  # unsigned: an index that cannot be negative needs no correction
    most = flat.dtype.type(limit)
    sound = True
    for row in range(np.uint64(first), np.uint64(last)):
        total = 0.0
        for i in range(row * length, (row + np.uint64(1)) * length):
            total += flat[i]
            sound &= abs(flat[i]) < most
        out[row] = total
    return sound


@jitable
def begin(partial):
    partial[:] = 0


@jitable(fastmath=ANY_ORDER)
def _fold(partial, piece, limit, left, result):
    magnitude = piece.dtype.type(0)  # its order depends on where the arrays lie; nothing else depends on its last bits
    for j in range(piece.size):
        result[j] = partial[j] + piece[j]
        magnitude += abs(piece[j])
    return magnitude < limit


@jitable
def merge(partial, other):
    for j in range(other.size):
        partial[j] += other[j]


@jitable
def _close(partial, limit, out):
    out[:] = partial
    return True


def limit(a, inner):
    """While all elements are smaller, no sum of `inner` of them can overflow, however it is added up."""
    return LARGEST[a.itemsize] / (2 * max(inner, 1))


BY_ROWS = row_loops(_short_rows, _long_row)
BY_COLUMNS = column_loops(begin, _fold, merge, _close)
add_row_variants(sum, BY_ROWS, limit)
add_column_variants(sum, BY_COLUMNS, limit)
