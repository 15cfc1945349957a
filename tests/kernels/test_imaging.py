"""Filters of images: every border, SciPy or not, and what they make of images of which the result is known."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from autotune.tuner import grid
from kernels import convolve2d, gaussian_blur, rgb_to_gray, sobel
from kernels.imaging.borders import MODES
from tests.kernels.books import KERNELS, variants_of
from tests.kernels.calls import Call, taken
from tests.kernels.manners import normal

SHAPES = ((1, 1), (1, 6), (6, 1), (2, 3), (9, 13))
SIDES = ((1, 1), (1, 2), (2, 2), (3, 2), (5, 3))


@pytest.fixture
def without_scipy(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)


def images(dtype):
    """Small ones, also of whole numbers, of which many are equal and sums are zero."""
    for shape in SHAPES:
        yield normal(dtype, *shape)
        yield np.round(normal(dtype, *shape))


def settings(variant):
    return [dict(setting) for setting in variant.space]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("sobel"))
def test_sobel_goes_on_beyond_every_border_as_scipys_does(tuned, variant, dtype):
    for image, mode, axis in itertools.product(images(dtype), MODES, (-2, -1, 0, 1)):
        for _ in taken(tuned, variant, [Call((image, axis), {"mode": mode})]):
            for setting in settings(variant):
                found = variant.function(image, axis, mode=mode, cval=0.5, **setting)
                assert found.tobytes() == scipy.ndimage.sobel(image, axis, mode=mode, cval=0.5).tobytes()


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("gaussian_blur"))
def test_a_blur_goes_on_beyond_every_border_as_scipys_does(tuned, variant, dtype):
    for image, mode, sigma in itertools.product(images(dtype), MODES, (0.4, 1.3, 4.0)):
        expected = scipy.ndimage.gaussian_filter(image, sigma, mode=mode, cval=0.5)
        for setting in settings(variant):
            found = variant.function(image, sigma, mode=mode, cval=0.5, **setting)
            np.testing.assert_allclose(found, expected, rtol=0, atol=16 * np.finfo(dtype).eps * np.abs(image).max())


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("convolve2d"))
def test_a_convolution_goes_on_beyond_every_boundary_as_scipys_does(tuned, variant, dtype):
    ways = list(itertools.product(("full", "same", "valid"), ("fill", "wrap", "symm"), (0, 0.5)))
    for image, shape in itertools.product(images(dtype), SIDES):
        kernel = normal(dtype, *shape)
        for way in ways if all(k <= n for k, n in zip(shape, image.shape, strict=True)) else ():
            expected = scipy.signal.convolve2d(image, kernel, *way)
            for setting in settings(variant):
                found = variant.function(image, kernel, *way, **setting)
                np.testing.assert_allclose(found, expected, rtol=0, atol=64 * np.finfo(dtype).eps, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_scipy_numpy_gives_the_same(dtype, without_scipy):
    limit = 64 * np.finfo(dtype).eps
    for image, mode in itertools.product(images(dtype), MODES):
        for axis in (0, -1):
            expected = scipy.ndimage.sobel(image, axis, mode=mode, cval=0.5)
            assert sobel.reference(image, axis, mode=mode, cval=0.5).tobytes() == expected.tobytes()
        expected = scipy.ndimage.gaussian_filter(image, 1.3, mode=mode, cval=0.5)
        found = gaussian_blur.reference(image, 1.3, mode=mode, cval=0.5)
        np.testing.assert_allclose(found, expected, rtol=limit, atol=limit, strict=True)
        assert found.flags.c_contiguous
    image, kernel = normal(dtype, 7, 6), normal(dtype, 3, 2)
    for way in itertools.product(("full", "same", "valid"), ("fill", "wrap", "symm"), (0, 0.5)):
        expected = scipy.signal.convolve2d(image, kernel, *way)
        np.testing.assert_allclose(
            convolve2d.reference(image, kernel, *way), expected, rtol=limit, atol=limit, strict=True
        )


@pytest.mark.parametrize("name", ["sobel", "gaussian_blur", "convolve2d"])
def test_without_scipy_the_reference_answers_what_a_calibration_asks(name, without_scipy):
    kernel = KERNELS[name].__autotune__.kernel
    for problem in grid.problems(kernel):
        smallest = {size: given.lo for size, given in problem.ranges.items()}
        largest_beside_it = [{**smallest, size: given.hi} for size, given in problem.ranges.items()]
        for point in (smallest, *largest_beside_it):
            assert kernel.call_reference(problem.arguments(point)).flags.c_contiguous


@pytest.mark.parametrize("boundary", ["wrap", "symm"])
def test_an_empty_image_that_is_to_go_on_is_an_error_where_scipy_ends_the_process(boundary):
    for shapes in (((0, 3), (2, 2)), ((3, 0), (1, 2))):
        with pytest.raises(ValueError, match="needs elements to go on with; found an empty array"):
            convolve2d(*map(np.ones, shapes), boundary=boundary)


def test_without_scipy_what_numpy_does_not_answer_says_what_is_missing(without_scipy):
    image = normal("float64", 5, 4)
    calls = (
        lambda: sobel(image, output="float32"),
        lambda: sobel(image, mode=["wrap", "nearest"]),
        lambda: gaussian_blur(image, (1.0, 2.0)),
        lambda: gaussian_blur(image, 1.0, 1),
        lambda: convolve2d(image, image * 1j),
        lambda: convolve2d(image, image, "other"),
    )
    for call in calls:
        with pytest.raises(ImportError, match="needs SciPy, which is not installed: pip install scipy"):
            call()


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("gaussian_blur"))
def test_a_blur_keeps_the_mean_and_spreads_a_point_by_its_sigma(tuned, variant, dtype):
    image = np.zeros((101, 91), dtype)
    image[50, 45] = 1

    found = variant.function(image, 3.0, truncate=8.0, **settings(variant)[0]).astype(np.float64)

    rows = np.arange(101) - 50
    assert abs(found.sum() - 1) < 1e-5
    assert abs((found.sum(axis=1) * rows**2).sum() - 9) < 1e-4
    assert abs((found.sum(axis=0) * (np.arange(91) - 45) ** 2).sum() - 9) < 1e-4


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("rgb_to_gray"))
def test_colours_weigh_as_the_recommendation_says(tuned, variant, dtype):
    image = np.eye(3, dtype=dtype)[None]

    found = variant.function(image, **settings(variant)[0])

    np.testing.assert_array_equal(found, np.array([[0.299, 0.587, 0.114]], dtype))
    assert rgb_to_gray(np.full((2, 2, 3), 255, np.uint8)).tolist() == [[255.0] * 2] * 2
