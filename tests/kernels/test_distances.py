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


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("nearest_centroid"))
def test_where_rounding_decides_it_is_that_of_the_reference(tuned, variant, dtype):
    """Points half-way between two centres, but for a few units in the last place: other sums choose otherwise."""
    rng = np.random.default_rng(0)
    otherwise = 0
    for k, d, far, scale in ((2, 3, 0, 1), (5, 8, 1e4, 1), (6, 16, 0, 1e-15), (3, 6, 0, 1e-160), (3, 2, -1e3, 1e12)):
        if scale < np.finfo(dtype).tiny:
            continue
        centers = (scale * (rng.standard_normal((k, d)) + far)).astype(dtype)
        one, other = rng.integers(k, size=(2, 600))
        middles = (centers[one] + centers[other]) / 2
        x = (middles * (1 + rng.integers(-3, 4, middles.shape) * np.finfo(dtype).eps)).astype(dtype)

        expected = tuned.reference(x, centers)

        np.testing.assert_array_equal(tuned.call(variant.name, x, centers), expected)
        otherwise += np.count_nonzero(((centers**2).sum(axis=1) / 2 - x @ centers.T).argmin(axis=1) != expected)
    assert otherwise > 100


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("radius_neighbors"))
def test_neighbours_are_those_of_a_tree_with_the_ones_at_the_radius_itself(tuned, variant, dtype):
    for x, queries in whole_numbers(dtype):
        for radius in (0, 1.0, 2.0, 5.0, 100.0):
            expected = scipy.spatial.cKDTree(x).query_ball_point(queries, radius, return_sorted=True)

            indptr, indices = tuned.call(variant.name, x, queries, radius)

            assert [part.tolist() for part in np.split(indices, indptr[1:-1])] == expected.tolist()
            assert indptr[0] == 0
            assert indptr[-1] == indices.size


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("radius_neighbors", "dbscan_neighborhoods"))
def test_there_is_room_for_neighbours_however_many_they_are(tuned, variant, dtype):
    """A dense half, where everybody is near to everybody, beside a loose one."""
    dense, loose = np.zeros((200, 2), dtype), np.arange(1000, 1200, dtype=dtype)[:, None] * np.ones(2, dtype)
    x = np.concatenate([dense, loose, dense])
    given = (x, 0.5) if tuned.__name__ == "dbscan_neighborhoods" else (x, x[::-1].copy(), 0.5)

    found, expected = tuned.call(variant.name, *given), tuned.reference(*given)

    assert expected[-1].size == 400 * 400 + 200
    for part, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(part, other)
