"""Reductions along the last or the first axis: the loops around a reduction, and the variants that they make.

Of a C-contiguous array, the last axis gives rows: each is reduced while it is in cache, short ones without the start-up
of vector loops. The first axis gives columns, which are never followed: rows are folded into a row of partial results,
several side by side where they are short, block by block so that those stay in cache.

Knows nothing of what is computed.
"""

import inspect

import numpy as np

from autotune import Choice, jitable, prange, workspace
from kernels.reductions.common import FIRST, LAST

# Rows below this are reduced one element at a time: vector loops of 32 bytes, unrolled four times, gain nothing yet.
_SHORT = 64
# Partial results of a block of columns: 8 KB of float64, a quarter of a usual L1.
_COLUMNS = 1024
# Fewer columns than this, and several rows are folded side by side.
_LANES = 512
# What NumPy's reductions have for a default of `keepdims`.
NOT_GIVEN = inspect.signature(np.sum).parameters["keepdims"].default


def row_loops(short_rows, long_row):
    """Compiled loops over rows, in one thread and on all cores.

    Parameters
    ----------
    short_rows : jitable
        ``short_rows(flat, setting, inner, out, first, last)`` reduces some rows; whether NumPy has nothing to add.
    long_row : jitable
        ``long_row(values, setting, out, row)`` reduces one row; likewise.
    """

    @jitable
    def some_rows(flat, setting, inner, out, first, last):
        if inner < _SHORT:
            return short_rows(flat, setting, inner, out, first, last)
        sound = True
        for row in range(first, last):
            sound &= long_row(flat[row * inner : (row + 1) * inner], setting, out, row)
        return sound

    @jitable
    def rows(flat, setting, inner, out):
        return some_rows(flat, setting, inner, out, 0, out.size)

    @jitable(parallel=True)
    def rows_threads(flat, setting, inner, out, count):
        doubts = 0
        for t in prange((out.size + count - 1) // count):
            last = min((t + 1) * count, out.size)
            doubts += 0 if some_rows(flat, setting, inner, out, t * count, last) else 1
        return doubts == 0

    return rows, rows_threads


@jitable
def side_by_side(columns):
    """How many rows of so many columns are folded at once."""
    return max(1, _LANES // columns) if columns <= _COLUMNS else 1


def column_loops(begin, fold, merge, close):
    """Compiled loops over blocks of columns, in one thread and on all cores.

    Partial results go to and fro between two rows, because LLVM makes of an update in place a store for chosen elements
    only, which some processors (AMD) do slowly.

    Parameters
    ----------
    begin : jitable
        ``begin(partial)`` fills partial results with what nothing reduces to.
    fold : jitable
        ``fold(partial, piece, setting, left, result)`` takes one more element into each, beginning with column `left`;
        whether NumPy has nothing to add.
    merge : jitable
        ``merge(partial, other)`` takes other partial results in.
    close : jitable
        ``close(partial, setting, out)`` makes results; whether NumPy has nothing to add.
    """

    @jitable
    def fold_rows(flat, setting, left, step, start, end, width, pair):
        """Fold pieces of `width` elements, a `step` apart, the last may be shorter; and in which row they end up."""
        begin(pair[0])
        sound = True
        side = 0
        for place in range(start, end, step):
            length = min(width, end - place)
            other = 1 - side
            sound &= fold(pair[side, :length], flat[place : place + length], setting, left, pair[other, :length])
            pair[other, length:width] = pair[side, length:width]
            side = other
        return sound, side

    @jitable
    def fold_block(flat, setting, columns, height, number, pair):
        """Fold one block of `height` rows and at most `_COLUMNS` columns into the first row of `pair`."""
        across = (columns + _COLUMNS - 1) // _COLUMNS
        first = number // across * height * columns
        end = min(first + height * columns, flat.size)
        left = number % across * _COLUMNS
        width = min(_COLUMNS, columns - left)
        together = side_by_side(columns)
        if width < columns:
            end += left + width - columns  # where the last piece ends
        sound, side = fold_rows(flat, setting, left, together * columns, first + left, end, together * width, pair)
        for place in range(width, together * width, width):
            merge(pair[side, :width], pair[side, place : place + width])
        if side != 0:
            pair[0, :width] = pair[side, :width]
        return sound

    @jitable
    def join(setting, columns, pairs, out):
        across = (columns + _COLUMNS - 1) // _COLUMNS
        sound = True
        for block in range(across):
            left = block * _COLUMNS
            width = min(_COLUMNS, columns - left)
            for number in range(block + across, len(pairs), across):
                merge(pairs[block, 0, :width], pairs[number, 0, :width])
            sound &= close(pairs[block, 0, :width], setting, out[left : left + width])
        return sound

    @jitable
    def columns(flat, setting, height, pairs, out):
        sound = True
        for number in range(len(pairs)):
            sound &= fold_block(flat, setting, out.size, height, number, pairs[number])
        return join(setting, out.size, pairs, out) and sound

    @jitable(parallel=True)
    def columns_threads(flat, setting, height, pairs, out):
        doubts = 0
        for number in prange(len(pairs)):
            doubts += 0 if fold_block(flat, setting, out.size, height, number, pairs[number]) else 1
        return join(setting, out.size, pairs, out) and doubts == 0

    return columns, columns_threads


def _flat(array):
    """All elements in one row, so that one compilation serves any number of axes."""
    return array if array.ndim == 1 else array.reshape(-1)


def along_last(a, keepdims, loop, setting, *more):
    """What a loop over rows makes of an array; None where NumPy must be asked."""
    out = np.empty((*a.shape[:-1], 1) if keepdims is True else a.shape[:-1], a.dtype)
    return out if a.size and loop(_flat(a), setting, a.shape[-1], _flat(out), *more) else None


def along_first(a, keepdims, loop, setting, block):
    """What a loop over columns, in blocks of about `block` elements, makes; None where NumPy must be asked."""
    if not a.size:
        return None
    out = np.empty((1, *a.shape[1:]) if keepdims is True else a.shape[1:], a.dtype)
    width = min(out.size, _COLUMNS)
    height = max(1, block // width)
    blocks = -(-len(a) // height) * -(-out.size // _COLUMNS)
    pairs = workspace.take((blocks, 2, max(width, _LANES)), a.dtype)
    sound = loop(_flat(a), setting, height, pairs, _flat(out))
    workspace.give(pairs)
    return out if sound else None


def _as_it_is(out, inner):
    return out


def _no_setting(a, inner):
    return None


def add_row_variants(kernel, loops, setting=_no_setting, *, finish=_as_it_is, numerics="reassociated"):
    """Give a kernel its variants along the last axis.

    Parameters
    ----------
    loops : pair of jitables
        From `row_loops`.
    setting : callable
        ``setting(a, inner)`` gives what the loops are told.
    finish : callable
        ``finish(out, inner)`` makes the result, in place, of what the loops leave.
    numerics : str
        Of all variants.
    """
    reference = kernel.reference
    rows, rows_threads = loops

    def answer(a, axis, keepdims, loop, *more):
        inner = a.shape[-1]
        out = along_last(a, keepdims, loop, setting(a, inner), *more)
        return reference(a, axis=axis, keepdims=keepdims) if out is None else finish(out, inner)

    @kernel.variant(kind="vectorized", numerics=numerics, when=LAST)
    def row_by_row(a, axis=None, keepdims=NOT_GIVEN):
        """Rows one after the other: no machinery of ufuncs for each, which costs NumPy more than a short row."""
        return answer(a, axis, keepdims, rows)

    @kernel.variant(kind="parallel", numerics=numerics, when=LAST, params={"count": Choice(1, 64, 4096)}, threads=True)
    def rows_on_threads(a, axis=None, keepdims=NOT_GIVEN, *, count):
        """`count` rows a task on all cores: pays off once the rows together outweigh waking the threads."""
        return answer(a, axis, keepdims, rows_threads, count)


def add_column_variants(kernel, loops, setting=_no_setting, *, finish=_as_it_is, numerics="reassociated"):
    """Give a kernel its variants along the first axis; `loops` from `column_loops`, the rest as `add_row_variants`."""
    reference = kernel.reference
    columns, columns_threads = loops

    def answer(a, axis, keepdims, loop, block):
        inner = len(a)
        out = along_first(a, keepdims, loop, setting(a, inner), block)
        return reference(a, axis=axis, keepdims=keepdims) if out is None else finish(out, inner)

    @kernel.variant(kind="blocked", numerics=numerics, when=FIRST, params={"block": Choice(16384, 131072)})
    def column_blocks(a, axis=None, keepdims=NOT_GIVEN, *, block):
        """Rows folded into one, several side by side where they are short, in blocks of `block` elements."""
        return answer(a, axis, keepdims, columns, block)

    @kernel.variant(
        kind="parallel", numerics=numerics, when=FIRST, params={"block": Choice(16384, 131072)}, threads=True
    )
    def column_blocks_on_threads(a, axis=None, keepdims=NOT_GIVEN, *, block):
        """The blocks on all cores, merged in order: the same bits for any number of threads."""
        return answer(a, axis, keepdims, columns_threads, block)
