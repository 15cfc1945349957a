"""logsumexp, drop-in for `scipy.special.logsumexp`.

The variants read a row twice while it is in cache, for its maximum and for the sum of exponentials, and leave no
temporary array. They cover float32 and float64 in C order, along the last axis or over all elements, with `keepdims`
at most; what NumPy answers with infinity, NaN or a floating-point warning it is asked for.
"""

import numpy as np

from autotune import Choice, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ASK, PLAIN, UNDERFLOW, reference_decides
from kernels.fused import rows
from kernels.sums import RUN, in_order


@tunable(size=rows.size("a"), inputs=rows.inputs, calibrate=rows.CALIBRATE, static=("axis",))
def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """Logarithm of the sum of exponentials.

    Parameters
    ----------
    a : array_like
        Of any shape.
    axis : int or tuple of ints, optional
        Axes along which to sum; by default all.
    b : array_like, optional
        Factors of the exponentials; such a call needs SciPy, and so do complex numbers.
    keepdims : bool, optional
        Whether the axes that were summed stay, with length 1.
    return_sign : bool, optional
        Whether to return the sign of the sum too; such a call needs SciPy.

    Returns
    -------
    ndarray or NumPy scalar
        ``np.log(np.sum(np.exp(a)))``; -inf for nothing.

    Raises
    ------
    AxisError
        If `axis` is not one of the axes of `a`.
    ImportError
        If SciPy is needed and not installed.

    Notes
    -----
    The largest elements m of `a`, k of them, are taken out of the sum: m + log(k) + log1p(sum(exp(a - m)) / k), as by
    `scipy.special.logsumexp` since version 1.15, so that small terms count beside them (Blanchard, Higham & Higham
    2021, Accurately computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41(4), section 2).
    """
    array = np.atleast_1d(np.asarray(a))  # as SciPy: a mask is not looked at
    if b is not None or return_sign or array.dtype.kind not in "biuf":
        from scipy import special

        return special.logsumexp(a, axis, b, keepdims, return_sign)
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    top = np.amax(array, axis=axis, keepdims=True, initial=-np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = array == top
        count = np.count_nonzero(largest, axis=axis, keepdims=True).astype(array.dtype)
        others = np.exp(array - top)
        np.copyto(others, 0, where=largest)
        total = np.sum(others, axis=axis, keepdims=True)
        result = np.log1p(total / np.maximum(count, 1)) + np.log(count) + top
    return result if keepdims else np.squeeze(result, axis=axis)[()]


def _loops(exp, largest):
    """Compiled loops for one precision."""

    @jitable(fastmath=ANY_ORDER, forceinline=True)
    def others(x, top):
        """The sum of exp(x - top) without the elements that are `top`; NaN if x holds NaN or infinity."""
        zero = x.dtype.type(0)
        total = zero
        for i in range(x.size):
            difference = x[i] - top
            power = exp(difference)
            total += zero if difference == zero else power
        return total

    # a loop of its own: together with the one above, LLVM does not vectorise it
    @jitable(fastmath=ANY_ORDER, forceinline=True)
    def marks(x, top, lowest, infinity):
        """How many elements are `top`; what NumPy may report."""
        zero, one = x.dtype.type(0), x.dtype.type(1)
        count = zero
        underflow = False
        overflow = False
        for i in range(x.size):
            difference = x[i] - top
            count += one if difference == zero else zero
            underflow |= difference < lowest
            overflow |= (difference == -infinity) & (x[i] != -infinity)
        return count, max(overflow * ASK, underflow * UNDERFLOW)

    @jitable(forceinline=True)
    def totals(x, top):
        smallest = np.finfo(x.dtype).tiny
        lowest = x.dtype.type(np.log(smallest))  # of what is below, the exponential is no normal number
        infinity = x.dtype.type(np.inf)
        count = 0.0
        total = 0.0
        seen = UNDERFLOW if abs(top) < np.sqrt(smallest) else PLAIN  # a difference may be denormal
        for start in range(0, x.size, RUN):
            run = x[start : start + RUN]
            run_count, run_seen = marks(run, top, lowest, infinity)
            count += run_count
            total += others(run, top)
            seen = max(seen, run_seen)
        return count, total, seen

    @jitable(forceinline=True)
    def finish(top, count, total, seen, smallest):
        """The result, and what NumPy may report."""
        mean = total / count
        if not total < np.inf:
            seen = ASK
        elif mean < smallest and mean != 0:
            seen = max(seen, UNDERFLOW)
        return np.log1p(mean) + np.log(count) + top, seen

    @jitable
    def rows_from(x, out, columns, first, last):
        source = x.reshape(x.size)
        smallest = np.finfo(x.dtype).tiny
        worst = PLAIN
        for row in range(first, last):
            part = source[row * columns : (row + 1) * columns]
            top = largest(part)
            count, total, seen = totals(part, top)
            out[row], seen = finish(top, count, total, seen, smallest)
            worst = max(worst, seen)
        return worst

    @jitable
    def one_by_one(x, out):
        return rows_from(x, out, x.size // out.size, 0, out.size)

    @jitable(parallel=True)
    def on_threads(x, out, step):
        columns = x.size // out.size
        worst = PLAIN
        for b in prange((out.size + step - 1) // step):
            worst = max(worst, rows_from(x, out, columns, b * step, min((b + 1) * step, out.size)))
        return worst

    @jitable(parallel=True)
    def whole_on_threads(x, out, block, tops, counts, sums, found):
        source = x.reshape(x.size)
        for b in prange(tops.size):
            tops[b] = largest(source[b * block : (b + 1) * block])
        top = largest(tops)
        for b in prange(tops.size):
            counts[b], sums[b], found[b] = totals(source[b * block : (b + 1) * block], top)
        worst = PLAIN
        for b in range(found.size):
            worst = max(worst, found[b])
        out[0], worst = finish(top, in_order(counts), in_order(sums), worst, np.finfo(x.dtype).tiny)
        return worst

    return one_by_one, on_threads, whole_on_threads


def _answer(a, axis, keepdims, out, seen):
    """The result in its shape, or NumPy's own answer."""
    if reference_decides(seen):
        return logsumexp.reference(a, axis, keepdims=keepdims)
    if axis is None:
        return out.reshape((1,) * a.ndim) if keepdims else out[0]
    if keepdims:
        return out.reshape(*a.shape[:-1], 1)
    return out[0] if a.ndim == 1 else out.reshape(a.shape[:-1])


def _add_variants(precision):
    one_by_one, on_threads, whole_on_threads = _loops(precision.exp, precision.largest)
    last = rows.along_last("a", precision.char)
    whole = f"{rows.contiguous('a', precision.char)} and axis is None"

    @logsumexp.variant(kind="vectorized", name=f"row_by_row_{precision.name}", when=last)
    def row_by_row(a, axis=None, keepdims=False):
        """Each row twice while it is in cache, without temporaries; one thread."""
        if not a.size:
            return logsumexp.reference(a, axis, keepdims=keepdims)
        out = np.empty(a.size // a.shape[-1], a.dtype)
        return _answer(a, axis, keepdims, out, one_by_one(a, out))

    @logsumexp.variant(
        kind="parallel",
        name=f"rows_on_threads_{precision.name}",
        when=last,
        params={"step": Choice(1, 16, 128)},
        threads=True,
    )
    def rows_on_threads(a, axis=None, keepdims=False, *, step):
        """`step` rows a task on all cores: pays off once the rows together outweigh waking the threads."""
        if not a.size:
            return logsumexp.reference(a, axis, keepdims=keepdims)
        out = np.empty(a.size // a.shape[-1], a.dtype)
        return _answer(a, axis, keepdims, out, on_threads(a, out, step))

    @logsumexp.variant(kind="vectorized", name=f"as_one_row_{precision.name}", when=whole)
    def as_one_row(a, keepdims=False):
        """All elements as one row, two passes in one thread, without temporaries."""
        if not a.size:
            return logsumexp.reference(a, keepdims=keepdims)
        out = np.empty(1, a.dtype)
        return _answer(a, None, keepdims, out, one_by_one(a, out))

    @logsumexp.variant(
        kind="parallel",
        name=f"blocks_on_threads_{precision.name}",
        when=whole,
        params={"block": Choice(4096, 16384, 65536)},
        threads=True,
    )
    def blocks_on_threads(a, keepdims=False, *, block):
        """One long row in blocks on all cores, their sums added in order: two wake-ups of the threads."""
        if not a.size:
            return logsumexp.reference(a, keepdims=keepdims)
        blocks = (a.size + block - 1) // block
        out, tops, found = np.empty(1, a.dtype), np.empty(blocks, a.dtype), np.empty(blocks, np.int64)
        seen = whole_on_threads(a, out, block, tops, np.empty(blocks), np.empty(blocks), found)
        return _answer(a, None, keepdims, out, seen)


for _precision in rows.PRECISIONS:
    _add_variants(_precision)
