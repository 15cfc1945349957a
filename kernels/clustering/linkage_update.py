"""Distances to a cluster that was just made of two: one merge of agglomerative clustering.

NumPy makes six arrays on the way to Ward's distances, and three to the averages. The variants cover vectors of one
precision, float32 or float64, for these two methods; the smallest and the largest distance are one call of NumPy
anyway. What is not finite is left to NumPy, which warns; so is every call while somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import underflows_are_watched

_VECTORS = (
    "first.ndim == 1 and first.dtype.char in 'fd' and second.ndim == 1 and second.dtype == first.dtype and "
    "sizes.ndim == 1 and sizes.dtype == first.dtype and method in ('average', 'ward')"
)


def _clusters(rng, dtype, n, method):
    sizes = rng.integers(1, 20, n)
    vectors = (array.astype(dtype) for array in (rng.uniform(1, 3, n), rng.uniform(1, 3, n), sizes))
    return tuple(vectors), {"between": 0.5, "merged": (3, 4), "method": method}


@tunable(
    size={"n": "first.size"},
    inputs=_clusters,
    calibrate={"n": Range(10, 1_000_000), "method": Choice("average", "ward"), "dtype": Choice("float32", "float64")},
)
def linkage_update(first, second, sizes, between=0.0, merged=(1, 1), method="ward"):
    """Distances from a cluster made of two to all others, as in each step of `scipy.cluster.hierarchy.linkage`.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Distances of the two to the others.
    sizes : ndarray, shape (n,)
        Numbers of points in the others; for «ward».
    between : float
        Distance of the two; for «ward».
    merged : tuple of two numbers
        Numbers of points in the two; for «ward» and «average».
    method : str
        «single», «complete», «average» or «ward».

    Returns
    -------
    ndarray, shape (n,)
        In the units of the distances.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or the method is another.

    Notes
    -----
    Lance & Williams 1967, A general theory of classificatory sorting strategies, The Computer Journal 9(4); for Ward's
    method between distances, not their squares, as in SciPy. Squared, Ward's distance is three products; the two with
    positive signs are larger than the third, so that little cancels.
    """
    if method == "single":
        return np.minimum(first, second)
    if method == "complete":
        return np.maximum(first, second)
    kind = np.result_type(first, second, np.float32)
    one, other = map(kind.type, merged)
    if method == "average":
        return (first * one + second * other) / (one + other)
    if method == "ward":
        squared = kind.type(between) * kind.type(between)
        total = sizes + (one + other)
        return np.sqrt(((sizes + one) * first**2 + (sizes + other) * second**2 - sizes * squared) / total)
    raise ValueError(f"expected single, complete, average or ward as the method, found {method!r}")


@jitable(forceinline=True)
def _update(first, second, sizes, ward, between, one, other, out):
    """Fill out, each operation as NumPy makes it; whether all of it is finite."""
    kind = out.dtype.type
    one, other, squared = kind(one), kind(other), kind(between) * kind(between)
    both = one + other
    if ward:
        for i in range(out.size):
            size, a, b = sizes[i], first[i], second[i]
            out[i] = np.sqrt(((size + one) * (a * a) + (size + other) * (b * b) - size * squared) / (size + both))
    else:
        for i in range(out.size):
            out[i] = (first[i] * one + second[i] * other) / both
    finite = True
    for i in range(out.size):
        finite &= abs(out[i]) < np.inf
    return finite


@jitable
def _whole(first, second, sizes, ward, between, one, other, out):
    return _update(first, second, sizes, ward, between, one, other, out)


@jitable(parallel=True)
def _blocks(first, second, sizes, ward, between, one, other, out, block):
    failed = 0
    for b in prange((out.size + block - 1) // block):
        run = slice(b * block, min((b + 1) * block, out.size))
        failed += not _update(first[run], second[run], sizes[run], ward, between, one, other, out[run])
    return failed == 0


def _compute(core, first, second, sizes, between, merged, method, *settings):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    if not first.shape == second.shape == sizes.shape or len(merged) != 2 or underflows_are_watched():
        return linkage_update.reference(first, second, sizes, between, merged, method)
    first, second, sizes = np.ascontiguousarray(first), np.ascontiguousarray(second), np.ascontiguousarray(sizes)
    out = np.empty(first.shape, first.dtype)
    numbers = float(between), float(merged[0]), float(merged[1])
    if not core(first, second, sizes, method == "ward", *numbers, out, *settings):
        return linkage_update.reference(first, second, sizes, between, merged, method)
    return out


@linkage_update.variant(kind="vectorized", numerics="bitwise", when=_VECTORS)
def one_pass(first, second, sizes, between=0.0, merged=(1, 1), method="ward"):
    """One loop in vector lanes, no temporary arrays; strided vectors are copied first."""
    return _compute(_whole, first, second, sizes, between, merged, method)


@linkage_update.variant(
    kind="parallel", numerics="bitwise", when=_VECTORS, params={"block": Choice(4096, 65536)}, threads=True
)
def blocks_on_threads(first, second, sizes, between=0.0, merged=(1, 1), method="ward", *, block):
    """`block` distances a task on all cores: pays off once reading them outweighs waking the threads."""
    return _compute(_blocks, first, second, sizes, between, merged, method, block)
