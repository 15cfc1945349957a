"""Clustering."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import POINTS, Bench
from tests.benchmarks.cells.distances import pairs


def _kmeans_step(x, centers):
    n, d = x.shape
    k = centers.shape[0]
    labels = np.empty(n, np.intp)
    nearest = np.empty(n)
    for i in prange(n):
        best, least = 0, np.inf
        for j in range(k):
            total = 0.0
            for t in range(d):
                total += (x[i, t] - centers[j, t]) ** 2
            if total < least:
                best, least = j, total
        labels[i], nearest[i] = best, least
    sums, counts = np.zeros((k, d)), np.zeros(k)
    for i in range(n):
        counts[labels[i]] += 1
        for t in range(d):
            sums[labels[i], t] += x[i, t]
    moved = centers.copy()
    for j in range(k):
        for t in range(d):
            if counts[j]:
                moved[j, t] = sums[j, t] / counts[j]
    return labels, moved, nearest.sum()


def _scikit_learn():
    """One step of Lloyd's algorithm with scikit-learn's functions, as a user would write it."""
    from sklearn.metrics import pairwise_distances_argmin_min

    def step(x, centers):
        labels, nearest = pairwise_distances_argmin_min(x, centers, metric="sqeuclidean")
        counts = np.bincount(labels, minlength=len(centers))[:, None]
        sums = np.stack([np.bincount(labels, weights=column, minlength=len(centers)) for column in x.T], axis=1)
        return labels, np.where(counts > 0, sums / np.maximum(counts, 1), centers), nearest.sum()

    return step


BENCHES = {
    "kmeans_step": Bench(
        POINTS,
        rivals={"scikit-learn": _scikit_learn},
        plain=_kmeans_step,
        work=pairs,
        work_name="n·k·d",
    ),
}
