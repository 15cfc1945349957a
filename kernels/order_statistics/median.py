"""The median of a whole array, drop-in for `numpy.median`.

The answer is the same to the last bit. What NumPy may warn about (an empty array, an infinite or denormal middle) is
left to NumPy.
"""

import numpy as np

from autotune import Choice, Range, jitable, tunable, workspace
from kernels.floats import ONE
from kernels.order_statistics.selection import (
    CONTIGUOUS,
    NOT_CONTIGUOUS,
    has_nan,
    of_ranks,
    scratch_for,
    select,
    select_in_parts,
)

# Counting ranks takes n² steps: at this size already twice the time of NumPy.
_MOST_RANKED = 1024

median = tunable(
    np.median,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
)


@jitable
def _middle(lower, upper, n, source):
    """The median from the elements of rank n // 2 - 1 and n // 2; infinity where NumPy must be asked."""
    both = upper if n % 2 else lower + upper
    middle = both if n % 2 else both * source.dtype.type(0.5)
    if not abs(middle) < np.inf or (abs(middle) < np.finfo(source.dtype).tiny and both != 0):
        return source.dtype.type(np.inf)
    return middle + source.dtype.type(0)  # as in NumPy, never -0.0


@jitable
def _with_nan(source):
    """The median of an array that holds NaN: NaN, unless NumPy's mean of the middle may also overflow or underflow."""
    limits = np.finfo(source.dtype)
    quiet = True
    for i in range(source.size):
        quiet &= not (abs(source[i]) > limits.max / 2 or 0 < abs(source[i]) < 2 * limits.tiny)
    return source.dtype.type(np.nan) if quiet else source.dtype.type(np.inf)


@jitable
def _middle_of(a, lower, upper, nan):
    source = a.reshape(a.size)
    if nan:
        return _with_nan(source)
    kind = source.dtype.type  # what Python passed is in double precision
    return _middle(kind(lower), kind(upper), source.size, source)


@jitable
def _median(a, scratch, samples):
    if a.size == 0:
        return a.dtype.type(np.inf)
    lower, upper, nan = select(a, a.size // 2, scratch, samples)
    return _middle_of(a, lower, upper, nan)


def _answer(a, middle):
    """NumPy's scalar for what `_middle` returned, or NumPy's own answer."""
    return np.median(a) if middle == np.inf else ONE[a.itemsize] * middle


@jitable
def _median_by_ranks(a):
    source = a.reshape(a.size)
    if has_nan(source):
        return _with_nan(source)
    lower, upper = of_ranks(source, source.size // 2 - 1, source.size // 2)
    return _middle(lower, upper, source.size, source)


@median.variant(kind="scalar", numerics="bitwise", when=CONTIGUOUS)
def ranks(a):
    """Count for each element how many are smaller: n² steps, but no branch, no swap, no scratch space to allocate."""
    return _answer(a, _median_by_ranks(a) if 0 < a.size <= _MOST_RANKED else np.inf)


def _narrowed(a, flat, samples):
    scratch = scratch_for(a, a.size, samples)
    middle = _median(flat, scratch, samples)
    workspace.give(scratch)
    return _answer(a, middle)


@median.variant(kind="vectorized", numerics="bitwise", when=CONTIGUOUS, params={"samples": Choice(32, 128, 512)})
def narrowing(a, *, samples):
    """Brackets from `samples` elements: a larger sample costs its square in ranks and leaves less to the next pass."""
    return _narrowed(a, a, samples)


@median.variant(kind="vectorized", numerics="bitwise", when=NOT_CONTIGUOUS, params={"samples": Choice(32, 128, 512)})
def compact(a, *, samples):
    """Read in memory order, and copied first if there are holes: then as `narrowing`."""
    return _narrowed(a, a.ravel(order="K"), samples)


@median.variant(
    kind="parallel",
    numerics="bitwise",
    when=CONTIGUOUS,
    params={"samples": Choice(256, 1024), "parts": Choice(4, 16)},
    threads=True,
)
def narrow_parts(a, *, samples, parts):
    """The first bracket, most of the work, applied to parts on all cores; after a miss `narrowing` takes over."""
    found = select_in_parts(a, a.size // 2, samples, parts)
    if found is None:
        return narrowing(a, samples=samples)
    return _answer(a, _middle_of(a, *found, False))
