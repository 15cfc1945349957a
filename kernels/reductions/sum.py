"""The sum of a whole array, drop-in for `numpy.sum`."""

import numpy as np

from autotune import Choice, jitable, prange, tunable
from kernels.reductions.common import ANY_ORDER, CALIBRATE, CONTIGUOUS, NOT_CONTIGUOUS, ONE, normal

# Elements added in the array's own precision before float64 takes over: the error stays below 256·eps in 16 vector
# lanes, whatever the length; and long enough to hide the change of loops (1,024 costs 10 % more).
_RUN = 4096

sum = tunable(np.sum, size={"n": "a.size"}, inputs=normal, calibrate=CALIBRATE)


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
    for start in range(0, flat.size, _RUN):
        run_total, run_magnitude = _run_sums(flat[start : start + _RUN])
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
def single_pass(a):
    """One loop in as many vector lanes as there are: no ufunc machinery, no pairwise recursion."""
    total = whole_sum(a)
    if total != total:
        return np.sum(a)
    return ONE[a.itemsize] * total


@sum.variant(kind="vectorized", when=NOT_CONTIGUOUS)
def compact(a):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    total = whole_sum(a.ravel(order="K"))
    if total != total:
        return np.sum(a)
    return ONE[a.itemsize] * total


@sum.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(16384, 65536, 262144)}, threads=True)
def block_sums(a, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads; which wake in 4 µs."""
    blocks = (a.size + block - 1) // block
    total = sum_blocks(a, block, np.empty(blocks), np.empty(blocks))
    if total != total:
        return np.sum(a)
    return ONE[a.itemsize] * total
