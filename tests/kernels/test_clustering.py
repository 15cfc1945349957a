"""Clustering: steps of which the result is known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import scipy.spatial

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
