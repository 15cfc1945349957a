"""The histogram of an array over bins of equal width, drop-in for `numpy.histogram`.

NumPy walks through blocks of the array a dozen times: which elements are inside, their places, two corrections by the
bins' edges, the counts. The variants compute the same places, in the same precision and with the same corrections, in
one walk, and look at edges only where an element is near one: edges and counts are NumPy's to the last bit. They cover
an int number of bins and no range, or a pair of numbers; what may overflow or cannot be binned is NumPy's to report.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import LARGEST, underflows_are_watched
from kernels.order_statistics.selection import CONTIGUOUS, NOT_CONTIGUOUS
from kernels.reductions import max as largest
from kernels.reductions import min as smallest

# Places computed before they are counted: they stay in L1.
_CHUNK = 1024
# Counters side by side, so that equal places in a row do not wait for each other.
_TABLES = 4
# The counters of one task stay below 256 KB, half of a usual L2.
_MOST_BINS = 8192

histogram = tunable(
    np.histogram,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), 50),
    calibrate={"n": Range(10, 5_000_000), "dtype": Choice("float32", "float64")},
)


@jitable
def _places(part, first, last, width, bins, doubt, places):
    """In which bin each element is; `bins` for those outside.

    Whether some are so near an edge that rounding may have put them into the next bin, and whether one underflows.
    """
    outside = np.int32(bins)
    last_bin = np.int32(outside - np.int32(1))
    near = small = False
    for i in range(part.size):
        value = part[i]
        share = (value - first) / width
        place = share * bins
        whole = np.int32(place)
        rest = place - whole
        inside = (value >= first) & (value <= last)
        near |= inside & ((rest < doubt) | (rest > 1 - doubt))
        small |= inside & (share != 0) & (share < np.finfo(part.dtype).tiny)
        whole = whole if whole < last_bin else last_bin
        places[i] = whole if inside else outside
    return near, small


@jitable
def _count(flat, first, last, width, bins, doubt, lower, upper, places, counts):
    """Count the elements of each bin, those outside in the last counter; whether something underflowed."""
    underflow = False
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        near, small = _places(part, first, last, width, bins, doubt, places)
        underflow |= small
        if near:
            for i in range(part.size):
                place = places[i]
                place -= part[i] < lower[place]  # NaN for those outside
                place += part[i] >= upper[place]  # NaN for the last bin and those outside
                places[i] = place
        for i in range(np.uint64(part.size)):
            counts[i % np.uint64(_TABLES), np.uint64(places[i])] += 1
    return underflow


@jitable(parallel=True)
def _count_parts(flat, first, last, width, bins, doubt, lower, upper, places, counts):
    length = (flat.size + len(counts) - 1) // len(counts)
    small = 0
    for p in prange(len(counts)):
        part = flat[p * length : (p + 1) * length]
        small += _count(part, first, last, width, bins, doubt, lower, upper, places[p], counts[p])
    return small > 0


def _outer_edges(a, range):
    """First and last edge as NumPy finds them, or None where it must be asked."""
    if range is None:
        if not a.size:
            return None
        first, last = smallest(a), largest(a)
    elif len(range) == 2 and all(each.__class__ in (int, float) for each in range):
        first, last = range
    else:
        return None
    limit = LARGEST[a.itemsize] / 2  # differences of such numbers cannot overflow
    if not (-limit < first <= last < limit):
        return None
    return (first - 0.5, last + 0.5) if first == last else (first, last)


def _counted(a, flat, bins, range, core, parts):
    """The histogram by a core, or NumPy's own answer."""
    outer = None
    if bins.__class__ is int and 0 < bins <= _MOST_BINS and (range is None or range.__class__ is tuple):
        outer = _outer_edges(flat, range)
    if outer is None:
        return np.histogram(a, bins, range)
    first, last = outer
    kind = a.dtype.type
    edges = np.linspace(first, last, bins + 1, dtype=a.dtype)
    width = last - first  # in double precision where the range was given in Python's numbers
    if not width > 0 or (edges[:-1] >= edges[1:]).any():
        return np.histogram(a, bins, range)
    lower, upper = np.full(bins + 1, math.nan, a.dtype), np.full(bins + 1, math.nan, a.dtype)
    lower[:-1], upper[: bins - 1] = edges[:-1], edges[1:-1]
    if type(width) is not kind:
        width = float(width)
    counts = np.zeros((*parts, _TABLES, bins + 1), np.intp)
    places = np.empty((*parts, _CHUNK), np.int32)
    # what rounding moves a place by: that of the edges, and of three operations
    doubt = 8 * bins * float(np.finfo(kind).eps) * (1 + max(abs(first), abs(last)) / width)
    small = core(
        flat, kind(first), kind(last), width, type(width)(bins), type(width)(doubt), lower, upper, places, counts
    )
    if small and underflows_are_watched():
        return np.histogram(a, bins, range)
    return counts.reshape(-1, bins + 1).sum(axis=0)[:-1], edges


@histogram.variant(kind="vectorized", numerics="bitwise", when=CONTIGUOUS)
def one_walk(a, bins=10, range=None):
    """Places of a thousand elements in vector lanes, then counted while they are in L1: no array of the size of a."""
    return _counted(a, a.reshape(-1), bins, range, _count, ())


@histogram.variant(kind="vectorized", numerics="bitwise", when=NOT_CONTIGUOUS)
def compact(a, bins=10, range=None):
    """Read in memory order, and copied first if there are holes: then as `one_walk`."""
    return _counted(a, a.ravel(order="K"), bins, range, _count, ())


@histogram.variant(kind="parallel", numerics="bitwise", when=CONTIGUOUS, params={"parts": Choice(2, 16)}, threads=True)
def walk_in_parts(a, bins=10, range=None, *, parts):
    """Parts on all cores, each with counters of its own; the sum of counts knows no order."""
    return _counted(a, a.reshape(-1), bins, range, _count_parts, (parts,))
