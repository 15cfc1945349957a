"""top_k: the k largest elements of a vector, the largest first, and where they are.

`numpy.argpartition` promises the k largest in no order, and among equal elements any: what it gives is an accident of
its algorithm, which no other can be held against. Sorted, ties by the first index, the result is determined, and the
one that is mostly wanted.
"""

import operator

import numpy as np

from autotune import Choice, Range, jitable, tunable, workspace
from kernels.order_statistics.selection import scratch_for, select


@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), min(n, 10)),
    calibrate={"n": Range(10, 5_000_000), "dtype": Choice("float32", "float64")},
)
def top_k(x, k):
    """The largest elements of a vector, the largest first.

    Parameters
    ----------
    x : array_like, shape (n,)
        Of any type that has an order. NaN counts as larger than any number, as in NumPy's sorting.
    k : int
        How many, 0 to n.

    Returns
    -------
    values : ndarray, shape (k,)
        The largest elements in descending order.
    indices : ndarray of intp, shape (k,)
        Where they are: ``values == x[indices]``. Of equal elements the one with the lowest index comes first.

    Raises
    ------
    ValueError
        If `x` has another number of axes than one, or `k` is out of range.
    TypeError
        If `k` is no whole number.

    Notes
    -----
    A partition finds the last of them (Musser 1997, Introspective sorting and selection algorithms, Software: Practice
    and Experience 27(8)), and only they are sorted. `torch.topk` is the same, but for ties.
    """
    x = np.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"top_k: x has {x.ndim} axes, expected one")
    k = operator.index(k)
    if not 0 <= k <= x.size:
        raise ValueError(f"top_k: k={k} of {x.size} elements")
    if k == 0:
        return x[:0].copy(), np.empty(0, np.intp)
    last = np.partition(x, x.size - k)[x.size - k]
    better, equal = (~(x <= last), x == last) if last == last else (np.zeros(x.shape, bool), x != x)
    indices = np.flatnonzero(better)
    indices = np.concatenate((indices, np.flatnonzero(equal)[: k - indices.size]))[::-1]
    indices = indices[np.argsort(x[indices], kind="stable")[::-1]]  # turned around twice: ties in order of index
    return x[indices], indices


@jitable
def _collect(x, indices, scratch, samples):
    """Fill in where the largest are, in order of index; whether there is no NaN."""
    _, last, nan = select(x, x.size - indices.size, scratch, samples)
    if nan:
        return False
    equal = indices.size
    for i in range(x.size):
        equal -= x[i] > last
    found = 0
    for i in range(x.size):
        if x[i] >= last and (x[i] > last or equal > 0):
            equal -= x[i] == last
            indices[found] = i
            found += 1
    return True


@top_k.variant(
    kind="vectorized",
    numerics="bitwise",
    when="x.ndim == 1 and x.dtype.char in 'fd' and x.flags.c_contiguous",
    params={"samples": Choice(128, 512)},
)
def selected(x, k, *, samples):
    """The least of them by selection, one pass or two; another picks them up, and only they are sorted."""
    if k.__class__ is not int or not 0 < k <= x.size:
        return top_k.reference(x, k)
    indices = np.empty(k, np.intp)
    scratch = scratch_for(x, x.size, samples)
    sound = _collect(x, indices, scratch, samples)
    workspace.give(scratch)
    if not sound:
        return top_k.reference(x, k)
    indices = indices[::-1]
    indices = indices[np.argsort(x[indices], kind="stable")[::-1]]
    return x[indices], indices
