"""Linear algebra: products so small that each is written out."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels import einsum, matmul
from tests.kernels.books import variants_of
from tests.kernels.calls import Call, outcome, taken
from tests.kernels.manners import normal
from tests.kernels.test_semantics import assert_as_reference
from tests.records import decide, leaf


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("matmul"))
def test_small_products_have_the_signs_and_special_values_of_numpys(tuned, variant, dtype):
    for m, k, n in itertools.product(range(6), repeat=3):
        for left, right in ((0.5, -0.0), (-0.1, np.finfo(dtype).smallest_subnormal), (0.5, np.inf), (0.5, np.nan)):
            one = Call((np.full((m, k), left, dtype), np.full((k, n), right, dtype)))
            some = Call((np.full((3, m, k), left, dtype), np.full((3, k, n), right, dtype)))
            (call,) = taken(tuned, variant, [one, some])
            assert_as_reference(partial(tuned.call, variant.name), tuned, variant, call, all="warn", under="ignore")


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("cov", "corrcoef"))
def test_covariances_keep_their_digits_for_any_number_of_variables(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    for variables, observations in ((2, 2), (3, 1023), (4, 1024), (5, 1025), (9, 3000)):
        m = (rng.standard_normal((variables, observations)) + 100).astype(dtype)
        deviations = m.astype(np.longdouble) - m.astype(np.longdouble).mean(axis=1, keepdims=True)
        true = deviations @ deviations.T / (observations - 1)
        spread = np.sqrt(np.diag(true))
        scale = np.multiply.outer(spread, spread)

        found = tuned.call(variant.name, m)

        assert found.dtype == np.float64
        assert np.abs(found - (true if tuned.__name__ == "cov" else true / scale)).max() <= 1e-13 * scale.max()
        np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("args", [(), ("",), ("ik,kj->ij",), (0, 0), (None,) * 63], ids=len)
def test_einsum_of_too_little_raises_what_numpys_raises(args):
    with pytest.raises(Exception) as theirs:  # noqa: PT011 - whatever NumPy raises
        np.einsum(*args, optimize=True)
    with pytest.raises(Exception) as ours:  # noqa: PT011
        einsum(*args, optimize=True)

    assert ours.type is theirs.type


@pytest.fixture
def decided(monkeypatch):
    """Matrices and stacks are served by compiled variants."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    matmul.cache_clear()
    for array, variant in ((normal("float64", 2, 2), "unrolled"), (normal("float64", 2, 2, 2), "one_by_one")):
        decide(matmul, (array, array), leaf(variant))
    yield
    matmul.cache_clear()


#: Few lengths, so that axes fit together often.
AXES = st.lists(st.sampled_from([0, 1, 2, 2, 2, 3]), max_size=4)


@settings(max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(AXES, AXES, st.booleans())
def test_a_product_of_any_axes_is_numpys(decided, one, other, fit):
    """Numbers, vectors, matrices, stacks, stacks of stacks; stacks that are repeated, and lengths that do not fit."""
    if fit and one and other:
        other[-2 if len(other) > 1 else -1] = one[-1]
    x1, x2 = normal("float64", *one), normal("float64", *other)

    found, expected = (outcome(f, Call((x1, x2))) for f in (matmul, np.matmul))

    assert found[1:] == expected[1:]
    assert type(found.result) is type(expected.result)
    if expected.result is not None:
        assert np.shape(found.result) == np.shape(expected.result)
        np.testing.assert_allclose(found.result, expected.result, rtol=1e-14, atol=1e-14)
