"""autocorrelation: the sums of products of a signal with itself some steps later."""

import numpy as np

from autotune import Choice, Range, tunable
from kernels.spectral.sliding import BLOCKS, TOLERANCE, by_blocks, by_transforms, on_threads

_WHEN = "x.ndim == 1 and x.dtype.char in 'fd' and x.flags.c_contiguous"


@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(10, 20_000), "dtype": Choice("float32", "float64")},
    tolerance=TOLERANCE,
)
def autocorrelation(x):
    """Sums of products of a signal with itself, from 0 to n - 1 steps later.

    Parameters
    ----------
    x : array_like, shape (n,)
        Signal; beyond its ends it is taken as zero. Its mean is not subtracted.

    Returns
    -------
    ndarray, shape (n,)
        Element k is the sum of ``x[t + k] * conj(x[t])`` over all t where both exist.

    Raises
    ------
    ValueError
        If `x` is empty or has more than one dimension.

    Notes
    -----
    ``np.correlate(x, x, "full")`` from its middle on. Oppenheim & Schafer 2010, Discrete-Time Signal Processing,
    section 2.9; `lagged_correlation` gives the normalised estimate for a few lags.
    """
    return np.correlate(x, x, "full")[np.size(x) - 1 :]


def _compute(core, x, *settings):
    """Allocate, compute by `core`, and give the call to NumPy where it raises or the result is not finite."""
    if not x.size:
        return autocorrelation.reference(x)
    out = np.empty(x.size, x.dtype)
    return out if core(x, x, 0, out, *settings) else autocorrelation.reference(x)


@autocorrelation.variant(kind="blocked", when=_WHEN, params={"block": BLOCKS})
def eight_terms(x, *, block):
    """A block of sums in L1 meets eight terms at a time; and half of the sums, because the others are equal."""
    return _compute(by_blocks, x, block)


@autocorrelation.variant(kind="parallel", when=_WHEN, params={"block": BLOCKS}, threads=True)
def blocks_on_threads(x, *, block):
    """`block` sums a task on all cores; each is summed by one thread: always the same bits."""
    return _compute(on_threads, x, block)


@autocorrelation.variant(kind="library", numerics="approximate", when=_WHEN, requires=("scipy",))
def transforms(x):
    """Three real transforms by SciPy: n log n steps, but every sum has the error of the largest."""
    return _compute(by_transforms, x)
