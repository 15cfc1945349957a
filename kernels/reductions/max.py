"""The largest element, of all or along an axis, drop-in for `numpy.max`."""

import numpy as np

from autotune import tunable
from kernels.reductions.common import CALIBRATE, SIZE, normal
from kernels.reductions.extremum import UPWARDS, add_variants

max = tunable(np.max, size=SIZE, inputs=normal, calibrate=CALIBRATE, static=("axis",))
add_variants(max, UPWARDS)
