"""convolve, drop-in for `numpy.convolve`."""

import numpy as np

from autotune import Choice, Range, tunable
from kernels.spectral.sliding import BLOCKS, TOLERANCE, by_blocks, by_transforms, on_threads, reversed_copy

_WHEN = (
    "a.ndim == 1 and v.ndim == 1 and a.dtype.char in 'fd' and v.dtype == a.dtype and a.flags.c_contiguous and "
    "mode in ('full', 'same', 'valid')"
)

convolve = tunable(
    np.convolve,
    size={"n": "a.size", "m": "v.size"},
    inputs=lambda rng, dtype, n, m: (rng.standard_normal(n).astype(dtype), rng.standard_normal(m).astype(dtype)),
    calibrate={"n": Range(10, 1_000_000), "m": Range(2, 500), "dtype": Choice("float32", "float64")},
    static=("mode",),
    tolerance=TOLERANCE,
)


def _place(mode, n, m):
    """How many sums there are for n elements and m <= n weights, and by how many places the first lies before x."""
    return {"full": (n + m - 1, m - 1), "same": (n, m // 2), "valid": (n - m + 1, 0)}[mode]


def _compute(core, a, v, mode, *settings):
    """Allocate, compute by `core`, and give the call to NumPy where it raises or the result is not finite."""
    x, weights = (a, v) if a.size >= v.size else (v, a)
    if not weights.size:
        return np.convolve(a, v, mode)
    length, shift = _place(mode, x.size, weights.size)
    out = np.empty(length, x.dtype)
    finite = core(np.ascontiguousarray(x), reversed_copy(weights), shift, out, *settings)
    return out if finite else np.convolve(a, v, mode)


@convolve.variant(kind="blocked", when=_WHEN, params={"block": BLOCKS})
def eight_weights(a, v, mode="full", *, block):
    """A block of outputs in L1 meets eight weights at a time, in vector lanes; NumPy computes each output by itself."""
    return _compute(by_blocks, a, v, mode, block)


@convolve.variant(kind="parallel", when=_WHEN, params={"block": BLOCKS}, threads=True)
def blocks_on_threads(a, v, mode="full", *, block):
    """`block` outputs a task on all cores; each is summed by one thread: always the same bits."""
    return _compute(on_threads, a, v, mode, block)


@convolve.variant(kind="library", numerics="approximate", when=_WHEN, requires=("scipy",))
def transforms(a, v, mode="full"):
    """Three real transforms by SciPy: n log n steps, but every output has the error of the largest."""
    return _compute(by_transforms, a, v, mode)
