"""The neighbours of each point within a radius, as `sklearn.neighbors.radius_neighbors_graph` finds them."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.distances.exact import MATRICES, by_feature, squares_to
from kernels.floats import underflows_are_watched

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
def _count_near(squares, limit):
    """How many are within the limit; whether all are finite."""
    near = np.int32(0)
    finite = True
    for p in range(squares.size):
        near += np.int32(squares[p] <= limit)
        finite &= squares[p] < np.inf
    return near, finite


@jitable(forceinline=True)
def _append_near(squares, limit, start, chosen, indices, place):
    """Write the indices of those within the limit from `place` on; where the next goes, and whether all are finite."""
    found = 0
    finite = True
    for first in range(0, squares.size, _GROUP):
        last = min(first + _GROUP, squares.size)
        near, group_finite = _count_near(squares[first:last], limit)
        finite &= group_finite
        if near:
            for p in range(first, last):
                chosen[found] = start + p
                found += squares[p] <= limit
    for p in range(found):
        indices[place + p] = chosen[p]
    return place + found, finite


@jitable(forceinline=True)
def append_neighbors(features, first, center, limit, squares, chosen, indices, place):
    """The same of all points from `first` on, block by block."""
    n = features.shape[1]
    finite = True
    for start in range(first, n, BLOCK):
        run = squares[: min(BLOCK, n - start)]
        squares_to(features, start, center, run)
        place, run_finite = _append_near(run, limit, start, chosen, indices, place)
        finite &= run_finite
    return place, finite


@jitable
def _advance(features, queries, limit, last, squares, chosen, counts, found, reached, place):
    """The neighbours of the queries from `reached` to `last`, one after the other, while there is room for all points.

    How far that went, how much is written, and whether all distances are finite.
    """
    finite = True
    while reached < last and place + features.shape[1] <= found.size:
        begin = place
        place, all_finite = append_neighbors(features, 0, queries[reached], limit, squares, chosen, found, place)
        finite &= all_finite
        counts[reached] = place - begin
        reached += 1
    return reached, place, finite


@jitable
def _whole(features, queries, limit, squares, chosen, counts, found, state):
    """As `_parts`, of one part."""
    reached, last, place = state[0]
    state[0, 0], state[0, 2], finite = _advance(
        features, queries, limit, last, squares[0], chosen[0], counts, found[0], reached, place
    )
    return not finite, state[0, 0] < last


@jitable(parallel=True)
def _parts(features, queries, limit, squares, chosen, counts, found, state):
    """Go on with every part; whether a distance is not finite, and whether there was not room enough.

    For each part `state` holds the query that it has reached, the one where it ends, and how much is written.
    """
    failed = short = 0
    for part in prange(len(squares)):
        reached, last, place = state[part]
        state[part, 0], state[part, 2], finite = _advance(
            features, queries, limit, last, squares[part], chosen[part], counts, found[part], reached, place
        )
        failed += not finite
        short += state[part, 0] < last
    return failed > 0, short > 0


def twice_the_room(found):
    """A longer array with the same beginning, along the last axis."""
    longer = np.empty((*found.shape[:-1], 2 * found.shape[-1]), found.dtype)
    longer[..., : found.shape[-1]] = found
    return longer


def _compute(core, x, queries, radius, parts):
    """Find the neighbours, and give the call to the reference where it raises or warns."""
    if queries.shape[1] != x.shape[1] or radius < 0 or underflows_are_watched():
        return radius_neighbors.reference(x, queries, radius)
    with np.errstate(all="ignore"):
        limit = limit_of(radius, x.dtype)
    if not limit < np.inf:
        return radius_neighbors.reference(x, queries, radius)
    features, queries_in_rows = np.ascontiguousarray(x.T), np.ascontiguousarray(queries)
    squares, chosen = np.empty((parts, BLOCK), x.dtype), np.empty((parts, BLOCK), np.intp)
    count = len(queries)
    step = -(-count // parts)
    state = np.array([(min(part * step, count), min((part + 1) * step, count), 0) for part in range(parts)], np.intp)
    indptr, found = np.zeros(count + 1, np.intp), np.empty((parts, 2 * len(x) + count), np.intp)
    short = True
    while short:
        failed, short = core(features, queries_in_rows, limit, squares, chosen, indptr[1:], found, state)
        if failed:
            return radius_neighbors.reference(x, queries, radius)
        if short:
            found = twice_the_room(found)
    np.cumsum(indptr, out=indptr)
    return indptr, np.concatenate([row[:place] for row, place in zip(found, state[:, 2].tolist(), strict=True)])


@radius_neighbors.variant(kind="vectorized", numerics="bitwise", when=_MATRICES)
def in_blocks(x, queries, radius):
    """Distances of a block of points in L1, whose near ones are noted at once: no k·n distances in memory."""
    return _compute(_whole, x, queries, radius, 1)


@radius_neighbors.variant(
    kind="parallel", numerics="bitwise", when=_MATRICES, params={"parts": Choice(4, 32)}, threads=True
)
def parts_on_threads(x, queries, radius, *, parts):
    """The queries in `parts` on all cores: many parts even out that some queries have more neighbours than others."""
    return _compute(_parts, x, queries, radius, parts)
