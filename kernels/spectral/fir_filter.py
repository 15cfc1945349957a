"""fir_filter: a filter of finite impulse response, fast equivalent of ``scipy.signal.lfilter(b, 1, x)``."""

import numpy as np

from autotune import Choice, Range, tunable
from kernels.spectral.sliding import BLOCKS, TOLERANCE, by_blocks, by_transforms, on_threads, reversed_copy

_WHEN = "b.ndim == 1 and x.ndim == 1 and x.dtype.char in 'fd' and b.dtype == x.dtype and x.flags.c_contiguous"


@tunable(
    size={"m": "b.size", "n": "x.size"},
    inputs=lambda rng, dtype, m, n: (rng.standard_normal(m).astype(dtype), rng.standard_normal(n).astype(dtype)),
    calibrate={"m": Range(2, 500), "n": Range(10, 1_000_000), "dtype": Choice("float32", "float64")},
    tolerance=TOLERANCE,
)
def fir_filter(b, x):
    """Filter a signal by a weighted sum of its last values.

    Parameters
    ----------
    b : array_like, shape (m,)
        Weights, that of the present value first.
    x : array_like, shape (n,)
        Signal; before it begins it is taken as zero.

    Returns
    -------
    ndarray, shape (n,)
        ``y[t] = b[0] x[t] + b[1] x[t - 1] + … + b[m - 1] x[t - m + 1]``, in the common type of `b` and `x`.

    Raises
    ------
    ValueError
        If `b` or `x` is empty or has more than one dimension.

    Notes
    -----
    Oppenheim & Schafer 2010, Discrete-Time Signal Processing, section 6.5.
    """
    return np.convolve(b, x)[: np.size(x)]


def _compute(core, b, x, *settings):
    """Allocate, compute by `core`, and give the call to NumPy where it raises or the result is not finite."""
    if not (b.size and x.size):
        return fir_filter.reference(b, x)
    out = np.empty(x.size, x.dtype)
    return out if core(x, reversed_copy(b), b.size - 1, out, *settings) else fir_filter.reference(b, x)


@fir_filter.variant(kind="blocked", when=_WHEN, params={"block": BLOCKS})
def eight_weights(b, x, *, block):
    """A block of outputs in L1 meets eight weights at a time, in vector lanes; NumPy computes each output by itself."""
    return _compute(by_blocks, b, x, block)


@fir_filter.variant(kind="parallel", when=_WHEN, params={"block": BLOCKS}, threads=True)
def blocks_on_threads(b, x, *, block):
    """`block` outputs a task on all cores; each is summed by one thread: always the same bits."""
    return _compute(on_threads, b, x, block)


@fir_filter.variant(kind="library", numerics="approximate", when=_WHEN, requires=("scipy",))
def transforms(b, x):
    """Three real transforms by SciPy: n log n steps, but every output has the error of the largest."""
    return _compute(by_transforms, b, x)
