"""An image pipeline, plain and tuned: noise, blur, tone mapping and statistics of a synthetic photograph.

The pipeline mixes kernels of the library (`exp`, `transpose_copy`, `median`, `var`, `sum`) with a kernel of its own
(`blur_rows`), which is declared here as a user would. It runs once with the references alone and once tuned.
"""

import time

import numpy as np

from autotune import jitable, prange, tunable
from kernels import exp, median, sum, transpose_copy, var

HEIGHT, WIDTH, FRAMES = 1080, 1920, 8
WEIGHTS = np.array([1, 4, 6, 4, 1], np.float32) / 16


@tunable(size={"rows": "image.shape[0]", "columns": "image.shape[1]"})
def blur_rows(image):
    """Binomial blur of width 5 along the rows of a float32 image; borders are repeated."""
    padded = np.pad(image, ((0, 0), (2, 2)), mode="edge")
    blurred = WEIGHTS[0] * padded[:, :-4]
    for shift in range(1, 5):
        blurred += WEIGHTS[shift] * padded[:, shift : padded.shape[1] - 4 + shift]
    return blurred


@jitable
def _blur_row(row, out):
    last = row.size - 1
    for j in range(row.size):
        total = np.float32(0)
        for shift in range(5):
            total += WEIGHTS[shift] * row[min(max(j + shift - 2, 0), last)]
        out[j] = total


@jitable
def _blur(image, out):
    for i in range(image.shape[0]):
        _blur_row(image[i], out[i])


@jitable(parallel=True)
def _blur_threads(image, out):
    for i in prange(image.shape[0]):
        _blur_row(image[i], out[i])


@blur_rows.variant(kind="scalar", when="image.ndim == 2 and image.dtype.char == 'f' and image.flags.c_contiguous")
def row_by_row(image):
    """No temporary images."""
    if image.shape[1] == 0:
        return blur_rows.reference(image)
    out = np.empty_like(image)
    _blur(image, out)
    return out


@blur_rows.variant(
    kind="parallel", threads=True, when="image.ndim == 2 and image.dtype.char == 'f' and image.flags.c_contiguous"
)
def rows_on_all_cores(image):
    """The same on all cores."""
    if image.shape[1] == 0:
        return blur_rows.reference(image)
    out = np.empty_like(image)
    _blur_threads(image, out)
    return out


class Plain:
    """The references: plain NumPy."""

    exp, median, sum, transpose_copy, var, blur_rows = (
        staticmethod(kernel.reference) for kernel in (exp, median, sum, transpose_copy, var, blur_rows)
    )


class Tuned:
    """The tuned kernels under the same names."""

    exp, median, sum, transpose_copy, var, blur_rows = map(
        staticmethod, (exp, median, sum, transpose_copy, var, blur_rows)
    )


def photograph(rng):
    """A bright disc on a gradient, with noise."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    disc = 2.0 * ((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2 < (HEIGHT / 3) ** 2)
    return (x / WIDTH + disc + 0.1 * rng.standard_normal((HEIGHT, WIDTH))).astype(np.float32)


def process(image, use):
    """Blur both ways, map tones to 0…1, and measure."""
    blurred = use.blur_rows(image)
    blurred = use.transpose_copy(use.blur_rows(use.transpose_copy(blurred)))
    noise = use.median(np.abs(image - blurred))
    toned = 1 - use.exp(-blurred)
    return toned, float(noise), float(use.var(toned)), float(use.sum(toned))


def timed(images, use):
    began = time.perf_counter()
    results = [process(image, use) for image in images]
    return (time.perf_counter() - began) / len(images), results


def main():
    rng = np.random.default_rng(3)
    images = [photograph(rng) for _ in range(FRAMES)]
    began = time.perf_counter()
    process(images[0], Tuned)  # the first pass finds, or looks up, the winners
    print(f"first tuned pass: {time.perf_counter() - began:.2f} s")

    plain_s, plain = timed(images, Plain)
    tuned_s, tuned = timed(images, Tuned)

    print(f"\n{FRAMES} images of {WIDTH} x {HEIGHT}, float32")
    print(f"plain NumPy   {plain_s * 1e3:7.1f} ms an image")
    print(f"tuned         {tuned_s * 1e3:7.1f} ms an image")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    worst = max(np.abs(a[0] - b[0]).max() for a, b in zip(plain, tuned, strict=True))
    print(f"largest difference of a pixel: {worst:.1e}; noise level {tuned[0][1]:.4f} against {plain[0][1]:.4f}")
    print("\nwhat served:")
    flat = images[0]
    for kernel, argument in ((blur_rows, flat), (transpose_copy, flat), (exp, flat), (median, flat), (var, flat)):
        chosen = kernel.decision(argument)
        print(f"  {kernel.__name__:15} {chosen.variant:24} ({chosen.source})")


if __name__ == "__main__":
    main()
