"""The smallest element, of all or along an axis, drop-in for `numpy.min`."""

import numpy as np

from autotune import tunable
from kernels.reductions.common import CALIBRATE, SIZE, normal
from kernels.reductions.extremum import DOWNWARDS, add_variants

min = tunable(np.min, size=SIZE, inputs=normal, calibrate=CALIBRATE, static=("axis",))
add_variants(min, DOWNWARDS)
