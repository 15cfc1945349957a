"""Variances: the loops that `var` and `std` share, and the variants that differ in nothing but the last step.

Knows nothing of what becomes of a variance.
"""

import numpy as np

from autotune import Choice, jitable, prange
from kernels.floats import ANY_ORDER
from kernels.reductions.common import CONTIGUOUS, NOT_CONTIGUOUS


@jitable
def variance_of(count, ddof, total, squares, largest, underflow):
    """The variance; NaN where NumPy must be asked; negative where it must be if somebody watches for underflows.

    If the sum of all elements and the sum of squares stay below half of the range, so does every step that NumPy makes.
    """
    freedom = count - ddof
    if count == 0 or freedom <= 0 or not (abs(total) < largest / 2 and squares < largest / 2):
        return np.nan
    return -(squares / freedom) if underflow else squares / freedom


@jitable(fastmath=ANY_ORDER)
def two_pass_variance(a, ddof):
    """The corrected two-pass algorithm: deviations from a rounded mean do not add up to nothing, and what is left is
    taken out (Chan, Golub & LeVeque 1983, Algorithms for computing the sample variance, The American Statistician 37).
    """
    flat = a.reshape(a.size)
    smallest = np.finfo(a.dtype).tiny
    total = 0.0
    for i in range(flat.size):
        total += flat[i]
    mean = total / flat.size
    squares = 0.0
    excess = 0.0
    underflow = abs(mean) < smallest
    for i in range(flat.size):
        deviation = flat[i] - mean
        square = deviation * deviation
        excess += deviation
        squares += square
        underflow |= square < smallest
    surplus = excess * (excess / flat.size)
    squares = squares - surplus if surplus < squares else 0.0 * squares  # NaN and infinity stay visible
    return variance_of(flat.size, ddof, total, squares, np.finfo(a.dtype).max, underflow)


@jitable(fastmath=ANY_ORDER)
def _center(block):
    """About the mean of a block, in the block's own precision."""
    total = block.dtype.type(0)
    for i in range(block.size):
        total += block[i]
    return block.dtype.type(total / block.size)


@jitable(fastmath=ANY_ORDER)
def _moments(block, origin):
    """Mean of a block less `origin`, and the sum of squared deviations from it (the corrected two-pass algorithm)."""
    center = _center(block)
    excess = block.dtype.type(0)
    squares = block.dtype.type(0)
    for i in range(block.size):
        deviation = block[i] - center
        excess += deviation
        squares += deviation * deviation
    correction = excess / block.size
    corrected = squares - excess * correction
    return (center - origin) + correction, 0.0 if corrected < 0 else corrected  # rounding may leave less than nothing


@jitable
def _merge(count, mean, squares, more, more_mean, more_squares):
    """Moments of two sets from those of each (Chan, Golub & LeVeque 1983, The American Statistician 37(3), eq. 2.1)."""
    both = count + more
    shift = more_mean - mean
    return mean + shift * more / both, squares + more_squares + shift * shift * count * more / both


@jitable
def _one_pass_variance(a, ddof, block):
    flat = a.reshape(a.size)
    origin = np.float64(_center(flat[:block]))  # means are kept as distances from it, so that they do not lose digits
    mean = 0.0
    squares = 0.0
    for start in range(0, flat.size, block):
        part = flat[start : start + block]
        part_mean, part_squares = _moments(part, origin)
        mean, squares = _merge(start, mean, squares, part.size, part_mean, part_squares)
    return variance_of(flat.size, ddof, (origin + mean) * flat.size, squares, np.finfo(a.dtype).max, True)


@jitable
def _merge_blocks(a, ddof, block, origin, means, squares):
    mean = 0.0
    total_squares = 0.0
    for b in range(means.size):
        count = min(block, a.size - b * block)
        mean, total_squares = _merge(b * block, mean, total_squares, count, means[b], squares[b])
    return variance_of(a.size, ddof, (origin + mean) * a.size, total_squares, np.finfo(a.dtype).max, True)


@jitable(parallel=True)
def _block_variance(a, ddof, block, means, squares):
    flat = a.reshape(a.size)
    origin = np.float64(_center(flat[:block]))
    for b in prange(means.size):
        means[b], squares[b] = _moments(flat[b * block : (b + 1) * block], origin)
    return _merge_blocks(a, ddof, block, origin, means, squares)


def add_variants(kernel, answer):
    """Give a kernel the variants beside `two_pass`; `answer(a, axis, ddof, variance)` makes its result of a variance.

    A variance is told as `_variance` does: NaN where the reference must be asked, negative where it must be if somebody
    watches for underflows.
    """
    reference = kernel.reference

    @kernel.variant(kind="vectorized", when=NOT_CONTIGUOUS)
    def compact_two_pass(a, axis=None, ddof=0):
        """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
        if ddof.__class__ is not int:
            return reference(a, axis=axis, ddof=ddof)
        return answer(a, axis, ddof, two_pass_variance(a.ravel(order="K"), ddof))

    @kernel.variant(kind="blocked", when=CONTIGUOUS, params={"block": Choice(1024, 4096, 16384)})
    def one_pass(a, axis=None, ddof=0, *, block):
        """Moments of blocks that fit into L1, merged: input is read from memory once; costs a look at np.errstate."""
        if ddof.__class__ is not int:
            return reference(a, axis=axis, ddof=ddof)
        return answer(a, axis, ddof, _one_pass_variance(a, ddof, block))

    @kernel.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(4096, 16384, 65536)}, threads=True)
    def block_moments(a, axis=None, ddof=0, *, block):
        """The blocks of `one_pass` on all cores, merged in order: the same bits for any number of threads."""
        if ddof.__class__ is not int:
            return reference(a, axis=axis, ddof=ddof)
        blocks = (a.size + block - 1) // block
        return answer(a, axis, ddof, _block_variance(a, ddof, block, np.empty(blocks), np.empty(blocks)))
