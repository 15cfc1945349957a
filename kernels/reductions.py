"""Reductions over a whole array: sum and var, drop-in for the NumPy functions of the same name.

The variants cover float32 and float64 with axis=None and no further argument (`var`: an int `ddof` too). Additions are
reordered, in blocks or in float64, so that the result is about as near to the true value as NumPy's pairwise sum.
Compiled code does not warn: a variant that meets NaN, infinity, or numbers so large that NumPy may report an overflow,
hands the whole call to NumPy.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable

# sums may be split over vector lanes; NaN and infinity keep their meaning (`nnan` and `ninf` are not given)
_ANY_ORDER = {"reassoc", "contract", "nsz"}

_CONTIGUOUS = "a.ndim > 0 and a.dtype.char in 'fd' and a.flags.c_contiguous"
_NOT_CONTIGUOUS = "a.ndim > 0 and a.dtype.char in 'fd' and not a.flags.c_contiguous"
_CALIBRATE = {"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")}

# By item size: a one, which times a Python float is the cheapest way to a NumPy scalar (NEP 50: the type is the one's;
# 47 ns against 197 for np.float32(value)).
_ONE = {4: np.float32(1), 8: np.float64(1)}


def _normal(rng, dtype, n):
    return (rng.standard_normal(n).astype(dtype),)


# ---- sum ----

# Elements added in the array's own precision before float64 takes over: the error stays below 256·eps in 16 vector
# lanes, whatever the length; and long enough to hide the change of loops (1,024 costs 10 % more).
_RUN = 4096

sum = tunable(np.sum, size={"n": "a.size"}, inputs=_normal, calibrate=_CALIBRATE)


@jitable(fastmath=_ANY_ORDER)
def _run_sums(run):
    total = run.dtype.type(0)
    magnitude = run.dtype.type(0)
    for i in range(run.size):
        total += run[i]
        magnitude += abs(run[i])
    return total, magnitude


@jitable
def _sums(flat):
    """The sum of all elements and of their absolute values; what an addition loses is carried (Kahan 1965, CACM 8)."""
    total = 0.0
    lost = 0.0
    magnitude = 0.0
    for start in range(0, flat.size, _RUN):
        run_total, run_magnitude = _run_sums(flat[start : start + _RUN])
        corrected = run_total - lost
        longer = total + corrected
        lost = (longer - total) - corrected
        total = longer
        magnitude += run_magnitude
    return total, magnitude


@jitable
def _checked(a, total, magnitude):
    """The sum; NaN where NumPy must be asked: while the sum of |a| is far from overflow, so is any part of the sum."""
    return total if magnitude < np.finfo(a.dtype).max / 2 else np.nan


@jitable
def _sum(a):
    total, magnitude = _sums(a.reshape(a.size))
    return _checked(a, total, magnitude)


@jitable(parallel=True)
def _sum_blocks(a, block, totals, magnitudes):
    flat = a.reshape(a.size)
    for b in prange(totals.size):
        totals[b], magnitudes[b] = _sums(flat[b * block : (b + 1) * block])
    return _checked(a, _sums(totals)[0], _sums(magnitudes)[0])


@sum.variant(kind="vectorized", when=_CONTIGUOUS)
def single_pass(a):
    """One loop in as many vector lanes as there are: no ufunc machinery, no pairwise recursion."""
    total = _sum(a)
    if total != total:
        return np.sum(a)
    return _ONE[a.itemsize] * total


@sum.variant(kind="vectorized", when=_NOT_CONTIGUOUS)
def compact(a):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    total = _sum(a.ravel(order="K"))
    if total != total:
        return np.sum(a)
    return _ONE[a.itemsize] * total


@sum.variant(kind="parallel", when=_CONTIGUOUS, params={"block": Choice(16384, 65536, 262144)}, threads=True)
def block_sums(a, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads; which wake in 4 µs."""
    blocks = (a.size + block - 1) // block
    total = _sum_blocks(a, block, np.empty(blocks), np.empty(blocks))
    if total != total:
        return np.sum(a)
    return _ONE[a.itemsize] * total


# ---- var ----

var = tunable(np.var, size={"n": "a.size"}, inputs=_normal, calibrate=_CALIBRATE)


@jitable
def _variance(count, ddof, total, squares, largest, underflow):
    """The variance; NaN where NumPy must be asked; negative where it must be if somebody watches for underflows.

    If the sum of all elements and the sum of squares stay below half of the range, so does every step that NumPy makes.
    """
    freedom = count - ddof
    if count == 0 or freedom <= 0 or not (abs(total) < largest / 2 and squares < largest / 2):
        return np.nan
    return -(squares / freedom) if underflow else squares / freedom


@jitable(fastmath=_ANY_ORDER)
def _two_pass(a, ddof):
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
    return _variance(flat.size, ddof, total, squares, np.finfo(a.dtype).max, underflow)


@jitable(fastmath=_ANY_ORDER)
def _center(block):
    """About the mean of a block, in the block's own precision."""
    total = block.dtype.type(0)
    for i in range(block.size):
        total += block[i]
    return block.dtype.type(total / block.size)


@jitable(fastmath=_ANY_ORDER)
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
def _one_pass(a, ddof, block):
    flat = a.reshape(a.size)
    origin = np.float64(_center(flat[:block]))  # means are kept as distances from it, so that they do not lose digits
    mean = 0.0
    squares = 0.0
    for start in range(0, flat.size, block):
        part = flat[start : start + block]
        part_mean, part_squares = _moments(part, origin)
        mean, squares = _merge(start, mean, squares, part.size, part_mean, part_squares)
    return _variance(flat.size, ddof, (origin + mean) * flat.size, squares, np.finfo(a.dtype).max, True)


@jitable
def _merge_blocks(a, ddof, block, origin, means, squares):
    mean = 0.0
    total_squares = 0.0
    for b in range(means.size):
        count = min(block, a.size - b * block)
        mean, total_squares = _merge(b * block, mean, total_squares, count, means[b], squares[b])
    return _variance(a.size, ddof, (origin + mean) * a.size, total_squares, np.finfo(a.dtype).max, True)


@jitable(parallel=True)
def _block_moments(a, ddof, block, means, squares):
    flat = a.reshape(a.size)
    origin = np.float64(_center(flat[:block]))
    for b in prange(means.size):
        means[b], squares[b] = _moments(flat[b * block : (b + 1) * block], origin)
    return _merge_blocks(a, ddof, block, origin, means, squares)


def _answer(a, ddof, variance):
    """NumPy's scalar for what `_variance` returned, or NumPy's own answer."""
    if variance > 0.0:
        return _ONE[a.itemsize] * variance
    if variance != variance or np.geterr()["under"] != "ignore":
        return np.var(a, ddof=ddof)
    return _ONE[a.itemsize] * -variance


@var.variant(kind="vectorized", when=_CONTIGUOUS)
def two_pass(a, ddof=0):
    """Two loops in float64, no temporary array; reads the input twice, so it fades once that outgrows the caches."""
    if ddof.__class__ is not int:
        return np.var(a, ddof=ddof)
    variance = _two_pass(a, ddof)
    if variance > 0.0:
        return _ONE[a.itemsize] * variance
    return _answer(a, ddof, variance)


@var.variant(kind="vectorized", when=_NOT_CONTIGUOUS)
def compact_two_pass(a, ddof=0):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    if ddof.__class__ is not int:
        return np.var(a, ddof=ddof)
    return _answer(a, ddof, _two_pass(a.ravel(order="K"), ddof))


@var.variant(kind="blocked", when=_CONTIGUOUS, params={"block": Choice(1024, 4096, 16384)})
def one_pass(a, ddof=0, *, block):
    """Moments of blocks that fit into L1, merged: the input is read from memory once; costs a look at np.errstate."""
    if ddof.__class__ is not int:
        return np.var(a, ddof=ddof)
    return _answer(a, ddof, _one_pass(a, ddof, block))


@var.variant(kind="parallel", when=_CONTIGUOUS, params={"block": Choice(4096, 16384, 65536)}, threads=True)
def block_moments(a, ddof=0, *, block):
    """The blocks of `one_pass` on all cores, merged in order: the same bits for any number of threads."""
    if ddof.__class__ is not int:
        return np.var(a, ddof=ddof)
    blocks = (a.size + block - 1) // block
    return _answer(a, ddof, _block_moments(a, ddof, block, np.empty(blocks), np.empty(blocks)))
