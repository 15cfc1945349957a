"""Fused chains of elementwise operations and reductions: softmax, drop-in for `scipy.special.softmax`.

The chain needs the maximum, the exponentials, their sum and a division: NumPy walks through memory for each and
leaves a temporary array behind each. The variants compute a row while it is in cache. They cover float32 and float64
in C order, along the last axis or over all elements. What NumPy answers with NaN or a floating-point warning (NaN,
+inf or nothing but -inf in a row, a difference that overflows) it is asked for.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels import vecmath

_ANY_ORDER = {"reassoc", "contract", "nsz"}

# Elements summed in vector lanes before the next run begins: errors grow with the square root of this and of the
# number of runs, not of the length.
_RUN = 4096

# what was found in a row, the worse the greater
_PLAIN = 0
_UNDERFLOW = 1  # a result below the normal numbers: NumPy may report an underflow
_ASK = 2  # NumPy's answer is needed


@tunable(
    size={
        "rows": "1 if axis is None else x.size // max(1, x.shape[axis])",
        "columns": "x.size if axis is None else x.shape[axis]",
    },
    inputs=lambda rng, dtype, rows, columns: ((rng.standard_normal((rows, columns)).astype(dtype),), {"axis": -1}),
    calibrate={"rows": Range(1, 100_000), "columns": Range(2, 10_000), "dtype": Choice("float32", "float64")},
    static=("axis",),
)
def softmax(x, axis=None):
    """Exponentials of an array, divided by their sum: a distribution of probability.

    Parameters
    ----------
    x : array_like
        Of any shape.
    axis : int or tuple of ints, optional
        Axes along which the result sums to 1; by default all.

    Returns
    -------
    ndarray
        Of the shape of `x`; its type is that of ``np.exp(x)``.

    Raises
    ------
    ValueError
        If `x` is empty along the axes of the maximum.
    AxisError
        If `axis` is not one of the axes of `x`.

    Notes
    -----
    The largest element is subtracted first, so that nothing overflows (Blanchard, Higham & Higham 2021, Accurately
    computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41(4)); as `scipy.special.softmax` does.
    """
    x = np.asarray(x)
    shifted = np.exp(x - np.amax(x, axis=axis, keepdims=True))
    return shifted / np.sum(shifted, axis=axis, keepdims=True)


def _row_loops(exp, ordered, from_ordered, lowest):
    """Compiled loops for one precision."""

    @jitable(forceinline=True)
    def largest(x):
        order = lowest
        for i in range(x.size):
            order = max(order, ordered(x[i]))
        return from_ordered(order)  # NaN if there is a positive one

    @jitable(forceinline=True)
    def exponentials(x, top, out):
        for i in range(x.size):
            out[i] = exp(x[i] - top)

    # This loop writes nothing. If the one above summed too, the order would depend on where the arrays lie: LLVM's
    # vector loop gives way to one element at a time for arrays that may overlap, and takes near neighbours for such.
    @jitable(fastmath=_ANY_ORDER, forceinline=True)
    def total_of(out):
        total = 0.0
        for i in range(out.size):
            total += out[i]
        return total

    @jitable(forceinline=True)
    def shift(x, top, out):
        """Write exp(x - top); their sum, NaN if x holds NaN or infinity."""
        total = 0.0
        for start in range(0, x.size, _RUN):
            run = slice(start, start + _RUN)
            exponentials(x[run], top, out[run])
            total += total_of(out[run])
        return total

    @jitable(forceinline=True)
    def scale(x, top, total, out):
        """Divide out by the sum; what NumPy may report."""
        if not total < np.inf:
            return _ASK
        inverse = out.dtype.type(1.0 / total)
        smallest = np.finfo(out.dtype).tiny
        underflow = abs(top) < np.sqrt(smallest)  # only then can a difference be denormal
        for i in range(out.size):
            out[i] *= inverse
            underflow |= out[i] < smallest
        if not underflow:
            return _PLAIN
        infinity = out.dtype.type(np.inf)
        overflow = False
        for i in range(x.size):
            overflow |= (x[i] - top == -infinity) & (x[i] != -infinity)
        return _ASK if overflow else _UNDERFLOW

    return largest, shift, scale


def _row_wise(largest, shift, scale):
    """Rows one after the other, and on all cores."""

    @jitable
    def rows_from(x, out, columns, first, last):
        source = x.reshape(x.size)
        target = out.reshape(out.size)
        worst = _PLAIN
        for row in range(first, last):
            part = slice(row * columns, (row + 1) * columns)
            top = largest(source[part])
            total = shift(source[part], top, target[part])
            worst = max(worst, scale(source[part], top, total, target[part]))
        return worst

    @jitable
    def rows(x, out, columns):
        return rows_from(x, out, columns, 0, x.size // columns)

    @jitable(parallel=True)
    def rows_threads(x, out, columns, count):
        number = x.size // columns
        worst = _PLAIN
        for b in prange((number + count - 1) // count):
            worst = max(worst, rows_from(x, out, columns, b * count, min((b + 1) * count, number)))
        return worst

    return rows, rows_threads


def _whole(largest, shift, scale):
    """One long row in blocks on all cores: three parallel loops, because each needs the result of the one before."""

    @jitable
    def in_order(totals):
        return totals.sum()  # in a parallel function `sum` would depend on the number of threads

    @jitable(parallel=True)
    def whole_threads(x, out, block, tops, totals):
        source = x.reshape(x.size)
        target = out.reshape(out.size)
        for b in prange(tops.size):
            tops[b] = largest(source[b * block : (b + 1) * block])
        top = largest(tops)
        for b in prange(tops.size):
            part = slice(b * block, (b + 1) * block)
            totals[b] = shift(source[part], top, target[part])
        total = in_order(totals)
        worst = _PLAIN
        for b in prange(tops.size):
            part = slice(b * block, (b + 1) * block)
            worst = max(worst, scale(source[part], top, total, target[part]))
        return worst

    return whole_threads


def _answer(x, axis, out, seen):
    if seen == _ASK or (seen == _UNDERFLOW and np.geterr()["under"] != "ignore"):
        return softmax.reference(x, axis)
    return out


def _add_variants(precision, char, *functions):
    largest, shift, scale = _row_loops(*functions)
    rows, rows_threads = _row_wise(largest, shift, scale)
    whole_threads = _whole(largest, shift, scale)
    array = f"x.ndim > 0 and x.dtype.char == {char!r} and x.flags.c_contiguous"
    last = f"{array} and axis is not None and (axis == -1 or axis == x.ndim - 1)"

    @softmax.variant(kind="vectorized", name=f"row_by_row_{precision}", when=last)
    def row_by_row(x, axis=None):
        """Each row read, exponentiated and divided while it is in cache, without temporaries; one thread."""
        columns = x.shape[-1]
        if not x.size:
            return softmax.reference(x, axis)
        out = np.empty(x.shape, x.dtype)
        return _answer(x, axis, out, rows(x, out, columns))

    @softmax.variant(
        kind="parallel",
        name=f"rows_on_threads_{precision}",
        when=last,
        params={"count": Choice(1, 16, 128)},
        threads=True,
    )
    def rows_on_threads(x, axis=None, *, count):
        """`count` rows a task on all cores: pays off once the rows together outweigh waking the threads."""
        if not x.size:
            return softmax.reference(x, axis)
        out = np.empty(x.shape, x.dtype)
        return _answer(x, axis, out, rows_threads(x, out, x.shape[-1], count))

    @softmax.variant(kind="vectorized", name=f"as_one_row_{precision}", when=f"{array} and axis is None")
    def as_one_row(x):
        """All elements as one row, three passes in one thread, without temporaries."""
        if not x.size:
            return softmax.reference(x)
        out = np.empty(x.shape, x.dtype)
        return _answer(x, None, out, rows(x, out, x.size))

    @softmax.variant(
        kind="parallel",
        name=f"blocks_on_threads_{precision}",
        when=f"{array} and axis is None",
        params={"block": Choice(4096, 16384, 65536)},
        threads=True,
    )
    def blocks_on_threads(x, *, block):
        """One long row in blocks on all cores, their sums added in order: three wake-ups of the threads."""
        if not x.size:
            return softmax.reference(x)
        out = np.empty(x.shape, x.dtype)
        blocks = (x.size + block - 1) // block
        seen = whole_threads(x, out, block, np.empty(blocks, x.dtype), np.empty(blocks))
        return _answer(x, None, out, seen)


_add_variants("f32", "f", vecmath.exp_f32, vecmath.ordered_f32, vecmath.from_ordered_f32, vecmath.LOWEST_F32)
_add_variants("f64", "d", vecmath.exp_f64, vecmath.ordered_f64, vecmath.from_ordered_f64, vecmath.LOWEST_F64)
