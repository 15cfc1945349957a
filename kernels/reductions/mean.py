"""The mean of a whole array, drop-in for `numpy.mean`."""

import numpy as np

from autotune import Choice, tunable
from kernels.reductions.common import CALIBRATE, CONTIGUOUS, NOT_CONTIGUOUS, ONE, SMALLEST, normal
from kernels.reductions.sum import sum_blocks, whole_sum

mean = tunable(np.mean, size={"n": "a.size"}, inputs=normal, calibrate=CALIBRATE)


def _answer(a, total):
    """NumPy's scalar for a sum, or NumPy's own answer: for nothing, NaN, and what may underflow."""
    if total != 0.0:
        value = total / a.size
        if abs(value) >= SMALLEST[a.itemsize]:  # false for NaN
            return ONE[a.itemsize] * value
    return np.mean(a)


@mean.variant(kind="vectorized", when=CONTIGUOUS)
def single_pass(a):
    """The loop of `sum`, and one division: no ufunc machinery, no count of the axes."""
    return _answer(a, whole_sum(a))


@mean.variant(kind="vectorized", when=NOT_CONTIGUOUS)
def compact(a):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    return _answer(a, whole_sum(a.ravel(order="K")))


@mean.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(16384, 65536, 262144)}, threads=True)
def block_sums(a, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads; which wake in 4 µs."""
    blocks = (a.size + block - 1) // block
    return _answer(a, sum_blocks(a, block, np.empty(blocks), np.empty(blocks)))
