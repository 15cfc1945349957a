"""The neighbourhoods of DBSCAN, and which points are core points."""

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels.distances.radius_neighbors import (
    BLOCK,
    append_neighbors,
    limit_of,
    radius_neighbors,
    scattered,
    twice_the_room,
)
from kernels.floats import underflows_are_watched

_MATRIX = "x.ndim == 2 and x.dtype.char in 'fd'"


def _crowd(rng, dtype, n, d):
    x, _, radius = scattered(rng, dtype, n, 1, d)
    return x, radius


@tunable(
    size={"n": "x.shape[0]", "d": "x.shape[1]"},
    inputs=_crowd,
    calibrate={"n": Range(16, 4000), "d": Range(2, 32), "dtype": Choice("float32", "float64")},
)
def dbscan_neighborhoods(x, eps, min_samples=5):
    """All neighbourhoods of some points, and which of them hold enough, as `sklearn.cluster.dbscan` begins.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    eps : float
        Radius of a neighbourhood, in the units of the points; its border belongs to it.
    min_samples : int
        So many neighbours make a core point; each point is its own neighbour.

    Returns
    -------
    core : ndarray of bool, shape (n,)
        Whether each point is a core point.
    indptr : ndarray of intp, shape (n + 1,)
        The neighbours of point i are ``indices[indptr[i] : indptr[i + 1]]``.
    indices : ndarray of intp
        Of the points, ascending for each point.

    Raises
    ------
    ValueError
        If `eps` is negative.
    IndexError
        If `x` has fewer than two dimensions.

    Notes
    -----
    Ester, Kriegel, Sander & Xu 1996, A density-based algorithm for discovering clusters, KDD-96, definitions 1 and 2.
    """
    indptr, indices = radius_neighbors.reference(x, x, eps)
    return np.diff(indptr) >= min_samples, indptr, indices


@dbscan_neighborhoods.variant(kind="parallel", numerics="bitwise", when=_MATRIX, threads=True)
def by_radius_neighbors(x, eps, min_samples=5):
    """The tuned `radius_neighbors` of the points themselves: both halves of a symmetric table, on all cores."""
    indptr, indices = radius_neighbors(x, x, eps)
    return np.diff(indptr) >= min_samples, indptr, indices


@jitable
def _collect(x, features, limit, squares, chosen, counts, later, reached, place):
    """Each point from `reached` on, with those of its neighbours that come after it, while there is room for all.

    How far that went, how much is written, and whether all distances are finite.
    """
    n = len(x)
    finite = True
    while reached < n and place + n - reached <= later.size:
        begin = place
        place, all_finite = append_neighbors(features, reached, x[reached], limit, squares, chosen, later, place)
        finite &= all_finite
        counts[reached] = place - begin
        reached += 1
    return reached, place, finite


@jitable
def _share(counts, later, nexts, indices):
    """Write each pair for both of its points, where `nexts` says.

    Points are met in order, so that what is written for an earlier one as a later one's neighbour comes before its own.
    """
    first = 0
    for i in range(counts.size):
        for p in range(first, first + counts[i]):
            indices[nexts[i]] = later[p]
            nexts[i] += 1
            if later[p] != i:
                indices[nexts[later[p]]] = i
                nexts[later[p]] += 1
        first += counts[i]


@dbscan_neighborhoods.variant(kind="vectorized", numerics="bitwise", when=_MATRIX)
def each_pair_once(x, eps, min_samples=5):
    """Half the table, in one thread: a pair counts for both of its points."""
    if eps < 0 or underflows_are_watched():
        return dbscan_neighborhoods.reference(x, eps, min_samples)
    with np.errstate(all="ignore"):
        limit = limit_of(eps, x.dtype)
    if not limit < np.inf:
        return dbscan_neighborhoods.reference(x, eps, min_samples)
    points, features = np.ascontiguousarray(x), np.ascontiguousarray(x.T)
    squares, chosen = np.empty(BLOCK, x.dtype), np.empty(BLOCK, np.intp)
    counts, later = np.zeros(len(x), np.intp), np.empty(4 * len(x), np.intp)
    reached = place = 0
    while True:
        reached, place, finite = _collect(points, features, limit, squares, chosen, counts, later, reached, place)
        if not finite:
            return dbscan_neighborhoods.reference(x, eps, min_samples)
        if reached == len(x):
            break
        later = twice_the_room(later)
    indptr = np.zeros(len(x) + 1, np.intp)
    degrees = counts - 1 + np.bincount(later[:place], minlength=len(x))
    np.cumsum(degrees, out=indptr[1:])
    indices = np.empty(indptr[-1], np.intp)
    _share(counts, later, indptr[:-1].copy(), indices)
    return degrees >= min_samples, indptr, indices
