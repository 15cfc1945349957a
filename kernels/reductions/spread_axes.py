"""Variances along an axis: the loops and the variants that `var` and `std` share.

Knows nothing of what becomes of a variance.
"""

import numpy as np

from autotune import Choice, jitable
from kernels.floats import underflows_are_watched
from kernels.reductions.axes import NOT_GIVEN, along_first, along_last, column_loops, row_loops, side_by_side
from kernels.reductions.common import FIRST, LAST
from kernels.reductions.mean import mean
from kernels.reductions.spread import two_pass_variance, variance_of
from kernels.reductions.sum import begin, merge


@jitable
def _long_row(values, ddof, out, row):
    variance = abs(two_pass_variance(values, ddof))  # negative if something underflows, which nobody watches for
    out[row] = variance
    return not np.isnan(variance)


@jitable
def _short_rows(flat, ddof, inner, out, first, last):
    length = np.uint64(inner)  # unsigned: an index that cannot be negative needs no correction
    largest = np.finfo(flat.dtype).max
    sound = True
    for row in range(np.uint64(first), np.uint64(last)):
        start, stop = row * length, (row + np.uint64(1)) * length
        total = 0.0
        for i in range(start, stop):
            total += flat[i]
        center = total / inner
        excess = squares = 0.0
        for i in range(start, stop):
            deviation = flat[i] - center
            excess += deviation
            squares += deviation * deviation
        squares -= min(excess * (excess / inner), squares)  # as in `two_pass_variance`
        variance = variance_of(inner, ddof, total, squares, largest, False)
        out[row] = variance
        sound &= not np.isnan(variance)
    return sound


@jitable
def _fold(partial, piece, means, left, result):
    for j in range(piece.size):
        deviation = piece[j] - means[left + j]
        result[j] = partial[j] + deviation * deviation
    return True


@jitable
def _close(partial, means, out):
    limit = np.finfo(out.dtype).max / 2
    sound = True
    for j in range(out.size):
        out[j] = partial[j]
        sound &= partial[j] < limit  # not so for NaN
    return sound


_ROWS, _ROWS_THREADS = row_loops(_short_rows, _long_row)
_COLUMNS, _COLUMNS_THREADS = column_loops(begin, _fold, merge, _close)


def _squares(a, keepdims, loop, block):
    """Sums of squared deviations along the first axis; None where NumPy must be asked."""
    if not a.size:
        return None
    with np.errstate(all="ignore"):
        means = mean(a, axis=0).reshape(-1)
    return along_first(a, keepdims, loop, np.tile(means, side_by_side(means.size)), block)


def add_axis_variants(kernel, finish):
    """Give a kernel its variants along an axis; `finish(variances)` makes results of them, in place."""
    reference = kernel.reference

    def answer(a, axis, ddof, keepdims, run):
        """The result of `run`, variances; or NumPy's own answer, which reports what underflows."""
        out = run() if ddof.__class__ is int and not underflows_are_watched() else None
        return reference(a, axis=axis, ddof=ddof, keepdims=keepdims) if out is None else finish(out)

    def divided(a, ddof, keepdims, loop, block):
        freedom = len(a) - ddof
        out = _squares(a, keepdims, loop, block) if freedom > 0 else None
        return None if out is None else np.true_divide(out, freedom, out=out)

    @kernel.variant(kind="vectorized", when=LAST)
    def row_by_row(a, axis=None, ddof=0, keepdims=NOT_GIVEN):
        """Two loops over each row while it is in cache, no temporary array."""
        return answer(a, axis, ddof, keepdims, lambda: along_last(a, keepdims, _ROWS, ddof))

    @kernel.variant(kind="parallel", when=LAST, params={"count": Choice(1, 64, 4096)}, threads=True)
    def rows_on_threads(a, axis=None, ddof=0, keepdims=NOT_GIVEN, *, count):
        """`count` rows a task on all cores: pays off once the rows together outweigh waking the threads."""
        return answer(a, axis, ddof, keepdims, lambda: along_last(a, keepdims, _ROWS_THREADS, ddof, count))

    @kernel.variant(kind="blocked", when=FIRST, params={"block": Choice(16384, 131072)})
    def column_blocks(a, axis=None, ddof=0, keepdims=NOT_GIVEN, *, block):
        """`mean`, and squared deviations folded into a row: two reads instead of NumPy's five."""
        return answer(a, axis, ddof, keepdims, lambda: divided(a, ddof, keepdims, _COLUMNS, block))

    @kernel.variant(kind="parallel", when=FIRST, params={"block": Choice(16384, 131072)}, threads=True)
    def column_blocks_on_threads(a, axis=None, ddof=0, keepdims=NOT_GIVEN, *, block):
        """The blocks on all cores, merged in order: the same bits for any number of threads."""
        return answer(a, axis, ddof, keepdims, lambda: divided(a, ddof, keepdims, _COLUMNS_THREADS, block))
