"""Selection: the elements of two neighbouring ranks, which medians and quantiles are made of.

NumPy copies the array and partitions it about several places (the ranks themselves, and the end, where a NaN would be).
Selection by sampling (Floyd & Rivest 1975, Expected time bounds for selection, CACM 18(3)) moves far less: the ranks
within a small sample give two elements that enclose the wanted one with high probability; one pass without branches
keeps what lies strictly between them; repeat. A bracket that misses costs one more pass, never a wrong result.

Knows nothing of what the elements are wanted for.
"""

import numpy as np

from autotune import jitable, prange, workspace

CONTIGUOUS = "a.ndim > 0 and a.dtype.char in 'fd' and a.flags.c_contiguous"
NOT_CONTIGUOUS = "a.ndim > 0 and a.dtype.char in 'fd' and not a.flags.c_contiguous"

# Half the width of a bracket, in standard deviations of a rank within the sample: 1 in 80 misses (normal distribution).
_DEVIATIONS = 2.5
# Elements looked at before what is kept of them is moved: their flags stay in L1. From 256 to 4,096 the time of 10^6
# elements changes by less than 5 %.
_CHUNK = 1024
# Below, k is a rank, counted from 0, within `source`, and `lower` the element of rank k - 1 where that is known.


@jitable
def of_ranks(source, first, second):
    """The elements of two ranks, by counting for each element how many are smaller; -inf for a rank of -1."""
    first_element = second_element = -source.dtype.type(np.inf)
    first_exact = first < 0
    second_exact = False
    for i in range(source.size):
        value = source[i]
        smaller = np.int32(0)  # no wider than the elements, so that all vector lanes are used
        for j in range(source.size):
            smaller += np.int32(source[j] < value)
        # the element of a rank is the largest of those with no more smaller ones, because equal elements share a count
        if smaller <= first and value > first_element:
            first_element = value
        if smaller <= second and value > second_element:
            second_element = value
        first_exact |= smaller == first
        second_exact |= smaller == second
        if first_exact and second_exact:
            break
    return first_element, second_element


@jitable
def _bracket(source, k, sample):
    """Two elements of `source` between which the one of rank k lies with high probability."""
    for i in range(sample.size):
        # Fibonacci hashing (Knuth, TAOCP 3, 6.4): evenly spread, in step with no pattern of the data, always the same
        spread = np.uint64(i) * np.uint64(2654435769) & np.uint64(0xFFFFFFFF)
        sample[i] = source[spread * np.uint64(source.size) >> np.uint64(32)]
    share = (k + 0.5) / source.size
    centre = int(share * sample.size)
    width = int(np.ceil(_DEVIATIONS * np.sqrt(sample.size * share * (1 - share))))
    low, high = of_ranks(sample, max(centre - width, -1), min(centre + width, sample.size - 1))
    return low, high if centre + width < sample.size else source.dtype.type(np.inf)  # beyond the sample: no bound


@jitable
def _narrow(source, low, high, target, keep):
    """Copy what lies strictly between low and high to the front of `target`.

    Returns how many were copied, how many are not above low, and whether there is a NaN.
    """
    copied = np.uint64(0)  # unsigned: an index that cannot be negative needs no correction
    skipped = 0
    nan = False
    for start in range(0, source.size, keep.size):
        part = source[start : start + keep.size]
        part_skipped = np.int32(0)
        for i in range(part.size):
            value = part[i]
            part_skipped += np.int32(value <= low)
            nan |= value != value
            keep[i] = (value > low) & (value < high)
        skipped += part_skipped
        for i in range(part.size):
            target[copied] = part[i]
            copied += np.uint64(keep[i])
    return np.int64(copied), skipped, nan


@jitable
def _is_of_rank(source, value, k, lower):
    """Whether `value` is the element of rank k, and if so the element of rank k - 1."""
    smaller = 0
    not_larger = 0
    for i in range(source.size):
        smaller += source[i] < value
        not_larger += source[i] <= value
    if not smaller <= k < not_larger:
        return False, lower
    if smaller < k:
        return True, value
    if smaller > 0:
        lower = -source.dtype.type(np.inf)
        for i in range(source.size):
            if lower < source[i] < value:
                lower = source[i]
    return True, lower


@jitable
def _step(source, k, lower, target, sample, keep):
    """Narrow `source` to `target` by one bracket around rank k.

    Returns how many elements are left, the rank among them, and the elements of rank k - 1 and k as far as they are
    known: both are if none is left. If there is a NaN, -1 are left.
    """
    infinity = source.dtype.type(np.inf)
    low, high = _bracket(source, k, sample)
    left, skipped, nan = _narrow(source, low, high, target, keep)
    if nan:
        return -1, k, lower, lower
    while not skipped <= k < skipped + left:  # missed, or in the midst of equal elements
        missed_below = k < skipped
        edge = low if missed_below else high
        found, edge_lower = _is_of_rank(source, edge, k, lower)
        if found:
            return 0, k, edge_lower, edge
        low = -infinity if missed_below else edge
        high = edge if missed_below else infinity
        left, skipped, nan = _narrow(source, low, high, target, keep)
    if k == skipped and skipped > 0:
        lower = low
    return left, k - skipped, lower, lower


@jitable
def _finish(left, k, lower, upper, source, target, sample, keep):
    """The elements of rank k - 1 and k, where the first `left` of `source` are left."""
    while left > sample.size:
        left, k, lower, upper = _step(source[:left], k, lower, target, sample, keep)
        source, target = target, source
    if left > 0:
        before, upper = of_ranks(source[:left], k - 1, k)
        lower = before if k > 0 else lower
    return lower, upper


@jitable
def has_nan(source):
    nan = False
    for i in range(source.size):
        nan |= source[i] != source[i]
    return nan


@jitable
def _carve(scratch, n, samples):
    """Two arrays for n elements, one for a sample and one for flags, out of one piece from `scratch_for`."""
    sample = scratch[2 * n : 2 * n + samples]
    return scratch[:n], scratch[n : 2 * n], sample, scratch[2 * n + samples :].view(np.uint8)


def scratch_for(a, n, samples):
    """What `select` needs for n elements of the type of `a`; only what is used of it is ever touched."""
    return workspace.take(2 * n + samples + _CHUNK // a.itemsize, a.dtype)


@jitable
def select(a, k, scratch, samples):
    """The elements of rank k - 1 (any value if there is none) and k of a contiguous array, and whether it has a NaN."""
    source = a.reshape(a.size)
    n = source.size
    first, second, sample, keep = _carve(scratch, n, samples)
    lower = upper = source[0]
    if n <= samples:
        first[:] = source
        left = -1 if has_nan(source) else n
    else:
        left, k, lower, upper = _step(source, k, lower, first, sample, keep)
    if left < 0:
        return lower, lower, True
    lower, upper = _finish(left, k, lower, upper, first, second, sample, keep)
    return lower, upper, False


@jitable
def _enclose(a, k, sample, bracket):
    bracket[0], bracket[1] = _bracket(a.reshape(a.size), k, sample)


@jitable(parallel=True)
def _narrow_parts(a, bracket, target, keep, counts):
    source = a.reshape(a.size)
    length = (source.size + len(counts) - 1) // len(counts)
    for p in prange(len(counts)):
        part = slice(p * length, (p + 1) * length)
        left, skipped, nan = _narrow(source[part], bracket[0], bracket[1], target[part], keep[p])
        counts[p, 0] = -1 if nan else left
        counts[p, 1] = skipped


@jitable
def _join_parts(target, counts, left, k, scratch, samples):
    """As `select`, from parts narrowed each to its own stretch of `target`, with the ranks k - 1 and k among them."""
    first, second, sample, keep = _carve(scratch, left, samples)
    length = (target.size + len(counts) - 1) // len(counts)
    joined = 0
    for p in range(len(counts)):
        for i in range(counts[p, 0]):
            first[joined + i] = target[p * length + i]
        joined += counts[p, 0]
    return _finish(left, k, first[0], first[0], first, second, sample, keep)


def select_in_parts(a, k, samples, parts):
    """The elements of rank k - 1 and k, found on all cores; None if the first bracket misses, or there is a NaN."""
    n = a.size
    if n <= samples:
        return None
    bracket, counts = np.empty(2, a.dtype), np.empty((parts, 2), np.int64)
    _enclose(a, k, np.empty(samples, a.dtype), bracket)
    target = workspace.take(n, a.dtype)  # each part fills the head of its stretch
    _narrow_parts(a, bracket, target, np.empty((parts, _CHUNK), np.uint8), counts)
    left, skipped = counts.sum(axis=0).tolist()
    k -= skipped
    found = None
    if counts.min() >= 0 and 0 < k < left:
        scratch = scratch_for(a, left, samples)
        found = _join_parts(target, counts, left, k, scratch, samples)
        workspace.give(scratch)
    workspace.give(target)
    return found
