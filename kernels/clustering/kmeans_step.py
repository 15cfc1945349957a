"""One step of Lloyd's algorithm.

Which centre is nearest must not depend on the variant: every variant finds the labels of the reference, ties included.
Sums over points are added in other orders, in float64.

The variants cover two C-contiguous matrices of one precision, float32 or float64. A step with a distance that is not
finite is left to NumPy, which warns; so is every step while somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.distances.exact import MATRICES, by_feature
from kernels.distances.nearest import nearest_of, nearest_scratch, shift
from kernels.floats import ANY_ORDER, underflows_are_watched
from kernels.parts import part_of
from kernels.sums import in_order

_MATRICES = f"{MATRICES.format(c='centers')} and x.flags.c_contiguous and centers.flags.c_contiguous"


def _clouds(rng, dtype, n, k, d):
    """Points scattered about k shifted, and k of the points as centres, as in the course of a real clustering."""
    shifted = rng.standard_normal((k, d)) * 2
    points = shifted[rng.integers(k, size=n)] + rng.standard_normal((n, d))
    return points.astype(dtype), points[rng.integers(n, size=k)].astype(dtype)


@tunable(
    size={"n": "x.shape[0]", "k": "centers.shape[0]", "d": "x.shape[1]"},
    inputs=_clouds,
    calibrate={"n": Range(100, 1_000_000), "k": Range(2, 64), "d": Range(2, 64), "dtype": Choice("float32", "float64")},
    tolerance=(1000.0, "sums of up to 10^6 terms, rounding errors as a random walk: Higham 2002, section 4.2"),
)
def kmeans_step(x, centers):
    """One step of Lloyd's algorithm: assign points to the nearest centres, and move these to the means of their points.

    Parameters
    ----------
    x : ndarray of floats, shape (n, d)
        Points.
    centers : ndarray of floats, shape (k, d)
        Centres, in the units of the points.

    Returns
    -------
    labels : ndarray of intp, shape (n,)
        Index of the nearest centre of each point; of equally near ones the first.
    new_centers : ndarray, shape (k, d)
        Mean of the points of each centre, in the common type of `x` and `centers`; a centre without points stays.
    inertia : float64
        Sum of the squared distances of the points to their (old) centres, in the units of the points squared.

    Raises
    ------
    ValueError
        If the numbers of features differ, or there is no centre or no feature.
    IndexError
        If `x` or `centers` has fewer than two dimensions.

    Notes
    -----
    Lloyd 1982, Least squares quantization in PCM, IEEE Trans. Inf. Theory 28(2). Distances are added feature by feature
    on purpose: compiled code can repeat that to the last bit.
    """
    k = len(centers)
    distances = by_feature(x, centers)
    labels = np.argmin(distances, axis=1)
    counts = np.bincount(labels, minlength=k)[:, None]
    sums = np.stack([np.bincount(labels, weights=column, minlength=k) for column in x.T], axis=1)
    new_centers = np.where(counts > 0, sums / np.maximum(counts, 1), centers).astype(distances.dtype)
    return labels, new_centers, distances[np.arange(len(x)), labels].sum(dtype=np.float64)


def _sum_of_squares(**options):
    @jitable(forceinline=True, **options)
    def square(point, center):
        total = point.dtype.type(0)
        for t in range(point.size):
            total += (point[t] - center[t]) * (point[t] - center[t])
        return total

    return square


_in_any_order, _in_order = _sum_of_squares(fastmath=ANY_ORDER), _sum_of_squares()


@jitable(forceinline=True)
def _square(point, center):
    """The squared distance; in float32 the reference's to the last bit: the inertia would show any other."""
    return _in_order(point, center) if point.itemsize == 4 else _in_any_order(point, center)


@jitable
def _assign(x, centers, shifted, first, last, lanes, lane_labels, labels, counts, sums):
    """Assign the points first:last and add them up by centre; their inertia, NaN if a distance is not finite."""
    counts[:] = 0
    sums[:] = 0
    inertia = 0.0
    finite = True
    for start in range(first, last, lane_labels.size):
        size = min(lane_labels.size, last - start)
        chosen = lane_labels[:size]
        finite &= nearest_of(x, centers, shifted, start, lanes, chosen)
        block_inertia = 0.0
        for p in range(size):
            label = chosen[p]
            labels[start + p] = label
            counts[label] += 1
            total, point = sums[label], x[start + p]
            block_inertia += _square(point, centers[label])
            for t in range(point.size):
                total[t] += point[t]
        inertia += block_inertia
    return inertia if finite else np.nan


@jitable
def _move(centers, counts, sums, new_centers):
    """The means, from counts and sums for each part of the points, added in order."""
    for j in range(centers.shape[0]):
        count = 0
        for p in range(len(counts)):
            count += counts[p, j]
        for t in range(centers.shape[1]):
            total = 0.0
            for p in range(len(counts)):
                total += sums[p, j, t]
            new_centers[j, t] = total / count if count else centers[j, t]


@jitable
def _step(x, centers, shifted, lanes, lane_labels, labels, counts, sums, new_centers):
    shift(centers, shifted)
    inertia = _assign(x, centers, shifted, 0, len(x), lanes[0], lane_labels[0], labels, counts[0], sums[0])
    _move(centers, counts, sums, new_centers)
    return inertia


@jitable(parallel=True)
def _step_threads(x, centers, shifted, lanes, lane_labels, labels, counts, sums, new_centers, inertias):
    shift(centers, shifted)
    for q in prange(len(inertias)):
        first, last = part_of(len(x), len(inertias), q)
        inertias[q] = _assign(x, centers, shifted, first, last, lanes[q], lane_labels[q], labels, counts[q], sums[q])
    _move(centers, counts, sums, new_centers)
    return in_order(inertias)


def _compute(core, x, centers, block, parts, *scratch):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    (n, d), k = x.shape, len(centers)
    if centers.shape[1] != d or not (n and d and k) or underflows_are_watched():
        return kmeans_step.reference(x, centers)
    shifted, lanes, lane_labels = nearest_scratch(x, centers, parts, block)
    counts, sums = np.empty((parts, k), np.intp), np.empty((parts, k, d))
    labels, new_centers = np.empty(n, np.intp), np.empty((k, d), x.dtype)
    inertia = core(x, centers, shifted, lanes, lane_labels, labels, counts, sums, new_centers, *scratch)
    if not inertia < np.inf:
        return kmeans_step.reference(x, centers)
    return labels, new_centers, np.float64(inertia)


@kmeans_step.variant(kind="blocked", when=_MATRICES, params={"block": Choice(32, 64, 128, 256)})
def point_blocks(x, centers, *, block):
    """`block` points at a time, transposed: labels, sums and inertia while they are in L1, and no n·k distances."""
    return _compute(_step, x, centers, block, 1)


@kmeans_step.variant(
    kind="parallel",
    when=_MATRICES,
    params={"block": Choice(64, 256), "parts": Choice(4, 32)},
    threads=True,
)
def parts_on_threads(x, centers, *, block, parts):
    """The points in `parts` on all cores, their sums added in order: the same bits for any number of threads."""
    return _compute(_step_threads, x, centers, block, parts, np.empty(parts))
