"""The product of a whole array or along its last axis, drop-in for `numpy.prod`.

NumPy multiplies one element after the other, each product waiting for the one before. A product in several vector lanes
may overflow or underflow where NumPy's does not, and the other way round. So the factors above 1 and those below are
multiplied apart, a block at a time: every product of factors of a block, in any order, lies between the two. While they
stay in range, together with the product of the blocks before, neither way can overflow or underflow. Otherwise, and
where a factor is 0, NumPy is asked.

The result is the product of the two, in float64. A product of all factors in one would be biased where they are near
1, as growth rates are: just above 1 numbers are twice as far apart as just below, and ties there are broken downwards.
"""

import numpy as np

from autotune import Choice, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ONE
from kernels.reductions.axes import add_row_variants, row_loops
from kernels.reductions.common import CALIBRATE_ROWS, CONTIGUOUS, NOT_CONTIGUOUS, SIZE

# Factors multiplied before the range is looked at: the fewer, the more arrays stay in it.
_RUN = 1024


def _near_one(rng, dtype, inner, outer=1, axis=None):
    """Factors of which neither a few nor all together leave the range of float32."""
    shape = {None: inner, -1: (outer, inner), 0: (inner, outer)}[axis]
    factors = np.exp(rng.standard_normal(shape) / np.sqrt(max(inner, 1)))
    return (factors.astype(dtype),), {} if axis is None else {"axis": axis}


prod = tunable(
    np.prod,
    size=SIZE,
    inputs=_near_one,
    calibrate=CALIBRATE_ROWS,
    static=("axis",),
    tolerance=(
        1e4,
        "n roundings err like a random walk (Higham 2002, section 2.8), and are biased near 1: NumPy's product of 10^7 "
        "such numbers of float32 is off by up to 2,400",
    ),
)


@jitable(fastmath=ANY_ORDER)
def _factors(run):
    """The product of the factors above 1, and of those below, both without signs, and how many are negative."""
    above = below = 1.0
    negative = 0
    for i in range(run.size):
        magnitude = float(abs(run[i]))
        above *= 1.0 if magnitude <= 1.0 else magnitude  # so that NaN is among them
        below *= magnitude if magnitude < 1.0 else 1.0
        negative += run[i] < 0
    return above, below, negative


@jitable
def _extent(flat):
    """The product, and what the magnitudes of all products on the way lie between; infinity where that is not known."""
    largest = np.finfo(flat.dtype).max / 2
    smallest = np.finfo(flat.dtype).tiny * 2
    total = high = low = 1.0
    for start in range(0, flat.size, _RUN):
        above, below, negative = _factors(flat[start : start + _RUN])
        if not (above < largest and below > smallest):
            high = np.inf
        high = max(high, abs(total) * above)
        low = min(low, abs(total) * below)
        total *= above * below if negative % 2 == 0 else -above * below
    return total, high, low


@jitable
def _checked(flat, total, high, low):
    """The product; NaN where NumPy must be asked."""
    in_range = high < np.finfo(flat.dtype).max / 2 and low > np.finfo(flat.dtype).tiny * 2
    return total if in_range else np.nan


@jitable
def _product(a):
    flat = a.reshape(a.size)
    total, high, low = _extent(flat)
    return _checked(flat, total, high, low)


@jitable(parallel=True)
def _product_blocks(a, block, totals, highs, lows):
    flat = a.reshape(a.size)
    for b in prange(totals.size):
        totals[b], highs[b], lows[b] = _extent(flat[b * block : (b + 1) * block])
    total = high = low = 1.0
    for b in range(totals.size):
        high = max(high, abs(total) * highs[b])
        low = min(low, abs(total) * lows[b])
        total *= totals[b]
    return _checked(flat, total, high, low)


@jitable
def _long_row(values, _, out, row):
    total, high, low = _extent(values)
    out[row] = total
    return not np.isnan(_checked(values, total, high, low))


@jitable
def _short_rows(flat, _, inner, out, first, last):
    length = np.uint64(inner)  # unsigned: an index that cannot be negative needs no correction
    smallest = np.finfo(flat.dtype).tiny
    sound = True
    for row in range(np.uint64(first), np.uint64(last)):
        product = flat.dtype.type(1)
        for i in range(row * length, (row + np.uint64(1)) * length):
            product *= flat[i]  # as NumPy does
            sound &= (abs(product) >= smallest) & (abs(product) < np.inf)
        out[row] = product
    return sound


@prod.variant(kind="vectorized", when=CONTIGUOUS)
def single_pass(a, axis=None):
    """One loop in as many vector lanes as there are: NumPy's waits four cycles for each product."""
    product = _product(a)
    return ONE[a.itemsize] * product if product == product else np.prod(a, axis=axis)


@prod.variant(kind="vectorized", when=NOT_CONTIGUOUS)
def compact(a, axis=None):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    product = _product(a.ravel(order="K"))
    return ONE[a.itemsize] * product if product == product else np.prod(a, axis=axis)


@prod.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(16384, 131072)}, threads=True)
def block_products(a, axis=None, *, block):
    """Blocks on all cores, multiplied in order: the same bits for any number of threads."""
    blocks = (a.size + block - 1) // block
    product = _product_blocks(a, block, np.empty(blocks), np.empty(blocks), np.empty(blocks))
    return ONE[a.itemsize] * product if product == product else np.prod(a, axis=axis)


add_row_variants(prod, row_loops(_short_rows, _long_row))
