"""Distances."""

from __future__ import annotations

import numpy as np
from numba import prange

from kernels.distances.radius_neighbors import scattered
from tests.benchmarks.cells.bench import POINTS, Bench, each, of


def _distances(root):
    """The loop of squared distances, or of their roots."""

    def loop(x, y):
        out = np.empty((x.shape[0], y.shape[0]), x.dtype)
        for i in prange(x.shape[0]):
            for j in range(y.shape[0]):
                total = 0.0
                for t in range(x.shape[1]):
                    total += (x[i, t] - y[j, t]) ** 2
                out[i, j] = np.sqrt(total) if root else total
        return out

    return loop


def _nearest_centroid(x, centers):
    labels = np.empty(x.shape[0], np.intp)
    for i in prange(x.shape[0]):
        least = np.inf
        for j in range(centers.shape[0]):
            total = 0.0
            for t in range(x.shape[1]):
                total += (x[i, t] - centers[j, t]) ** 2
            if total < least:
                labels[i], least = j, total
    return labels


def _scikit_learn():
    from sklearn.metrics.pairwise import euclidean_distances

    return lambda x, y: euclidean_distances(x, y, squared=True)


def _scipy():
    from scipy.spatial.distance import cdist

    return lambda x, y: cdist(x, y, "sqeuclidean")


def _brute_force():
    from sklearn.neighbors import NearestNeighbors

    def search(x, queries, radius):
        graph = NearestNeighbors(algorithm="brute").fit(x).radius_neighbors_graph(queries, radius)
        return graph.indptr, graph.indices

    return search


def _tree():
    from scipy.spatial import cKDTree

    return lambda x, queries, radius: cKDTree(x).query_ball_point(queries, radius, return_sorted=True, workers=-1)


def pairs(x, y):
    """Points × centres × dimensions."""
    return x.shape[0] * y.shape[0] * x.shape[1]


#: Points, queries and dimensions, with the radius within which about one pair in a hundred lies.
NEIGHBORS = each(
    lambda dtype, n, k, d: scattered(np.random.default_rng(1), dtype, n, k, d),
    (100, 10, 2), (1000, 100, 3), (1000, 1000, 16), (10_000, 100, 3), (10_000, 1000, 8),
    text="n={} k={} d={}",
)  # fmt: skip


def _searched(x, queries, radius):
    return pairs(x, queries)


BENCHES = {
    "squared_distances": Bench(
        POINTS,
        original=("SciPy", _scipy),
        rivals={"scikit-learn": _scikit_learn},
        plain=_distances(root=False),
        work=pairs,
        work_name="n·k·d",
    ),
    "euclidean": Bench(
        POINTS,
        original=("SciPy", of("scipy.spatial.distance", "cdist")),
        rivals={"scikit-learn": of("sklearn.metrics.pairwise", "euclidean_distances")},
        plain=_distances(root=True),
        work=pairs,
        work_name="n·k·d",
    ),
    "nearest_centroid": Bench(
        POINTS,
        original=("scikit-learn", of("sklearn.metrics", "pairwise_distances_argmin")),
        plain=_nearest_centroid,
        work=pairs,
        work_name="n·k·d",
    ),
    "radius_neighbors": Bench(
        NEIGHBORS,
        original=("scikit-learn", _brute_force),
        rivals={"SciPy's tree": _tree},
        unlike=dict.fromkeys(("scikit-learn", "SciPy's tree"), "gives an array or a list of neighbours for each point"),
        work=_searched,
        work_name="n·k·d",
    ),
}
