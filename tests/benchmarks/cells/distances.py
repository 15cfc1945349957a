"""Distances."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import POINTS, Bench


def _squared_distances(x, y):
    out = np.empty((x.shape[0], y.shape[0]), x.dtype)
    for i in prange(x.shape[0]):
        for j in range(y.shape[0]):
            total = 0.0
            for t in range(x.shape[1]):
                total += (x[i, t] - y[j, t]) ** 2
            out[i, j] = total
    return out


def _scikit_learn():
    from sklearn.metrics.pairwise import euclidean_distances

    return lambda x, y: euclidean_distances(x, y, squared=True)


def _scipy():
    from scipy.spatial.distance import cdist

    return lambda x, y: cdist(x, y, "sqeuclidean")


def pairs(x, y):
    """Points × centres × dimensions."""
    return x.shape[0] * y.shape[0] * x.shape[1]


BENCHES = {
    "squared_distances": Bench(
        POINTS,
        original=("SciPy", _scipy),
        rivals={"scikit-learn": _scikit_learn},
        plain=_squared_distances,
        work=pairs,
        work_name="n·k·d",
    ),
}
