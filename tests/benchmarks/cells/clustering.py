"""Clustering."""

from __future__ import annotations

import numpy as np
from numba import prange

from kernels.distances.radius_neighbors import scattered
from tests.benchmarks.cells.bench import POINTS, Bench, each, normal
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


def _scikit_learn_mixture():
    """The E-step of `GaussianMixture`, its parameters set and not fitted."""
    from sklearn.mixture import GaussianMixture

    def responsibilities(x, weights, means, covariances):
        mixture = GaussianMixture(len(weights), covariance_type="diag")
        mixture.weights_, mixture.means_, mixture.covariances_ = weights, means, covariances
        mixture.precisions_cholesky_ = 1 / np.sqrt(covariances)
        densities, logs = mixture._estimate_log_prob_resp(x)
        return densities, np.exp(logs)

    return responsibilities


def _gmm_responsibilities(x, weights, means, covariances):
    n, d = x.shape
    k = means.shape[0]
    densities, shares = np.empty(n, x.dtype), np.empty((n, k), x.dtype)
    for i in prange(n):
        top = -np.inf
        for j in range(k):
            exponent = np.log(weights[j])
            for t in range(d):
                square = (x[i, t] - means[j, t]) ** 2 / covariances[j, t]
                exponent -= 0.5 * (square + np.log(2 * np.pi * covariances[j, t]))
            shares[i, j] = exponent
            top = max(top, exponent)
        total = 0.0
        for j in range(k):
            shares[i, j] = np.exp(shares[i, j] - top)
            total += shares[i, j]
        for j in range(k):
            shares[i, j] /= total
        densities[i] = top + np.log(total)
    return densities, shares


def _mixture(dtype, n, k, d):
    """Points about the means, which lie two deviations apart in each feature."""
    x, means = normal(dtype, n, d), 2 * normal(dtype, k, d)
    return x + means[np.arange(n) % k], np.full(k, 1 / k, dtype), means, np.ones((k, d), dtype)


def _scikit_learn_neighborhoods():
    """How `DBSCAN` begins, with the index that scikit-learn chooses."""
    from sklearn.neighbors import NearestNeighbors

    def neighborhoods(x, eps):
        indices = NearestNeighbors(radius=eps).fit(x).radius_neighbors(x, return_distance=False)
        return np.array([len(part) >= 5 for part in indices]), indices

    return neighborhoods


def _crowd(dtype, n, d):
    x, _, radius = scattered(np.random.default_rng(1), dtype, n, 1, d)
    return x, radius


def _mean_shift_step(x, means, bandwidth):
    moved = np.zeros(means.shape)
    for q in prange(means.shape[0]):
        total = 0.0
        for i in range(x.shape[0]):
            square = 0.0
            for t in range(x.shape[1]):
                square += (x[i, t] - means[q, t]) ** 2
            weight = np.exp(-square / (2 * bandwidth * bandwidth))
            total += weight
            for t in range(x.shape[1]):
                moved[q, t] += weight * x[i, t]
        moved[q] /= total
    return moved


def _linkage_update(first, second, sizes, between, merged):
    out = np.empty_like(first)
    one, other = merged
    for i in prange(first.size):
        squares = (sizes[i] + one) * first[i] ** 2 + (sizes[i] + other) * second[i] ** 2
        out[i] = np.sqrt((squares - sizes[i] * between**2) / (sizes[i] + one + other))
    return out


def _clusters(dtype, n):
    sizes = (1 + np.arange(n) % 7).astype(dtype)
    return np.abs(normal(dtype, n)) + 1, np.abs(normal(dtype, n)) + 2, sizes, 0.5, (3, 4)


def _all_pairs(x, *_):
    return len(x) ** 2 * x.shape[1]


def _features(x, weights, means, covariances):
    return x.size * len(means)


def _weighted(x, means, bandwidth):
    return pairs(x, means)


BENCHES = {
    "kmeans_step": Bench(
        POINTS,
        rivals={"scikit-learn": _scikit_learn},
        plain=_kmeans_step,
        work=pairs,
        work_name="n·k·d",
    ),
    "gmm_responsibilities": Bench(
        each(
            _mixture,
            (100, 2, 2), (1000, 8, 4), (10_000, 4, 2), (10_000, 16, 16), (100_000, 8, 4),
            text="n={} k={} d={}",
        ),
        original=("scikit-learn", _scikit_learn_mixture),
        plain=_gmm_responsibilities,
        work=_features,
        work_name="n·k·d",
    ),
    "dbscan_neighborhoods": Bench(
        each(_crowd, (100, 2), (1000, 3), (3000, 2), (3000, 16), text="n={} d={}"),
        original=("scikit-learn", _scikit_learn_neighborhoods),
        unlike={"scikit-learn": "gives a list of neighbours for each point"},
        work=_all_pairs,
        work_name="n²·d",
    ),
    "mean_shift_step": Bench(
        each(
            lambda dtype, n, k, d: (normal(dtype, n, d), normal(dtype, k, d), float(np.sqrt(d) / 2)),
            (100, 10, 2), (1000, 100, 2), (10_000, 10, 16), (10_000, 300, 4),
            text="n={} k={} d={}",
        ),
        plain=_mean_shift_step,
        work=_weighted,
        work_name="n·k·d",
    ),
    "linkage_update": Bench(
        each(_clusters, (10,), (100,), (1000,), (10_000,), (100_000,), (1_000_000,), text="n={}"),
        plain=_linkage_update,
        work=lambda first, *_: first.size,
    ),
}  # fmt: skip
