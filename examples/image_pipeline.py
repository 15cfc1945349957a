"""An image pipeline, plain and tuned: grey tones, blur, edges, tone mapping and statistics of a synthetic photograph.

The pipeline mixes kernels of the library (`rgb_to_gray`, `gaussian_blur`, `sobel`, `exp`, `median`, `var`, `sum`) with
a kernel of its own (`edge_strength`), which is declared here as a user would. It runs once with the references alone
(NumPy and SciPy) and once tuned.

First use spends a few seconds of a program at most on tuning. A program that knows what it is going to call can ask for
more: `tune` measures a call at once, without that limit. The second run knows everything.
"""

import time

import numpy as np

from autotune import Choice, jitable, prange, tunable
from kernels import exp, gaussian_blur, median, rgb_to_gray, sobel, sum, var

HEIGHT, WIDTH, FRAMES, SIGMA = 1080, 1920, 8, 2.0
SAME_IMAGES = (
    "across.ndim == 2 and across.dtype.char == 'f' and down.ndim == 2 and down.dtype == across.dtype and "
    "across.flags.c_contiguous and down.flags.c_contiguous"
)


@tunable(size={"n": "across.size"})
def edge_strength(across, down):
    """Length of the gradient of an image, from its two components."""
    return np.sqrt(across * across + down * down)


@jitable
def _lengths(across, down, out, first, last):
    for i in range(first, last):
        for j in range(out.shape[1]):
            out[i, j] = np.sqrt(across[i, j] * across[i, j] + down[i, j] * down[i, j])


@jitable
def _all_rows(across, down, out):
    _lengths(across, down, out, 0, out.shape[0])


@jitable(parallel=True)
def _rows_threads(across, down, out, rows):
    for b in prange((out.shape[0] + rows - 1) // rows):
        _lengths(across, down, out, b * rows, min((b + 1) * rows, out.shape[0]))


@edge_strength.variant(kind="vectorized", when=SAME_IMAGES)
def one_pass(across, down):
    """No temporary images."""
    if across.shape != down.shape:
        return edge_strength.reference(across, down)
    out = np.empty_like(across)
    _all_rows(across, down, out)
    return out


@edge_strength.variant(kind="parallel", threads=True, when=SAME_IMAGES, params={"rows": Choice(8, 64)})
def rows_on_all_cores(across, down, *, rows):
    """The same on all cores, some rows a task."""
    if across.shape != down.shape:
        return edge_strength.reference(across, down)
    out = np.empty_like(across)
    _rows_threads(across, down, out, rows)
    return out


KERNELS = (rgb_to_gray, gaussian_blur, sobel, edge_strength, exp, median, var, sum)


class Plain:
    """The references: plain NumPy and SciPy."""

    rgb_to_gray, gaussian_blur, sobel, edge_strength, exp, median, var, sum = (
        staticmethod(kernel.reference) for kernel in KERNELS
    )


class Tuned:
    """The tuned kernels under the same names."""

    rgb_to_gray, gaussian_blur, sobel, edge_strength, exp, median, var, sum = map(staticmethod, KERNELS)


def photograph(rng):
    """A bright disc on a gradient, in three colours, with noise."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    disc = 2.0 * ((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2 < (HEIGHT / 3) ** 2)
    colours = np.stack([x / WIDTH + disc, y / HEIGHT + disc, disc], axis=2)
    return (colours + 0.1 * rng.standard_normal(colours.shape)).astype(np.float32)


def process(photo, use):
    """Grey tones, blur and noise; edges; tones mapped to 0…1; and what is measured of them."""
    gray = use.rgb_to_gray(photo)
    blurred = use.gaussian_blur(gray, SIGMA)
    noise = use.median(np.abs(gray - blurred))
    edges = use.edge_strength(use.sobel(blurred, 1), use.sobel(blurred, 0))
    toned = 1 - use.exp(-blurred)
    return toned, float(noise), float(use.var(toned)), float(use.sum(edges))


def calls(photo):
    """The kernels with the arguments that the pipeline calls them with."""
    gray = rgb_to_gray.reference(photo)
    return [(rgb_to_gray, (photo,)), (gaussian_blur, (gray, SIGMA)), (sobel, (gray, 1)), (sobel, (gray, 0)),
            (edge_strength, (gray, gray)), (exp, (gray,)), (median, (gray,)), (var, (gray,)),
            (sum, (gray,))]  # fmt: skip


def timed(images, use):
    began = time.perf_counter()
    results = [process(image, use) for image in images]
    return (time.perf_counter() - began) / len(images), results


def main():
    rng = np.random.default_rng(3)
    images = [photograph(rng) for _ in range(FRAMES)]
    began = time.perf_counter()
    for kernel, arguments in calls(images[0]):
        if kernel.decision(*arguments).source == "none":
            kernel.tune(*arguments, budget=5)
    process(images[0], Tuned)
    print(f"tuning, or looking up what was tuned: {time.perf_counter() - began:.2f} s")

    plain_s, plain = timed(images, Plain)
    tuned_s, tuned = timed(images, Tuned)

    print(f"\n{FRAMES} images of {WIDTH} x {HEIGHT}, float32")
    print(f"NumPy, SciPy  {plain_s * 1e3:7.1f} ms an image")
    print(f"tuned         {tuned_s * 1e3:7.1f} ms an image")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    worst = max(np.abs(a[0] - b[0]).max() for a, b in zip(plain, tuned, strict=True))
    print(f"largest difference of a pixel: {worst:.1e}; noise level {tuned[0][1]:.4f} against {plain[0][1]:.4f}")
    print("\nwhat served:")
    for kernel, arguments in calls(images[0]):
        chosen = kernel.decision(*arguments)
        print(f"  {kernel.__name__:15} {arguments[0].shape!s:15} {chosen.variant:20} ({chosen.source})")


if __name__ == "__main__":
    main()
