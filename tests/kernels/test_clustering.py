"""Clustering: steps of which the result is known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import scipy.cluster.hierarchy
import scipy.spatial
import scipy.stats

from tests.kernels.books import variants_of


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("kmeans_step"))
def test_a_step_of_kmeans_moves_each_centre_to_the_mean_of_the_points_nearest_to_it(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    for n, k, d in ((1, 1, 1), (5, 9, 2), (40, 3, 2), (200, 7, 5)):
        x, centers = rng.integers(-3, 4, (n, d)).astype(dtype), rng.integers(-3, 4, (k, d)).astype(dtype)
        distances = scipy.spatial.distance.cdist(x, centers, "sqeuclidean")  # exact for whole numbers

        for step in (tuned, partial(tuned.call, variant.name)):
            labels, new_centers, inertia = step(x, centers)

            assert labels.tolist() == distances.argmin(axis=1).tolist()
            assert inertia == distances.min(axis=1).sum()
            for j in range(k):
                points = x[labels == j]
                mean = points.mean(axis=0, dtype=np.float64).astype(dtype) if len(points) else centers[j]
                np.testing.assert_array_equal(new_centers[j], mean)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("gmm_responsibilities"))
def test_the_densities_of_a_mixture_are_those_of_scipy(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    weights = np.array([0.2, 0.5, 0.3], dtype)
    for n, d in ((1, 1), (70, 3), (300, 5)):
        x, means = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal((3, d)).astype(dtype)
        factors = np.tril(rng.uniform(0.5, 1, (3, d, d)))
        whole = "full" in variant.name
        matrices = factors @ factors.transpose(0, 2, 1) if whole else np.eye(d) * rng.uniform(0.5, 2, (3, 1, d))
        matrices = matrices.astype(dtype)
        normals = [scipy.stats.multivariate_normal(*pair) for pair in zip(means, matrices, strict=True)]
        parts = weights * np.stack([normal.pdf(x).reshape(n) for normal in normals], axis=1)

        covariances = matrices if whole else np.diagonal(matrices, axis1=1, axis2=2).copy()
        logs, shares = tuned.call(variant.name, x, weights, means, covariances)

        limit = 1e3 * np.finfo(dtype).eps
        np.testing.assert_allclose(logs, np.log(parts.sum(axis=1)), rtol=limit, atol=limit)
        np.testing.assert_allclose(shares, parts / parts.sum(axis=1)[:, None], rtol=1e3 * limit, atol=limit)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("dbscan_neighborhoods"))
def test_core_points_are_those_with_enough_neighbours_and_all_neighbours_are_told(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    for n, d in ((1, 1), (40, 1), (1100, 2)):
        x = rng.integers(-9, 10, (n, d)).astype(dtype)  # distances are exact, and many are the radius itself
        for eps, least in ((0.0, 1), (1.0, 3), (2.0, 12), (40.0, n + 1)):
            expected = scipy.spatial.cKDTree(x).query_ball_point(x, eps, return_sorted=True).tolist()

            core, indptr, indices = tuned.call(variant.name, x, eps, least)

            assert [part.tolist() for part in np.split(indices, indptr[1:-1])] == expected
            assert core.tolist() == [len(part) >= least for part in expected]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("mean_shift_step"))
def test_means_climb_to_the_places_about_which_points_are_dense(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    places = np.array([[0, 0], [10, 0], [0, 10]])
    x = (places[np.arange(1200) % 3] + 0.5 * rng.standard_normal((1200, 2))).astype(dtype)
    means = x[:30].copy()

    for _ in range(50):
        means = tuned.call(variant.name, x, means, 1.0)

    np.testing.assert_allclose(means, places[np.arange(30) % 3], atol=0.15)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("linkage_update"))
def test_merges_are_those_of_scipy(tuned, variant, dtype):
    x = np.random.default_rng(0).standard_normal((40, 3))
    for method in ("single", "complete", "average", "ward"):
        merged_at = agglomerate(
            partial(tuned.call, variant.name) if method in ("average", "ward") else tuned, x, method, dtype
        )

        expected = scipy.cluster.hierarchy.linkage(x, method)[:, 2]
        np.testing.assert_allclose(merged_at, expected, rtol=100 * np.finfo(dtype).eps)


def agglomerate(update, x, method, dtype):
    """Merge the nearest two clusters until there is one: the distances at which that happens."""
    distances = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(x)).astype(dtype)
    sizes = np.ones(len(x), dtype)
    heights = []
    while len(sizes) > 1:
        np.fill_diagonal(distances, np.inf)
        i, j = np.unravel_index(distances.argmin(), distances.shape)
        heights.append(distances[i, j])
        rest = np.delete(np.arange(len(sizes)), [i, j])
        merged = int(sizes[i]), int(sizes[j])
        row = update(distances[i, rest], distances[j, rest], sizes[rest], float(distances[i, j]), merged, method)
        distances = np.block([[distances[np.ix_(rest, rest)], row[:, None]], [row[None], np.zeros((1, 1), dtype)]])
        sizes = np.append(sizes[rest], np.asarray(sum(merged), dtype))
    return heights
