"""Squared distances to the last bit, for results that must not depend on the variant: labels, neighbours.

Squares of differences are added feature by feature, each operation rounded by itself (no fused multiply-add, no other
order), in NumPy as in compiled code. The compiled loops have points in the vector lanes: `features` are points
transposed, d by n. Knows nothing of what the distances are for.
"""

import numpy as np

from autotune import jitable

MATRICES = "x.ndim == 2 and {c}.ndim == 2 and x.dtype.char in 'fd' and {c}.dtype == x.dtype"


def by_feature(x, c):
    """Squared distances from each point to each centre, shape (n, k), in their common type."""
    if x.shape[1] != c.shape[1]:
        raise ValueError(f"expected points of equally many features, found {x.shape[1]} and {c.shape[1]}")
    squares = np.zeros((len(x), len(c)), np.result_type(x, c))
    for feature in range(x.shape[1]):
        squares += (x[:, feature, None] - c[:, feature]) ** 2
    return squares


@jitable(forceinline=True)
def squares_to(features, start, center, out):
    """Squared distances to one centre of the points from `start` on, four features at a time."""
    run = slice(start, start + out.size)
    for p in range(out.size):
        out[p] = 0
    t = 0
    while t + 4 <= center.size:
        a, b, c, d = center[t], center[t + 1], center[t + 2], center[t + 3]
        row_a, row_b, row_c, row_d = features[t, run], features[t + 1, run], features[t + 2, run], features[t + 3, run]
        for p in range(out.size):
            out[p] = out[p] + (row_a[p] - a) ** 2 + (row_b[p] - b) ** 2 + (row_c[p] - c) ** 2 + (row_d[p] - d) ** 2
        t += 4
    while t < center.size:
        value, row = center[t], features[t, run]
        for p in range(out.size):
            out[p] = out[p] + (row[p] - value) ** 2
        t += 1


@jitable(forceinline=True)
def _keep_nearest(squares, label, nearest, labels):
    """Take over a centre where it is nearer than those before; whether all distances are finite."""
    finite = True
    for p in range(squares.size):
        nearer = squares[p] < nearest[p]
        nearest[p] = squares[p] if nearer else nearest[p]
        labels[p] = label if nearer else labels[p]
        finite &= squares[p] < np.inf
    return finite


def nearest_scratch(x, parts, block):
    """Scratch space of `nearest_of` for a block of points in each of `parts`: d features and two distances; a label as
    wide as these, so that lanes correspond.
    """
    return np.empty((parts, x.shape[1] + 2, block), x.dtype), np.empty((parts, block), f"i{x.itemsize}")


@jitable
def nearest_of(x, centers, start, lanes, labels):
    """Labels of the points from `start` on, of equally near centres the first; whether all distances are finite.

    The squared distances to these centres are left in the last row of `lanes`.
    """
    d = x.shape[1]
    for p in range(labels.size):
        point = x[start + p]
        for t in range(d):
            lanes[t, p] = point[t]
    squares, nearest = lanes[d, : labels.size], lanes[d + 1, : labels.size]
    nearest[:] = np.inf
    labels[:] = 0
    finite = True
    for j in range(len(centers)):
        squares_to(lanes, 0, centers[j], squares)
        finite &= _keep_nearest(squares, j, nearest, labels)
    return finite
