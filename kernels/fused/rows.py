"""Chains along rows: the loops and variants that softmax, log_softmax and logsumexp share.

A row is what is between two steps along the last axis, or the whole array. A chain finds its largest element, a total
of exponentials of what is left when that is subtracted, and finishes with both. A row is read several times while it
is in cache; no temporary array is left behind.

Knows nothing of any one chain.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from autotune import Choice, Range, jitable, prange
from kernels import vecmath
from kernels.floats import PLAIN, reference_decides
from kernels.sums import in_order

CALIBRATE = {"rows": Range(1, 100_000), "columns": Range(2, 10_000), "dtype": Choice("float32", "float64")}


def size(array):
    """The sizes of an array of that name with an axis."""
    return {
        "rows": f"1 if axis is None else {array}.size // max(1, {array}.shape[axis])",
        "columns": f"{array}.size if axis is None else {array}.shape[axis]",
    }


def inputs(rng, dtype, rows, columns):
    return (rng.standard_normal((rows, columns)).astype(dtype),), {"axis": -1}


def contiguous(array, char):
    """The condition for a C-contiguous array of that name."""
    return f"{array}.ndim > 0 and {array}.dtype.char == {char!r} and {array}.flags.c_contiguous"


def along_last(array, char):
    """The same, along its last axis."""
    return f"{contiguous(array, char)} and axis is not None and (axis == -1 or axis == {array}.ndim - 1)"


class Precision(NamedTuple):
    """The functions of one precision."""

    name: str
    char: str
    exp: Any  # jitable, as all of them
    largest: Any  # of an array; NaN if there is a positive one


def _largest(ordered, from_ordered, lowest):
    @jitable(forceinline=True)
    def largest(x):
        order = lowest
        for i in range(x.size):
            order = max(order, ordered(x[i]))
        return from_ordered(order)

    return largest


PRECISIONS = (
    Precision("f32", "f", vecmath.exp_f32, _largest(vecmath.ordered_f32, vecmath.from_ordered_f32, vecmath.LOWEST_F32)),
    Precision("f64", "d", vecmath.exp_f64, _largest(vecmath.ordered_f64, vecmath.from_ordered_f64, vecmath.LOWEST_F64)),
)


def _row_wise(largest, total, finish):
    """Rows one after the other, and on all cores."""

    @jitable
    def rows_from(x, out, columns, first, last):
        source = x.reshape(x.size)
        target = out.reshape(out.size)
        worst = PLAIN
        for row in range(first, last):
            part = slice(row * columns, (row + 1) * columns)
            top = largest(source[part])
            sum_ = total(source[part], top, target[part])
            worst = max(worst, finish(source[part], top, sum_, target[part]))
        return worst

    @jitable
    def rows(x, out, columns):
        return rows_from(x, out, columns, 0, x.size // columns)

    @jitable(parallel=True)
    def rows_threads(x, out, columns, count):
        number = x.size // columns
        worst = PLAIN
        for b in prange((number + count - 1) // count):
            worst = max(worst, rows_from(x, out, columns, b * count, min((b + 1) * count, number)))
        return worst

    return rows, rows_threads


def _whole(largest, total, finish):
    """One long row in blocks on all cores: three parallel loops, because each needs the result of the one before."""

    @jitable(parallel=True)
    def whole_threads(x, out, block, tops, totals):
        source = x.reshape(x.size)
        target = out.reshape(out.size)
        for b in prange(tops.size):
            tops[b] = largest(source[b * block : (b + 1) * block])
        top = largest(tops)
        for b in prange(tops.size):
            part = slice(b * block, (b + 1) * block)
            totals[b] = total(source[part], top, target[part])
        sum_ = in_order(totals)
        worst = PLAIN
        for b in prange(tops.size):
            part = slice(b * block, (b + 1) * block)
            worst = max(worst, finish(source[part], top, sum_, target[part]))
        return worst

    return whole_threads


def add_variants(kernel, precision: Precision, total: Callable[..., Any], finish: Callable[..., Any]):
    """Give a kernel of ``(x, axis=None)``, whose result has the shape of `x`, its variants for one precision.

    Parameters
    ----------
    total, finish : jitable functions
        ``total(x, top, out)`` sums exponentials of a row less its largest element, and may write to `out`; NaN if `x`
        holds NaN or infinity. ``finish(x, top, total, out)`` writes the row of the result, and tells what was found.
    """
    largest = precision.largest
    rows, rows_threads = _row_wise(largest, total, finish)
    whole_threads = _whole(largest, total, finish)
    last = along_last("x", precision.char)
    whole = f"{contiguous('x', precision.char)} and axis is None"

    def settled(x, axis, out, seen):
        return kernel.reference(x, axis) if reference_decides(seen) else out

    @kernel.variant(kind="vectorized", name=f"row_by_row_{precision.name}", when=last)
    def row_by_row(x, axis=None):
        """Each row in three passes while it is in cache, without temporaries; one thread."""
        columns = x.shape[-1]
        if not x.size:
            return kernel.reference(x, axis)
        out = np.empty(x.shape, x.dtype)
        return settled(x, axis, out, rows(x, out, columns))

    @kernel.variant(
        kind="parallel",
        name=f"rows_on_threads_{precision.name}",
        when=last,
        params={"count": Choice(1, 16, 128)},
        threads=True,
    )
    def rows_on_threads(x, axis=None, *, count):
        """`count` rows a task on all cores: pays off once the rows together outweigh waking the threads."""
        if not x.size:
            return kernel.reference(x, axis)
        out = np.empty(x.shape, x.dtype)
        return settled(x, axis, out, rows_threads(x, out, x.shape[-1], count))

    @kernel.variant(kind="vectorized", name=f"as_one_row_{precision.name}", when=whole)
    def as_one_row(x):
        """All elements as one row, three passes in one thread, without temporaries."""
        if not x.size:
            return kernel.reference(x)
        out = np.empty(x.shape, x.dtype)
        return settled(x, None, out, rows(x, out, x.size))

    @kernel.variant(
        kind="parallel",
        name=f"blocks_on_threads_{precision.name}",
        when=whole,
        params={"block": Choice(4096, 16384, 65536)},
        threads=True,
    )
    def blocks_on_threads(x, *, block):
        """One long row in blocks on all cores, their sums added in order: three wake-ups of the threads."""
        if not x.size:
            return kernel.reference(x)
        out = np.empty(x.shape, x.dtype)
        blocks = (x.size + block - 1) // block
        seen = whole_threads(x, out, block, np.empty(blocks, x.dtype), np.empty(blocks))
        return settled(x, None, out, seen)
