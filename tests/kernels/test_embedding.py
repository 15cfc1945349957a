"""t-SNE: perplexities that are met, a gradient that is the slope of the divergence, digits that are kept."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.books import variants_of
from tests.kernels.manners import normal


def divergence(p, y):
    """Kullback–Leibler divergence of the embedding's affinities from p, in long double."""
    y = y.astype(np.longdouble)
    kernel = 1 / (1 + ((y[:, None] - y) ** 2).sum(axis=2))
    np.fill_diagonal(kernel, 0)
    q = kernel / kernel.sum()
    pairs = p > 0
    return (p[pairs] * np.log(p[pairs] / q[pairs])).sum()


def affinities(dtype, n):
    p = np.abs(normal(dtype, n, n))
    np.fill_diagonal(p, 0)
    return (p + p.T) / (2 * p.sum())


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("tsne_affinities"))
def test_the_neighbours_of_each_point_have_the_perplexity_asked_for(tuned, variant, dtype):
    n = 24
    angle = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(dtype)  # all rows alike: joint ones are theirs by n

    for perplexity in (2.0, 5.0, 20.0):
        joint = tuned.call(variant.name, ring, perplexity)

        rows = n * joint[joint > 0].astype(np.float64)
        assert -(rows * np.log(rows)).sum() / n == pytest.approx(np.log(perplexity), abs=5e-5)
        np.testing.assert_array_equal(joint, joint.T)
        np.testing.assert_array_equal(np.diag(joint), 0)
        assert joint.sum() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("tsne_gradient"))
def test_the_gradient_is_the_slope_of_the_divergence(tuned, variant, dtype):
    for m in (1, 2, 3):
        p, y = affinities(dtype, 40), normal(dtype, 40, m)
        step = np.longdouble("1e-6")

        gradient = tuned.call(variant.name, p, y)

        for i, t in ((0, 0), (17, m - 1), (39, 0)):
            change = np.zeros(y.shape, np.longdouble)
            change[i, t] = step
            slope = (divergence(p, y + change) - divergence(p, y - change)) / (2 * step)
            assert gradient[i, t] == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("tsne_gradient"))
def test_a_gradient_far_from_the_origin_keeps_the_digits_that_the_points_have(tuned, variant, dtype):
    """NumPy's is the difference of two sums that grow with the distance from the origin; variants take differences."""
    p, y = affinities(dtype, 300), np.round(8 * normal(dtype, 300, 2)) / 8

    near, far = (tuned.call(variant.name, p, y + np.asarray(shift, dtype)) for shift in (0, 4096))

    np.testing.assert_array_equal(near, far)
