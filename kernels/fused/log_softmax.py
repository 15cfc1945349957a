"""log_softmax, drop-in for `scipy.special.log_softmax`.

Like softmax without its last exponentials: two passes over memory less than NumPy needs, and no temporary array. The
variants cover float32 and float64 in C order, along the last axis or over all elements; what NumPy answers with NaN or
a floating-point warning it is asked for.
"""

import numpy as np

from autotune import jitable, tunable
from kernels.floats import ANY_ORDER, ASK, PLAIN, UNDERFLOW
from kernels.fused import rows
from kernels.sums import RUN


@tunable(
    size=rows.size("x"),
    inputs=rows.inputs,
    calibrate=rows.CALIBRATE,
    static=("axis",),
    tolerance=(8.0, "x - max - log(total), whose terms cancel near 0: Higham 2002, section 1.7", "norm"),
)
def log_softmax(x, axis=None):
    """Logarithm of `softmax`, right where that has lost all digits or is zero.

    Parameters
    ----------
    x : array_like
        Of any shape.
    axis : int or tuple of ints, optional
        Axes along which the exponentials of the result sum to 1; by default all.

    Returns
    -------
    ndarray
        Of the shape of `x`; its type is that of ``np.exp(x)``.

    Raises
    ------
    ValueError
        If `x` is empty along the axes of the maximum.
    AxisError
        If `axis` is not one of the axes of `x`.

    Notes
    -----
    The largest element is subtracted first, unless it is not finite, as `scipy.special.log_softmax` does (Blanchard,
    Higham & Higham 2021, Accurately computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41(4)).
    """
    x = np.asarray(x)
    top = np.amax(x, axis=axis, keepdims=True)
    shifted = x - np.where(np.isfinite(top), top, np.zeros_like(top))
    total = np.sum(np.exp(shifted), axis=axis, keepdims=True)
    with np.errstate(divide="ignore"):
        return shifted - np.log(total)


def _steps(exp):
    """Compiled steps for one precision."""

    @jitable(fastmath=ANY_ORDER, forceinline=True)
    def run_total(x, top):
        total = x.dtype.type(0)
        for i in range(x.size):
            total += exp(x[i] - top)
        return total

    @jitable(forceinline=True)
    def total_of(x, top, _):
        """Sum exp(x - top); NaN if x holds NaN or infinity."""
        total = 0.0
        for start in range(0, x.size, RUN):
            total += run_total(x[start : start + RUN], top)
        return total

    @jitable(forceinline=True)
    def subtract(x, top, total, out):
        """Write x - top - log(total); what NumPy may report."""
        if not total < np.inf:
            return ASK
        logarithm = out.dtype.type(np.log(total))
        smallest = np.finfo(out.dtype).tiny
        lowest = out.dtype.type(np.log(smallest))  # of what is below, the exponential is no normal number
        infinity = out.dtype.type(np.inf)
        underflow = abs(top) < np.sqrt(smallest)  # only then can a difference be denormal
        overflow = False
        for i in range(x.size):
            difference = x[i] - top
            out[i] = difference - logarithm
            underflow |= difference < lowest
            overflow |= (difference == -infinity) & (x[i] != -infinity)
        return ASK if overflow else UNDERFLOW if underflow else PLAIN

    return total_of, subtract


for _precision in rows.PRECISIONS:
    rows.add_variants(log_softmax, _precision, *_steps(_precision.exp))
