"""The nearest centre of each point, drop-in for `sklearn.metrics.pairwise_distances_argmin`, ties included."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.distances.exact import MATRICES, by_feature
from kernels.distances.nearest import nearest_of, nearest_scratch, shift
from kernels.floats import underflows_are_watched
from kernels.parts import part_of

_MATRICES = MATRICES.format(c="centers")


@tunable(
    size={"n": "x.shape[0]", "k": "centers.shape[0]", "d": "x.shape[1]"},
    inputs=lambda rng, dtype, n, k, d: (
        rng.standard_normal((n, d)).astype(dtype),
        rng.standard_normal((k, d)).astype(dtype),
    ),
    calibrate={"n": Range(100, 200_000), "k": Range(2, 64), "d": Range(2, 64), "dtype": Choice("float32", "float64")},
)
def nearest_centroid(x, centers):
    """Index of the nearest centre of each point, as `sklearn.metrics.pairwise_distances_argmin`.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    centers : ndarray, shape (k, d)
        Centres, in the units of the points.

    Returns
    -------
    ndarray of intp, shape (n,)
        Of equally near centres the first. (scikit-learn rounds distances otherwise: near ties may differ.)

    Raises
    ------
    ValueError
        If the numbers of features differ, or there is no centre.
    IndexError
        If `x` or `centers` has fewer than two dimensions.

    Notes
    -----
    Distances are added feature by feature on purpose: compiled code can repeat that to the last bit.
    """
    return np.argmin(by_feature(x, centers), axis=1)


@jitable
def _label(x, centers, shifted, first, last, lanes, block_labels, labels):
    """Labels of the points first:last, a block at a time; whether all distances are finite."""
    finite = True
    for start in range(first, last, block_labels.size):
        size = min(block_labels.size, last - start)
        finite &= nearest_of(x, centers, shifted, start, lanes, block_labels[:size])
        labels[start : start + size] = block_labels[:size]
    return finite


@jitable
def _blocks(x, centers, shifted, lanes, block_labels, labels):
    shift(centers, shifted)
    return _label(x, centers, shifted, 0, len(x), lanes[0], block_labels[0], labels)


@jitable(parallel=True)
def _parts(x, centers, shifted, lanes, block_labels, labels):
    shift(centers, shifted)
    failed = 0
    for q in prange(len(lanes)):
        first, last = part_of(len(x), len(lanes), q)
        failed += not _label(x, centers, shifted, first, last, lanes[q], block_labels[q], labels)
    return failed == 0


def _compute(core, x, centers, block, parts):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    if centers.shape[1] != x.shape[1] or not (x.size and len(centers)) or underflows_are_watched():
        return nearest_centroid.reference(x, centers)
    labels = np.empty(len(x), np.intp)
    points, rows = np.ascontiguousarray(x), np.ascontiguousarray(centers)
    if not core(points, rows, *nearest_scratch(x, centers, parts, block), labels):
        return nearest_centroid.reference(x, centers)
    return labels


@nearest_centroid.variant(kind="blocked", numerics="bitwise", when=_MATRICES, params={"block": Choice(32, 64, 256)})
def point_blocks(x, centers, *, block):
    """`block` points at a time, transposed: distances only while they are in L1; strided arrays are copied first."""
    return _compute(_blocks, x, centers, block, 1)


@nearest_centroid.variant(
    kind="parallel",
    numerics="bitwise",
    when=_MATRICES,
    params={"block": Choice(64, 256), "parts": Choice(4, 32)},
    threads=True,
)
def parts_on_threads(x, centers, *, block, parts):
    """The points in `parts` on all cores, in blocks: pays off once the work outweighs waking the threads."""
    return _compute(_parts, x, centers, block, parts)
