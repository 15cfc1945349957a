"""Quantiles: what `percentile` and `quantile` share. Both cover the method "linear" for all elements of an array, with
one fraction or a few.

Two neighbouring elements are selected for each fraction (`selection`), and interpolated by NumPy's own operations on
its own scalars: the same bits, the same warnings.

Knows nothing of the unit that fractions are given in.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, workspace
from kernels.floats import ONE
from kernels.order_statistics.selection import (
    CONTIGUOUS,
    NOT_CONTIGUOUS,
    scratch_for,
    select,
    select_in_parts,
)

# Each fraction is a selection of its own, one pass or two; NumPy partitions about all of them at once.
_MOST_FRACTIONS = 8

CALIBRATE = {"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")}


@jitable
def _select(a, k, scratch, samples):
    return select(a, k, scratch, samples)


def _place(n, fraction):
    """The rank above a place between ranks, and the share of its element: NumPy's rule for the end included."""
    virtual = (n - 1) * fraction
    if virtual >= n - 1:
        return n - 1, virtual + 1  # both neighbours are the last element, at what NumPy takes for place -1
    before = math.floor(virtual)
    return before + 1, virtual - before


def _interpolate(lower, upper, share):
    """As NumPy: from the nearer side, in the same steps, so that it reports what NumPy does."""
    difference = upper - lower
    near_lower = lower + difference * share
    rest = difference * (1 - share)
    return upper - rest if share >= 0.5 else near_lower


def _interpolate_each(lower, upper, shares):
    """The same for arrays."""
    difference = upper - lower
    result = lower + difference * shares
    np.subtract(upper, difference * (1 - shares), out=result, where=shares >= 0.5)
    return result


def _neighbours(a, fraction, find):
    """The elements beside the place of a fraction, and the share of the upper one; None where NumPy must be asked."""
    k, share = _place(a.size, fraction)
    found = find(k) if 0 <= fraction <= 1 else None
    if found is None:
        return None
    lower, upper = found
    if share > 1:
        lower = upper
    if lower == 0 and upper == 0 and share >= 0.5 and np.signbit(a[a == 0]).any():
        return None  # which zero counts as the greater one depends on how NumPy sorts
    return lower, upper, share


def _quantiles(a, fractions, find):
    """The result for a float, or for a vector of few; None where NumPy must be asked."""
    if fractions.__class__ is float:
        found = _neighbours(a, fractions, find)
        one = ONE[a.itemsize]
        return None if found is None else _interpolate(one * found[0], one * found[1], found[2])
    if fractions.ndim != 1 or not 0 < fractions.size <= _MOST_FRACTIONS:
        return None
    found = [_neighbours(a, fraction, find) for fraction in fractions.tolist()]
    if None in found:
        return None
    lower, upper, shares = zip(*found, strict=True)
    return _interpolate_each(np.array(lower, a.dtype), np.array(upper, a.dtype), np.array(shares))


def add_variants(kernel, fractions_of):
    """Give a kernel its variants; ``fractions_of(q)`` gives a float, an array of float64, or None for the reference."""
    reference = kernel.reference

    def answer(a, q, find):
        fractions = fractions_of(q)
        result = _quantiles(a, fractions, find) if fractions is not None and a.size else None
        return reference(a, q) if result is None else result

    def narrowed(a, q, flat, samples):
        scratch = scratch_for(a, a.size, samples)

        def find(k):
            lower, upper, nan = _select(flat, k, scratch, samples)
            return None if nan else (lower, upper)

        result = answer(a, q, find)
        workspace.give(scratch)
        return result

    @kernel.variant(kind="vectorized", when=CONTIGUOUS, params={"samples": Choice(32, 128, 512)})
    def narrowing(a, q, *, samples):
        """Brackets from `samples` elements, as in `median`; one selection for each fraction."""
        return narrowed(a, q, a.reshape(-1), samples)

    @kernel.variant(kind="vectorized", when=NOT_CONTIGUOUS, params={"samples": Choice(128)})
    def compact(a, q, *, samples):
        """Read in memory order, and copied first if there are holes: then as `narrowing`."""
        return narrowed(a, q, a.ravel(order="K"), samples)

    @kernel.variant(
        kind="parallel", when=CONTIGUOUS, params={"samples": Choice(256, 1024), "parts": Choice(4, 16)}, threads=True
    )
    def narrow_parts(a, q, *, samples, parts):
        """The first bracket, most of the work, applied to parts on all cores; after a miss `narrowing` takes over."""
        flat = a.reshape(-1)

        def find(k):
            found = select_in_parts(flat, k, samples, parts)
            if found is None:
                scratch = scratch_for(a, a.size, samples)
                lower, upper, nan = _select(flat, k, scratch, samples)
                workspace.give(scratch)
                found = None if nan else (lower, upper)
            return found

        return answer(a, q, find)
