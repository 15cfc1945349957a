"""t-SNE."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import Bench, each, normal


def _scikit_learn_affinities():
    """The affinities of scikit-learn's exact method, condensed, from squared distances as it computes them."""
    from sklearn.manifold._t_sne import _joint_probabilities
    from sklearn.metrics import pairwise_distances

    return lambda x: _joint_probabilities(pairwise_distances(x, squared=True), 30.0, 0)


def _scikit_learn_gradient():
    """The gradient of its exact method, which keeps condensed affinities."""
    from scipy.spatial.distance import squareform
    from sklearn.manifold._t_sne import _kl_divergence

    condensed = {}

    def gradient(p, y):
        if id(p) not in condensed:
            condensed.clear()
            condensed[id(p)] = squareform(p, checks=False)
        return _kl_divergence(y.ravel(), condensed[id(p)], 1, len(y), y.shape[1], compute_error=False)[1]

    return gradient


def _gradient(p, y):
    n, m = y.shape
    totals, pulls, pushes = np.empty(n), np.empty((n, m)), np.empty((n, m))
    for i in prange(n):
        totals[i], pulls[i], pushes[i] = 0, 0, 0
        for j in range(n):
            if i != j:
                square = 0.0
                for t in range(m):
                    square += (y[i, t] - y[j, t]) ** 2
                q = 1 / (1 + square)
                totals[i] += q
                for t in range(m):
                    pulls[i, t] += p[i, j] * q * (y[i, t] - y[j, t])
                    pushes[i, t] += q * q * (y[i, t] - y[j, t])
    return 4 * (pulls - pushes / totals.sum())


def _affinities(dtype, n):
    p = np.abs(normal(dtype, n, n))
    p += p.T
    np.fill_diagonal(p, 0)
    return p / p.sum()


BENCHES = {
    "tsne_affinities": Bench(
        each(
            lambda dtype, n, d: (normal(dtype, n, d),),
            (100, 4), (300, 64), (1000, 64), (2000, 16),
            text="n={} d={}",
        ),
        rivals={"scikit-learn": _scikit_learn_affinities},
        unlike={"scikit-learn": "gives the upper triangle"},
        work=lambda x: len(x) ** 2,
        work_name="n²",
    ),
    "tsne_gradient": Bench(
        each(
            lambda dtype, n, m: (_affinities(dtype, n), 10 * normal(dtype, n, m)),
            (10, 2), (100, 2), (300, 2), (1000, 2), (1000, 3), (3000, 2),
            text="n={} m={}",
        ),
        rivals={"scikit-learn": _scikit_learn_gradient},
        plain=_gradient,
        work=lambda p, y: p.size,
        work_name="n²",
    ),
}  # fmt: skip
