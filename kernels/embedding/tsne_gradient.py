"""The exact gradient of t-SNE.

NumPy needs some eight temporary arrays of n·n elements. The variants sum each point's attraction, repulsion and share
of the normalisation in one pass over the pairs, and divide by the normalisation at the end. They cover C-contiguous
matrices of one precision, float32 or float64. Numbers so large that NumPy may report an overflow, NaN and infinity are
left to NumPy; so is every call while somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.distances.exact import by_feature, squares_to
from kernels.floats import ANY_ORDER, LARGEST, underflows_are_watched
from kernels.parts import part_of

_MATRICES = (
    "p.ndim == 2 and y.ndim == 2 and y.dtype.char in 'fd' and p.dtype == y.dtype and "
    "p.flags.c_contiguous and y.flags.c_contiguous"
)

# Pairs summed in vector lanes, in the precision of the arrays, before float64 takes over; their scratch stays in L1.
_RUN = 512

# While coordinates and sums of |p| stay below, neither squared distances nor products with them overflow.
_LIMIT = {size: largest**0.4 for size, largest in LARGEST.items()}


def _embedded(rng, dtype, n):
    """Points in the plane about ten places, and affinities of which those within a place are the largest; exaggerated,
    as in the first iterations (van der Maaten & Hinton 2008, section 3.4): of two points the gradient is 0 otherwise.
    """
    places = rng.integers(10, size=n)
    affinities = rng.random((n, n)) * np.where(places[:, None] == places, 1, 0.01)
    np.fill_diagonal(affinities, 0)
    affinities += affinities.T
    embedding = 10 * rng.standard_normal((10, 2))[places] + 3 * rng.standard_normal((n, 2))
    return (4 * affinities / affinities.sum()).astype(dtype), embedding.astype(dtype)


@tunable(
    size={"n": "y.shape[0]"},
    inputs=_embedded,
    calibrate={"n": Range(10, 2000), "dtype": Choice("float32", "float64")},
    tolerance=(1000.0, "attraction less repulsion, sums of n terms: Higham 2002, sections 1.7 and 4.2", "norm"),
)
def tsne_gradient(p, y):
    """Gradient of the Kullback–Leibler divergence of t-SNE with respect to the embedding.

    Parameters
    ----------
    p : ndarray, shape (n, n)
        Joint probabilities, as of `tsne_affinities`; numbers on the diagonal do not count.
    y : ndarray, shape (n, m)
        Embedded points, m = 2 as a rule.

    Returns
    -------
    ndarray, shape (n, m)
        The gradient, as that of `sklearn.manifold.TSNE` with ``method="exact"`` and one degree of freedom.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    IndexError
        If `y` has fewer than two dimensions.

    Notes
    -----
    van der Maaten & Hinton 2008, Visualizing data using t-SNE, JMLR 9, eq. 5.
    """
    kernel = by_feature(y, y)
    kernel += 1
    np.divide(1, kernel, out=kernel)
    np.fill_diagonal(kernel, 0)
    pull = (p - kernel / kernel.sum()) * kernel
    return 4 * (pull.sum(axis=1)[:, None] * y - pull @ y)


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _plane(p, first, second, a, b):
    """Sums over a run of points in the plane against the point (a, b): of q = 1 / (1 + squared distance); of p·q and of
    q² times the differences of either coordinate; of |p|.
    """
    zero = p.dtype.type(0)
    total, pull_a, pull_b, push_a, push_b, size = zero, zero, zero, zero, zero, zero
    one = p.dtype.type(1)
    for j in range(p.size):
        left, right = a - first[j], b - second[j]
        q = one / (one + left * left + right * right)
        total += q
        size += abs(p[j])
        pull, push = p[j] * q, q * q
        pull_a += pull * left
        pull_b += pull * right
        push_a += push * left
        push_b += push * right
    return total, pull_a, pull_b, push_a, push_b, size


@jitable(forceinline=True)
def _kernel(squares):
    """In place of squared distances 1 / (1 + them)."""
    one = squares.dtype.type(1)
    for j in range(squares.size):
        squares[j] = one / (one + squares[j])


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _sums(p, q):
    total, size = p.dtype.type(0), p.dtype.type(0)
    for j in range(p.size):
        total += q[j]
        size += abs(p[j])
    return total, size


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _moments(p, q, row, value):
    pull, push = p.dtype.type(0), p.dtype.type(0)
    for j in range(p.size):
        difference = value - row[j]
        pull += p[j] * q[j] * difference
        push += q[j] * q[j] * difference
    return pull, push


@jitable
def _add_run(p, features, point, start, scratch, pulls, pushes):
    """Add the pairs of one point with those from `start` on; sums of q and of |p|."""
    run = slice(start, start + p.size)
    if point.size == 2:
        first, second = features[0, run], features[1, run]
        total, pull_a, pull_b, push_a, push_b, size = _plane(p, first, second, point[0], point[1])
        pulls[0] += pull_a
        pulls[1] += pull_b
        pushes[0] += push_a
        pushes[1] += push_b
        return total, size
    q = scratch[: p.size]
    squares_to(features, start, point, q)
    _kernel(q)
    for t in range(point.size):
        pull, push = _moments(p, q, features[t, run], point[t])
        pulls[t] += pull
        pushes[t] += push
    return _sums(p, q)


@jitable
def _rows(p, y, features, first, last, limit, scratch, pulls, pushes, totals):
    """Sums for the points first:last, without the pair of a point with itself; whether nothing is above the limit."""
    n = len(y)
    sound = True
    for i in range(first, last):
        pulls[i] = 0
        pushes[i] = 0
        total = 0.0
        size = np.float64(abs(p[i, i]))  # only so that NaN and infinity are met
        for edge, end in ((0, i), (i + 1, n)):
            for start in range(edge, end, _RUN):
                stop = min(start + _RUN, end)
                more, more_size = _add_run(p[i, start:stop], features, y[i], start, scratch, pulls[i], pushes[i])
                total += more
                size += more_size
        totals[i] = total
        sound &= size <= limit
        for t in range(y.shape[1]):
            sound &= abs(y[i, t]) <= limit
    return sound


@jitable
def _combine(pulls, pushes, totals, out):
    total = totals.sum()
    for i in range(out.shape[0]):
        for t in range(out.shape[1]):
            out[i, t] = 4 * (pulls[i, t] - pushes[i, t] / total)


@jitable
def _whole(p, y, features, limit, scratch, pulls, pushes, totals, out):
    sound = _rows(p, y, features, 0, len(y), limit, scratch[0], pulls, pushes, totals)
    _combine(pulls, pushes, totals, out)
    return sound


@jitable(parallel=True)
def _parts(p, y, features, limit, scratch, pulls, pushes, totals, out):
    failed = 0
    for part in prange(len(scratch)):
        first, last = part_of(len(y), len(scratch), part)
        failed += not _rows(p, y, features, first, last, limit, scratch[part], pulls, pushes, totals)
    _combine(pulls, pushes, totals, out)
    return failed == 0


def _compute(core, p, y, parts):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    n, m = y.shape
    if n < 2 or p.shape != (n, n) or underflows_are_watched():
        return tsne_gradient.reference(p, y)
    pulls, pushes, totals = np.empty((n, m)), np.empty((n, m)), np.empty(n)
    out, scratch = np.empty((n, m), y.dtype), np.empty((parts, _RUN), y.dtype)
    if not core(p, y, np.ascontiguousarray(y.T), _LIMIT[y.itemsize], scratch, pulls, pushes, totals, out):
        return tsne_gradient.reference(p, y)
    return out


@tsne_gradient.variant(kind="vectorized", when=_MATRICES)
def one_pass(p, y):
    """Each pair once, in vector lanes, with nothing stored: `p` is read, and no other n·n elements."""
    return _compute(_whole, p, y, 1)


@tsne_gradient.variant(kind="parallel", when=_MATRICES, params={"parts": Choice(4, 16)}, threads=True)
def parts_on_threads(p, y, *, parts):
    """`one_pass` with the points in `parts` on all cores; each point is summed by one thread: always the same bits."""
    return _compute(_parts, p, y, parts)
