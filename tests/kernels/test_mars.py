"""Multivariate adaptive regression splines: values that are known, and fits by least squares."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from tests.kernels.books import KERNELS, variants_of
from tests.kernels.calls import Call, outcome

BASIS, RSS = KERNELS["hinge_basis_matrix"], KERNELS["candidate_rss"]


def least_squares(functions, response):
    """The residual sum of squares of a fit; columns that add nothing to others are left out."""
    scaled = functions / np.maximum(np.linalg.norm(functions, axis=0), 1e-300)
    solution = np.linalg.lstsq(scaled, response, rcond=1e-10)[0]
    return np.sum((response - scaled @ solution) ** 2)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("candidate_rss"))
@pytest.mark.parametrize("far", [0, 100])
def test_each_knot_has_the_residuals_of_a_fit_with_it(tuned, variant, dtype, far):
    rng = np.random.default_rng(5)
    x, z = rng.standard_normal((2, 150))
    x[:40] = np.round(x[:40], 1)  # ties
    x, tolerance = (x + far).astype(dtype).astype(np.float64), {"float32": 1e-3, "float64": 1e-9}[dtype]
    response = np.sin(2 * x) * np.abs(z) + 0.1 * z
    present = np.column_stack([np.ones(150), np.maximum(z, 0), np.maximum(-z, 0), np.maximum(x - x[0], 0)])
    q = np.linalg.qr(present)[0]
    residual = response - q @ (q.T @ response)
    line = present[:, 1] * (x - far)
    hinges = [present[:, 1] * np.maximum(x - t, 0) for t in x]
    expected = [least_squares(np.column_stack([present, line, hinge]), response) for hinge in hinges]

    given = tuple(array.astype(dtype) for array in (q, residual, present[:, 1], x))
    for call in (Call(given), Call((*given, np.argsort(x)))):
        for search in (tuned.reference, partial(tuned.call, variant.name)):
            found = call.of(search)

            assert found.dtype == dtype
            np.testing.assert_allclose(found, expected, rtol=tolerance)


@pytest.mark.parametrize("variant", ["reference", *RSS.variants])
def test_a_variable_that_does_not_vary_adds_nothing(variant):
    n = 30
    q, residual = np.full((n, 1), 1 / np.sqrt(n)), np.random.default_rng(0).standard_normal(n)
    search = RSS.reference if variant == "reference" else partial(RSS.call, variant)

    for parent, x in ((np.ones(n), np.full(n, 0.1)), (np.zeros(n), residual), (np.arange(n) == 3.0, np.zeros(n))):
        found = search(q, residual, parent.astype(float), x)

        np.testing.assert_allclose(found, residual @ residual, rtol=1e-14)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("hinge_basis_matrix"))
def test_a_basis_matrix_holds_products_of_hinges(tuned, variant, dtype):
    x = np.array([[1, 5], [2, np.nan], [3, 7], [4, 8]], dtype)
    variables = np.array([[-1, -1], [0, -1], [1, 0], [-1, 1]])
    knots = np.array([[0, 0], [2, 0], [6, 4], [0, 6]], dtype)
    signs = np.array([[1, 1], [1, 1], [1, -1], [1, -1]])
    expected = [[1, 0, 0, 1], [1, 0, 0, 0], [1, 1, 1, 0], [1, 2, 0, 0]]

    for evaluate in (tuned.reference, partial(tuned.call, variant.name)):
        assert evaluate(x, variables, knots, signs, np.isnan(x)).tolist() == expected
        assert np.isnan(evaluate(x, variables, knots, signs)[1]).tolist() == [False, False, True, True]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("hinge_basis_matrix", "candidate_rss"))
def test_what_numpy_warns_of_is_warned_of(tuned, variant, dtype):
    large = np.finfo(dtype).max
    if tuned is BASIS:
        x = np.full((40, 2), large, dtype)
        call = Call((x, np.array([[0, 1]]), np.zeros((1, 2), dtype), np.ones((1, 2), int)))
    else:
        x = np.linspace(-1, 1, 40).astype(dtype) * large
        call = Call((np.eye(40, 2, dtype=dtype), x, x, x / 2))

    for how in ("warn", "raise", "ignore"):
        expected = outcome(tuned.reference, call, over=how, invalid="ignore")
        found = outcome(partial(tuned.call, variant.name), call, over=how, invalid="ignore")

        assert found._replace(result=None) == expected._replace(result=None)
        assert ("overflow" in str(expected)) == (how != "ignore")
