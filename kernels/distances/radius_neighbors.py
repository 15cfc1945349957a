"""The neighbours of each point within a radius, as `sklearn.neighbors.radius_neighbors_graph` finds them."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.distances.exact import MATRICES, by_feature, squares_to
from kernels.floats import underflows_are_watched
from kernels.parts import part_of

_MATRICES = MATRICES.format(c="queries")

# Points met at a time: their squared distances and indices stay in L1 (6 to 8 KB).
BLOCK = 512
# Squared distances looked at together, in vector lanes, before one by one: among as many there often is no neighbour.
_GROUP = 32


def scattered(rng, dtype, n, k, d):
    """Normal points, and the radius within which about one pair in a hundred lies: half the squared distance of a pair
    has the chi-squared distribution with d degrees of freedom; its percentile by Wilson & Hilferty 1931, PNAS 17(12).
    """
    width = 2 / (9 * d)
    percentile = d * max(1 - width - 2.326 * np.sqrt(width), 0.2 / d) ** 3
    points, queries = rng.standard_normal((n, d)), rng.standard_normal((k, d))
    return points.astype(dtype), queries.astype(dtype), float(np.sqrt(2 * percentile))


def limit_of(radius, kind):
    """What squared distances are compared with."""
    return kind.type(radius) * kind.type(radius)


@tunable(
    size={"n": "x.shape[0]", "k": "queries.shape[0]", "d": "x.shape[1]"},
    inputs=scattered,
    calibrate={"n": Range(16, 20_000), "k": Range(1, 1000), "d": Range(2, 32), "dtype": Choice("float32", "float64")},
)
def radius_neighbors(x, queries, radius):
    """Indices of the points within a radius of each query, as `sklearn.neighbors.radius_neighbors_graph`.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    queries : ndarray, shape (k, d)
        Where to look, in the units of the points.
    radius : float
        In these units; a point at this distance is a neighbour.

    Returns
    -------
    indptr : ndarray of intp, shape (k + 1,)
        The neighbours of query i are ``indices[indptr[i] : indptr[i + 1]]``, as in `scipy.sparse.csr_array`.
    indices : ndarray of intp
        Of the points, ascending for each query.

    Raises
    ------
    ValueError
        If the numbers of features differ, or the radius is negative.
    IndexError
        If `x` or `queries` has fewer than two dimensions.

    Notes
    -----
    Squared distances, added feature by feature so that compiled code can repeat them to the last bit, are compared with
    the radius squared in the type of the points.
    """
    if radius < 0:
        raise ValueError(f"expected a radius of at least 0, found {radius}")
    near = by_feature(queries, x) <= limit_of(radius, np.result_type(x, queries, np.float32))
    indptr = np.zeros(len(queries) + 1, np.intp)
    np.cumsum(np.count_nonzero(near, axis=1), out=indptr[1:])
    return indptr, np.nonzero(near)[1]


@jitable(forceinline=True)
def count_near(squares, limit):
    """How many are within the limit; whether all are finite."""
    near = np.int32(0)
    finite = True
    for p in range(squares.size):
        near += np.int32(squares[p] <= limit)
        finite &= squares[p] < np.inf
    return near, finite


@jitable(forceinline=True)
def append_near(squares, limit, start, chosen, indices, place):
    """Write the indices of those within the limit from `place` on; where the next goes."""
    found = 0
    for first in range(0, squares.size, _GROUP):
        last = min(first + _GROUP, squares.size)
        if count_near(squares[first:last], limit)[0]:
            for p in range(first, last):
                chosen[found] = start + p
                found += squares[p] <= limit
    for p in range(found):
        indices[place + p] = chosen[p]
    return place + found


@jitable
def _scan(features, queries, limit, first, last, squares, chosen, indptr, indices):
    """Count the neighbours of the queries first:last, one place further in `indptr`; or write them, if there is room.

    Whether all distances are finite. Distances are computed twice, which needs no memory between the two.
    """
    n = features.shape[1]
    finite = True
    for q in range(first, last):
        place = indptr[q] if indices.size else 0
        for start in range(0, n, BLOCK):
            run = squares[: min(BLOCK, n - start)]
            squares_to(features, start, queries[q], run)
            if indices.size:
                place = append_near(run, limit, start, chosen, indices, place)
            else:
                near, run_finite = count_near(run, limit)
                place += near
                finite &= run_finite
        if not indices.size:
            indptr[q + 1] = place
    return finite


@jitable
def _whole(features, queries, limit, squares, chosen, indptr, indices):
    return _scan(features, queries, limit, 0, len(queries), squares[0], chosen[0], indptr, indices)


@jitable(parallel=True)
def _parts(features, queries, limit, squares, chosen, indptr, indices):
    failed = 0
    for part in prange(len(squares)):
        first, last = part_of(len(queries), len(squares), part)
        failed += not _scan(features, queries, limit, first, last, squares[part], chosen[part], indptr, indices)
    return failed == 0


def _compute(core, x, queries, radius, parts):
    """Count, allocate, write; and give the call to the reference where it raises or warns."""
    if queries.shape[1] != x.shape[1] or radius < 0 or underflows_are_watched():
        return radius_neighbors.reference(x, queries, radius)
    with np.errstate(all="ignore"):
        limit = limit_of(radius, x.dtype)
    if not limit < np.inf:
        return radius_neighbors.reference(x, queries, radius)
    features, queries_in_rows = np.ascontiguousarray(x.T), np.ascontiguousarray(queries)
    squares, chosen = np.empty((parts, BLOCK), x.dtype), np.empty((parts, BLOCK), np.intp)
    indptr, nothing = np.zeros(len(queries) + 1, np.intp), np.empty(0, np.intp)
    if not core(features, queries_in_rows, limit, squares, chosen, indptr, nothing):
        return radius_neighbors.reference(x, queries, radius)
    np.cumsum(indptr, out=indptr)
    indices = np.empty(indptr[-1], np.intp)
    if indices.size:
        core(features, queries_in_rows, limit, squares, chosen, indptr, indices)
    return indptr, indices


@radius_neighbors.variant(kind="vectorized", numerics="bitwise", when=_MATRICES)
def count_and_write(x, queries, radius):
    """Two passes of distances in L1, to count and to write: twice the arithmetic, and no k·n distances in memory."""
    return _compute(_whole, x, queries, radius, 1)


@radius_neighbors.variant(
    kind="parallel", numerics="bitwise", when=_MATRICES, params={"parts": Choice(4, 32)}, threads=True
)
def parts_on_threads(x, queries, radius, *, parts):
    """The queries in `parts` on all cores: many parts even out that some queries have more neighbours than others."""
    return _compute(_parts, x, queries, radius, parts)
