"""The standard deviation of a whole array or along an axis, drop-in for `numpy.std`."""

import math

import numpy as np

from autotune import tunable
from kernels.floats import ONE, SMALLEST, underflows_are_watched
from kernels.reductions.common import CALIBRATE, CONTIGUOUS, SIZE, normal
from kernels.reductions.spread import add_variants, two_pass_variance
from kernels.reductions.spread_axes import add_axis_variants

std = tunable(np.std, size=SIZE, inputs=normal, calibrate=CALIBRATE, static=("axis",))


def _answer(a, axis, ddof, variance):
    """NumPy's scalar for a variance, or NumPy's own answer."""
    if variance > 0.0:
        return ONE[a.itemsize] * math.sqrt(variance)
    if -variance >= SMALLEST[a.itemsize] and not underflows_are_watched():
        return ONE[a.itemsize] * math.sqrt(-variance)
    return np.std(a, axis=axis, ddof=ddof)


@std.variant(kind="vectorized", when=CONTIGUOUS)
def two_pass(a, axis=None, ddof=0):
    """Two loops in float64, no temporary array; reads the input twice, so it fades once that outgrows the caches."""
    if ddof.__class__ is not int:
        return np.std(a, axis=axis, ddof=ddof)
    return _answer(a, axis, ddof, two_pass_variance(a, ddof))


add_variants(std, _answer)
add_axis_variants(std, lambda variances: np.sqrt(variances, out=variances))
