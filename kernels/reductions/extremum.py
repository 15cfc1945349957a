"""Extrema: the loops that `min` and `max` share, and their variants.

Floats are compared as integers of the same order, because LLVM vectorises the maximum of integers only; the smallest
is the largest in the opposite order. No order of comparing changes an extremum, so its bits never depend on it. Where
zeros of both signs compete, the sign of NumPy's answer depends on which vector lane meets which: NumPy is asked.

Knows nothing of which extremum is wanted.
"""

import numpy as np

from autotune import Choice, jitable, prange
from kernels.floats import ANY_ORDER, ONE
from kernels.reductions.axes import add_column_variants, add_row_variants, column_loops, row_loops
from kernels.reductions.common import CONTIGUOUS, NOT_CONTIGUOUS

# By item size, the bits that turn the order of floats around: none, or all. Arrays of one element, whose type tells
# compiled code which integers to use.
UPWARDS = {4: np.zeros(1, np.int32), 8: np.zeros(1, np.int64)}
DOWNWARDS = {4: ~UPWARDS[4], 8: ~UPWARDS[8]}


@jitable
def _turned(word, flips):
    """Key or bits of a float, from the other: keys order as floats do, +0.0 is 0 and -0.0 is -1."""
    integer = flips.dtype.type
    sign = integer(word >> integer(8 * flips.itemsize - 1))
    return integer(word ^ integer(sign & integer(np.iinfo(flips.dtype).max)))


@jitable(fastmath=ANY_ORDER)
def _top(values, bits, flip):
    """The largest key, and the sum of all elements: while that is finite, there is no NaN."""
    integer = bits.dtype.type
    most = integer(np.iinfo(bits.dtype).max)
    shift = integer(8 * bits.itemsize - 1)
    top = integer(np.iinfo(bits.dtype).min)
    total = values.dtype.type(0)
    for i in range(values.size):
        word = bits[i]
        top = max(top, integer(integer(word ^ integer(integer(word >> shift) & most)) ^ flip))
        total += values[i]
    return top, total


@jitable
def _has_nan(values):
    nan = False
    for i in range(values.size):
        nan |= values[i] != values[i]
    return nan


@jitable
def _holds(bits, word):
    found = False
    for i in range(bits.size):
        found |= bits[i] == word
    return found


@jitable
def _extremum(values, flips):
    """The key of the extremum, and whether it is NumPy's answer: no NaN, no competing zeros."""
    integer = flips.dtype.type
    bits = values.view(flips.dtype)
    top, total = _top(values, bits, flips[0])
    if not abs(total) < np.inf and _has_nan(values):
        return top, False
    other_zero = integer(integer(np.iinfo(flips.dtype).min) & integer(~flips[0]))
    return top, not (top == 0 and _holds(bits, other_zero))


@jitable
def _long_row(values, flips, out, row):
    top, sound = _extremum(values, flips)
    out.view(flips.dtype)[row] = _turned(flips.dtype.type(top ^ flips[0]), flips)
    return sound


@jitable
def _short_rows(flat, flips, inner, out, first, last):
    integer = flips.dtype.type
    most = integer(np.iinfo(flips.dtype).max)
    shift = integer(8 * flips.itemsize - 1)
    flip = flips[0]
    bits, target = flat.view(flips.dtype), out.view(flips.dtype)
    length = np.uint64(inner)  # unsigned: an index that cannot be negative needs no correction
    nan = zero = False
    for row in range(np.uint64(first), np.uint64(last)):
        top = integer(np.iinfo(flips.dtype).min)
        for i in range(row * length, (row + np.uint64(1)) * length):
            word = bits[i]
            top = max(top, integer(integer(word ^ integer(integer(word >> shift) & most)) ^ flip))
            nan |= flat[i] != flat[i]
        zero |= top == 0
        target[row] = _turned(integer(top ^ flip), flips)
    other_zero = integer(integer(np.iinfo(flips.dtype).min) & integer(~flip))
    return not nan and not (zero and _holds(bits[first * inner : last * inner], other_zero))


# Along the first axis floats are compared as such: there is no one maximum to keep, and LLVM vectorises the choice of
# the greater one. For the smallest, all signs are turned around.


@jitable
def _sign(flips, values):
    return values.dtype.type(1 + 2 * flips[0])


@jitable
def _begin(tops):
    tops[:] = -np.inf


@jitable
def _fold(tops, piece, flips, left, result):
    sign = _sign(flips, piece)
    for j in range(piece.size):
        value = piece[j] * sign
        top = tops[j]
        greater = value if value > top else top
        result[j] = value if value != value else greater  # NaN comes, and stays
    return True


@jitable
def _merge(tops, others):
    for j in range(others.size):
        if others[j] > tops[j] or others[j] != others[j]:
            tops[j] = others[j]


@jitable
def _close(tops, flips, out):
    sign = _sign(flips, tops)
    sound = True
    for j in range(tops.size):
        sound &= (tops[j] == tops[j]) & (tops[j] != 0)  # zeros may have competed
        out[j] = tops[j] * sign
    return sound


@jitable
def _of_key(a, key, flips, sound):
    """The float of a key; NaN where NumPy must be asked."""
    cell = np.empty(1, flips.dtype)
    cell[0] = _turned(flips.dtype.type(key ^ flips[0]), flips)
    return cell.view(a.dtype)[0] if sound else a.dtype.type(np.nan)


@jitable
def _whole(a, flips):
    key, sound = _extremum(a.reshape(a.size), flips)
    return _of_key(a, key, flips, sound and a.size > 0)


@jitable(parallel=True)
def _blocks(a, flips, block, keys):
    flat = a.reshape(a.size)
    doubts = 0
    for b in prange(keys.size):
        keys[b], sound = _extremum(flat[b * block : (b + 1) * block], flips)
        doubts += 0 if sound else 1
    key = keys.max()
    return _of_key(a, key, flips, doubts == 0 and key != 0)


def add_variants(kernel, flips):
    """Give a kernel all its variants; `flips` is `UPWARDS` or `DOWNWARDS`."""
    reference = kernel.reference

    @kernel.variant(kind="vectorized", numerics="bitwise", when=CONTIGUOUS)
    def single_pass(a, axis=None):
        """One loop in as many vector lanes as there are: no ufunc machinery, which costs more than 1,000 elements."""
        found = _whole(a, flips[a.itemsize])
        return ONE[a.itemsize] * found if found == found else reference(a, axis=axis)

    @kernel.variant(kind="vectorized", numerics="bitwise", when=NOT_CONTIGUOUS)
    def compact(a, axis=None):
        """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
        found = _whole(a.ravel(order="K"), flips[a.itemsize])
        return ONE[a.itemsize] * found if found == found else reference(a, axis=axis)

    @kernel.variant(
        kind="parallel", numerics="bitwise", when=CONTIGUOUS, params={"block": Choice(16384, 131072)}, threads=True
    )
    def block_extrema(a, axis=None, *, block):
        """Blocks on all cores; which wake in 4 µs."""
        if not a.size:
            return reference(a, axis=axis)
        keys = np.empty((a.size + block - 1) // block, flips[a.itemsize].dtype)
        found = _blocks(a, flips[a.itemsize], block, keys)
        return ONE[a.itemsize] * found if found == found else reference(a, axis=axis)

    def setting(a, inner):
        return flips[a.itemsize]

    add_row_variants(kernel, _BY_ROWS, setting, numerics="bitwise")
    add_column_variants(kernel, _BY_COLUMNS, setting, numerics="bitwise")


_BY_ROWS = row_loops(_short_rows, _long_row)
_BY_COLUMNS = column_loops(_begin, _fold, _merge, _close)
