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
