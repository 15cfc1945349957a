"""The neighbourhoods of DBSCAN, and which points are core points."""

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels.distances.exact import squares_to
from kernels.distances.radius_neighbors import BLOCK, append_near, count_near, limit_of, radius_neighbors, scattered
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
def _scan(x, features, limit, squares, chosen, nexts, indices):
    """Each pair once: count the neighbours of both, or write them where `nexts` says; whether all distances are finite.

    Points are met in order, so that what is written for an earlier one as a later one's neighbour comes before its own.
    """
    n = len(x)
    finite = True
    for i in range(n):
        for start in range(i, n, BLOCK):
            run = squares[: min(BLOCK, n - start)]
            squares_to(features, start, x[i], run)
            if indices.size:
                found = append_near(run, limit, start, chosen, indices, nexts[i]) - nexts[i]
                nexts[i] += found
                for p in range(found):
                    if chosen[p] != i:
                        indices[nexts[chosen[p]]] = i
                        nexts[chosen[p]] += 1
            else:
                near, run_finite = count_near(run, limit)
                nexts[i] += near
                finite &= run_finite
                for p in range(run.size):
                    nexts[start + p] += run[p] <= limit
                nexts[i] -= start == i
    return finite


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
    indptr = np.zeros(len(x) + 1, np.intp)
    if not _scan(points, features, limit, squares, chosen, indptr[1:], np.empty(0, np.intp)):
        return dbscan_neighborhoods.reference(x, eps, min_samples)
    core = indptr[1:] >= min_samples
    np.cumsum(indptr, out=indptr)
    indices = np.empty(indptr[-1], np.intp)
    if indices.size:
        _scan(points, features, limit, squares, chosen, indptr[:-1].copy(), indices)
    return core, indptr, indices
