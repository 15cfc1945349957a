"""Distances: labels and neighbours of whole numbers, of which every distance is exact and many are equal."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.spatial

from tests.kernels.books import variants_of


def whole_numbers(dtype):
    rng = np.random.default_rng(0)
    for n, k, d in ((1, 1, 1), (5, 9, 2), (300, 3, 2), (700, 7, 5)):
        yield rng.integers(-3, 4, (n, d)).astype(dtype), rng.integers(-3, 4, (k, d)).astype(dtype)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("nearest_centroid"))
def test_of_equally_near_centres_the_first_is_the_nearest(tuned, variant, dtype):
    for x, centers in whole_numbers(dtype):
        distances = scipy.spatial.distance.cdist(x, centers, "sqeuclidean")

        assert tuned.call(variant.name, x, centers).tolist() == distances.argmin(axis=1).tolist()


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("radius_neighbors"))
def test_neighbours_are_those_of_a_tree_with_the_ones_at_the_radius_itself(tuned, variant, dtype):
    for x, queries in whole_numbers(dtype):
        for radius in (0, 1.0, 2.0, 5.0, 100.0):
            expected = scipy.spatial.cKDTree(x).query_ball_point(queries, radius, return_sorted=True)

            indptr, indices = tuned.call(variant.name, x, queries, radius)

            assert [part.tolist() for part in np.split(indices, indptr[1:-1])] == expected.tolist()
            assert indptr[0] == 0
            assert indptr[-1] == indices.size
