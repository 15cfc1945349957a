"""softmax, drop-in for `scipy.special.softmax`.

The chain needs the maximum, the exponentials, their sum and a division: NumPy walks through memory for each and
leaves a temporary array behind each. The variants cover float32 and float64 in C order, along the last axis or over all
elements. What NumPy answers with NaN or a floating-point warning (NaN, +inf or nothing but -inf in a row, a difference
that overflows) it is asked for.
"""

import numpy as np

from autotune import jitable, tunable
from kernels.floats import ASK, PLAIN, UNDERFLOW
from kernels.fused import rows
from kernels.sums import RUN, total_of_run


@tunable(size=rows.size("x"), inputs=rows.inputs, calibrate=rows.CALIBRATE, static=("axis",))
def softmax(x, axis=None):
    """Exponentials of an array, divided by their sum: a distribution of probability.

    Parameters
    ----------
    x : array_like
        Of any shape.
    axis : int or tuple of ints, optional
        Axes along which the result sums to 1; by default all.

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
    The largest element is subtracted first, so that nothing overflows (Blanchard, Higham & Higham 2021, Accurately
    computing the log-sum-exp and softmax functions, IMA J. Numer. Anal. 41(4)); as `scipy.special.softmax` does.
    """
    x = np.asarray(x)
    shifted = np.exp(x - np.amax(x, axis=axis, keepdims=True))
    return shifted / np.sum(shifted, axis=axis, keepdims=True)


def _steps(exp):
    """Compiled steps for one precision."""

    @jitable(forceinline=True)
    def exponentials(x, top, out):
        for i in range(x.size):
            out[i] = exp(x[i] - top)

    # This loop writes nothing. If the one above summed too, the order would depend on where the arrays lie: LLVM's
    # vector loop gives way to one element at a time for arrays that may overlap, and takes near neighbours for such.
    @jitable(forceinline=True)
    def shift(x, top, out):
        """Write exp(x - top); their sum, NaN if x holds NaN or infinity."""
        total = 0.0
        for start in range(0, x.size, RUN):
            run = slice(start, start + RUN)
            exponentials(x[run], top, out[run])
            total += total_of_run(out[run])
        return total

    @jitable(forceinline=True)
    def scale(x, top, total, out):
        """Divide out by the sum; what NumPy may report."""
        if not total < np.inf:
            return ASK
        inverse = out.dtype.type(1.0 / total)
        smallest = np.finfo(out.dtype).tiny
        underflow = abs(top) < np.sqrt(smallest)  # only then can a difference be denormal
        for i in range(out.size):
            out[i] *= inverse
            underflow |= out[i] < smallest
        if not underflow:
            return PLAIN
        infinity = out.dtype.type(np.inf)
        overflow = False
        for i in range(x.size):
            overflow |= (x[i] - top == -infinity) & (x[i] != -infinity)
        return ASK if overflow else UNDERFLOW

    return shift, scale


for _precision in rows.PRECISIONS:
    rows.add_variants(softmax, _precision, *_steps(_precision.exp))
