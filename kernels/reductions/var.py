"""The variance of a whole array or along an axis, drop-in for `numpy.var`."""

import numpy as np

from autotune import tunable
from kernels.floats import ONE, underflows_are_watched
from kernels.reductions.common import CALIBRATE, CONTIGUOUS, SIZE, normal
from kernels.reductions.spread import add_variants, two_pass_variance
from kernels.reductions.spread_axes import add_axis_variants

var = tunable(np.var, size=SIZE, inputs=normal, calibrate=CALIBRATE, static=("axis",))


def _answer(a, axis, ddof, variance):
    """NumPy's scalar for a variance, or NumPy's own answer."""
    if variance > 0.0:
        return ONE[a.itemsize] * variance
    if variance != variance or underflows_are_watched():
        return np.var(a, axis=axis, ddof=ddof)
    return ONE[a.itemsize] * -variance


@var.variant(kind="vectorized", when=CONTIGUOUS)
def two_pass(a, axis=None, ddof=0):
    """Two loops in float64, no temporary array; reads the input twice, so it fades once that outgrows the caches."""
    if ddof.__class__ is not int:
        return np.var(a, axis=axis, ddof=ddof)
    variance = two_pass_variance(a, ddof)
    if variance > 0.0:  # as `_answer`, without a call
        return ONE[a.itemsize] * variance
    return _answer(a, axis, ddof, variance)


add_variants(var, _answer)
add_axis_variants(var, lambda variances: variances)
