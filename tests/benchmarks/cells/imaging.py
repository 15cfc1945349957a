"""Filters of images."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import Bench, each, normal, of, read_and_written_once, read_once


def _gray(image):
    out = np.empty(image.shape[:2], image.dtype)
    for i in prange(image.shape[0]):
        for j in range(image.shape[1]):
            out[i, j] = 0.299 * image[i, j, 0] + 0.587 * image[i, j, 1] + 0.114 * image[i, j, 2]
    return out


def _convolve(in1, in2, mode):
    """The middle, with nothing beyond the edges."""
    rows, columns = in1.shape
    height, width = in2.shape
    out = np.empty_like(in1)
    for i in prange(rows):
        for j in range(columns):
            total = 0.0
            for a in range(height):
                for b in range(width):
                    row, column = i + height // 2 - a, j + width // 2 - b
                    if 0 <= row < rows and 0 <= column < columns:
                        total += in1[row, column] * in2[a, b]
            out[i, j] = total
    return out


def _sobel(input):
    """Along the rows, mirrored at the edges."""
    rows, columns = input.shape
    out = np.empty_like(input)
    for i in prange(rows):
        for j in range(columns):
            left, right = max(j - 1, 0), min(j + 1, columns - 1)
            total = 2 * (input[i, right] - input[i, left])
            for row in (max(i - 1, 0), min(i + 1, rows - 1)):
                total += input[row, right] - input[row, left]
            out[i, j] = total
    return out


def _of_a_sum(image, *_):
    """Bytes of an image read, and of one colour of three written."""
    return read_once(image) * 4 // 3


SIZES = ((16, 16), (64, 64), (256, 256), (1000, 1000), (2000, 2000), (8, 10_000))
BENCHES = {
    "rgb_to_gray": Bench(
        each(lambda dtype, rows, columns: (normal(dtype, rows, columns, 3),), *SIZES, text="{}x{}"),
        plain=_gray,
        traffic=_of_a_sum,
    ),
    "gaussian_blur": Bench(
        each(
            lambda dtype, rows, columns, sigma: (normal(dtype, rows, columns), float(sigma)),
            *[(*size, sigma) for size in SIZES for sigma in (1, 4)],
            text="{}x{} sigma={}",
        ),
        original=("SciPy", of("scipy.ndimage", "gaussian_filter")),
    ),
    "convolve2d": Bench(
        each(
            lambda dtype, rows, columns, side: (normal(dtype, rows, columns), normal(dtype, side, side), "same"),
            *[(*size, side) for size in ((16, 16), (64, 64), (256, 256), (1000, 1000)) for side in (3, 9)],
            text="{}x{} by {}",
        ),
        original=("SciPy", of("scipy.signal", "convolve2d")),
        plain=_convolve,
        operations=lambda in1, in2, _: 2 * in1.size * in2.size,
    ),
    "sobel": Bench(
        each(lambda dtype, rows, columns: (normal(dtype, rows, columns),), *SIZES, text="{}x{}"),
        original=("SciPy", of("scipy.ndimage", "sobel")),
        plain=_sobel,
        traffic=read_and_written_once,
    ),
}
