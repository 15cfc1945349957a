"""The affinities of t-SNE: the perplexity of each point searched by bisection, and joint probabilities made of them.

NumPy passes over n·n elements several times for each of some twenty steps. The variants search the perplexity of one
point while its row is in cache. Every variant computes squared distances as the reference does, to the last bit, and
entropies in float64, so that it takes the same steps of the bisection: an entropy would have to lie within its rounding
error (about 1e-14) of the tolerance (1e-5) for a step more or less.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels import vecmath
from kernels.distances.exact import by_feature, squares_to
from kernels.floats import ANY_ORDER, underflows_are_watched
from kernels.parts import part_of

_MATRIX = "x.ndim == 2 and x.dtype.char in 'fd'"

# Entropies are met within this (van der Maaten's implementation and scikit-learn's), in so many steps at most
# (scikit-learn's).
_TOLERANCE = 1e-5
_STEPS = 100

# Below, the product of a squared distance with the steepest slope, 2^100, is finite.
_LARGEST = 2.0**900

# Side of the tiles in which a matrix is added to its transpose: two of float64 stay in L1.
_TILE = 32


@tunable(
    size={"n": "x.shape[0]", "d": "x.shape[1]"},
    inputs=lambda rng, dtype, n, d: ((rng.standard_normal((n, d)) * rng.choice([1, 3], n)[:, None]).astype(dtype),),
    calibrate={"n": Range(10, 1000), "d": Range(2, 64), "dtype": Choice("float32", "float64")},
    tolerance=(1000.0, "exponentials of up to a few hundred, rounded before: their error is the argument's times that"),
)
def tsne_affinities(x, perplexity=30.0):
    """Joint probabilities of pairs of points, as those of `sklearn.manifold.TSNE` with ``method="exact"``.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    perplexity : float
        The effective number of neighbours of each point.

    Returns
    -------
    ndarray, shape (n, n)
        Symmetric, of sum 1, zeros on the diagonal; of the type of `x`.

    Raises
    ------
    ValueError
        If there are fewer than two points, or the perplexity is not positive.
    IndexError
        If `x` has fewer than two dimensions.

    Notes
    -----
    van der Maaten & Hinton 2008, Visualizing data using t-SNE, JMLR 9, section 2: the entropy of the probabilities of a
    row, normal in the distances, is the logarithm of the perplexity within 1e-5, or the search ends after 100 steps.
    Distances are counted from that of the nearest point, which changes no probability and keeps their sum above 1.
    """
    n = len(x)
    if n < 2 or not perplexity > 0:
        raise ValueError(f"expected two points or more and a positive perplexity, found {n} and {perplexity}")
    others = ~np.eye(n, dtype=bool)
    squares = by_feature(x, x)[others].reshape(n, n - 1).astype(np.float64)
    squares -= squares.min(axis=1, keepdims=True)
    beta, low, high = np.ones(n), np.zeros(n), np.full(n, np.inf)
    probabilities = np.empty((n, n - 1))
    rows = np.arange(n)
    for _ in range(_STEPS):
        weights = squares[rows] * -beta[rows, None]
        np.exp(weights, out=weights)
        totals = weights.sum(axis=1)
        moments = np.einsum("ij,ij->i", squares[rows], weights)
        excess = np.log(totals) + beta[rows] * moments / totals - np.log(perplexity)
        weights /= totals[:, None]
        probabilities[rows] = weights
        rows, excess = rows[np.abs(excess) > _TOLERANCE], excess[np.abs(excess) > _TOLERANCE]
        if not rows.size:
            break
        wide = excess > 0
        low[rows[wide]], high[rows[~wide]] = beta[rows[wide]], beta[rows[~wide]]
        beta[rows] = np.where(np.isinf(high[rows]), 2 * beta[rows], (low[rows] + high[rows]) / 2)
    joint = np.zeros((n, n), np.result_type(x, np.float32))
    joint[others] = probabilities.ravel()
    return (joint + joint.T) / (2 * n)


@jitable(forceinline=True)
def _exponentials(squares, beta, weights):
    for j in range(squares.size):
        weights[j] = vecmath.exp_f64(squares[j] * -beta)


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _sums(squares, weights):
    total, moment = 0.0, 0.0
    for j in range(squares.size):
        total += weights[j]
        moment += squares[j] * weights[j]
    return total, moment


@jitable
def _search(squares, entropy, weights):
    """Weights of the steepness at which their entropy is `entropy`; their sum."""
    beta, low, high = 1.0, 0.0, np.inf
    total = 0.0
    for _ in range(_STEPS):
        _exponentials(squares, beta, weights)
        total, moment = _sums(squares, weights)
        excess = np.log(total) + beta * moment / total - entropy
        if abs(excess) <= _TOLERANCE:
            break
        if excess > 0:
            low = beta
        else:
            high = beta
        beta = 2 * beta if high == np.inf else (low + high) / 2
    return total


@jitable
def _rows(x, features, entropy, first, last, scratch, out):
    """Fill the rows first:last of out with probabilities, not joint ones; whether all distances are small enough."""
    n = len(x)
    sound = True
    for i in range(first, last):
        row = out[i]
        squares_to(features, 0, x[i], row)
        squares, weights = scratch[0], scratch[1]
        for edge, end, shift in ((0, i, 0), (i + 1, n, -1)):
            for j in range(edge, end):
                squares[j + shift] = row[j]
        finite = True
        for j in range(n - 1):
            finite &= squares[j] < _LARGEST
        sound &= finite
        if not finite:
            continue
        smallest = squares[0]
        for j in range(n - 1):
            smallest = min(smallest, squares[j])
        for j in range(n - 1):
            squares[j] -= smallest
        total = _search(squares, entropy, weights)
        for edge, end, shift in ((0, i, 0), (i + 1, n, -1)):
            for j in range(edge, end):
                row[j] = weights[j + shift] / total
        row[i] = 0
    return sound


@jitable
def _join_rows(out, first, last):
    """Make the tiles of the rows first:last from the diagonal on, and those across it, of joint probabilities."""
    n = len(out)
    scale = out.dtype.type(2 * n)
    for column in range(first, n, _TILE):
        for i in range(first, last):
            for j in range(max(column, i), min(column + _TILE, n)):
                joint = (out[i, j] + out[j, i]) / scale
                out[i, j] = joint
                out[j, i] = joint


@jitable
def _whole(x, features, entropy, scratch, out):
    sound = _rows(x, features, entropy, 0, len(x), scratch[0], out)
    for first in range(0, len(x), _TILE):
        _join_rows(out, first, min(first + _TILE, len(x)))
    return sound


@jitable(parallel=True)
def _parts(x, features, entropy, scratch, out):
    n, parts = len(x), len(scratch)
    failed = 0
    for part in prange(parts):
        first, last = part_of(n, parts, part)
        failed += not _rows(x, features, entropy, first, last, scratch[part], out)
    for tile in prange((n + _TILE - 1) // _TILE):
        _join_rows(out, tile * _TILE, min((tile + 1) * _TILE, n))
    return failed == 0


def _compute(core, x, perplexity, parts):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    n = len(x)
    if n < 2 or not 0 < perplexity < np.inf or underflows_are_watched():
        return tsne_affinities.reference(x, perplexity)
    points, features = np.ascontiguousarray(x), np.ascontiguousarray(x.T)
    out, scratch = np.empty((n, n), x.dtype), np.empty((parts, 2, n - 1))
    if not core(points, features, np.log(perplexity), scratch, out):
        return tsne_affinities.reference(x, perplexity)
    return out


@tsne_affinities.variant(kind="vectorized", when=_MATRIX)
def row_by_row(x, perplexity=30.0):
    """The whole search of a row while it is in cache: exponentials in vector lanes, no n·n elements but the result."""
    return _compute(_whole, x, perplexity, 1)


@tsne_affinities.variant(kind="parallel", when=_MATRIX, params={"parts": Choice(4, 32)}, threads=True)
def parts_on_threads(x, perplexity=30.0, *, parts):
    """`row_by_row` in `parts` on all cores: rows differ in the steps of their search, which many parts even out."""
    return _compute(_parts, x, perplexity, parts)
