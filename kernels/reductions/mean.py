"""The mean of a whole array or along an axis, drop-in for `numpy.mean`."""

import numpy as np

from autotune import Choice, tunable
from kernels.floats import ONE, SMALLEST
from kernels.reductions.axes import add_column_variants, add_row_variants
from kernels.reductions.common import CALIBRATE, CONTIGUOUS, NOT_CONTIGUOUS, SIZE, normal
from kernels.reductions.sum import BY_COLUMNS, BY_ROWS, limit, sum_blocks, whole_sum

mean = tunable(np.mean, size=SIZE, inputs=normal, calibrate=CALIBRATE, static=("axis",))


def _answer(a, axis, total):
    """NumPy's scalar for a sum, or NumPy's own answer: for nothing, NaN, and what may underflow."""
    if total != 0.0:
        value = total / a.size
        if abs(value) >= SMALLEST[a.itemsize]:  # false for NaN
            return ONE[a.itemsize] * value
    return np.mean(a, axis=axis)


@mean.variant(kind="vectorized", when=CONTIGUOUS)
def single_pass(a, axis=None):
    """The loop of `sum`, and one division: no ufunc machinery, no count of the axes."""
    return _answer(a, axis, whole_sum(a))


@mean.variant(kind="vectorized", when=NOT_CONTIGUOUS)
def compact(a, axis=None):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    return _answer(a, axis, whole_sum(a.ravel(order="K")))


@mean.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(16384, 65536, 262144)}, threads=True)
def block_sums(a, axis=None, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads; which wake in 4 µs."""
    blocks = (a.size + block - 1) // block
    return _answer(a, axis, sum_blocks(a, block, np.empty(blocks), np.empty(blocks)))


def _divide(totals, inner):
    return np.true_divide(totals, inner, out=totals)  # NumPy's own division: it reports what underflows


add_row_variants(mean, BY_ROWS, limit, finish=_divide)
add_column_variants(mean, BY_COLUMNS, limit, finish=_divide)
