"""An image pipeline, plain and tuned: noise, blur, tone mapping and statistics of a synthetic photograph.

The pipeline mixes kernels of the library (`exp`, `transpose_copy`, `median`, `var`, `sum`) with a kernel of its own
(`blur_rows`), which is declared here as a user would. It runs once with the references alone and once tuned.

First use spends a few seconds of a program at most on tuning. A program that knows what it is going to call can ask for
more: `tune` measures a call at once, without that limit. The second run knows everything.
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


def calls(image):
    """The kernels with the arguments that the pipeline calls them with."""
    columns = transpose_copy.reference(image)
    return [(blur_rows, image), (blur_rows, columns), (transpose_copy, image), (transpose_copy, columns),
            (exp, image), (median, image), (var, image), (sum, image)]  # fmt: skip


def timed(images, use):
    began = time.perf_counter()
    results = [process(image, use) for image in images]
    return (time.perf_counter() - began) / len(images), results


def main():
    rng = np.random.default_rng(3)
    images = [photograph(rng) for _ in range(FRAMES)]
    began = time.perf_counter()
    for kernel, argument in calls(images[0]):
        if kernel.decision(argument).source == "none":
            kernel.tune(argument, budget=10)
    process(images[0], Tuned)
    print(f"tuning, or looking up what was tuned: {time.perf_counter() - began:.2f} s")

    plain_s, plain = timed(images, Plain)
    tuned_s, tuned = timed(images, Tuned)

    print(f"\n{FRAMES} images of {WIDTH} x {HEIGHT}, float32")
    print(f"plain NumPy   {plain_s * 1e3:7.1f} ms an image")
    print(f"tuned         {tuned_s * 1e3:7.1f} ms an image")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    worst = max(np.abs(a[0] - b[0]).max() for a, b in zip(plain, tuned, strict=True))
    print(f"largest difference of a pixel: {worst:.1e}; noise level {tuned[0][1]:.4f} against {plain[0][1]:.4f}")
    print("\nwhat served:")
    for kernel, argument in calls(images[0]):
        chosen = kernel.decision(argument)
        print(f"  {kernel.__name__:15} {argument.shape!s:13} {chosen.variant:20} ({chosen.source})")


if __name__ == "__main__":
    main()
