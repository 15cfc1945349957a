"""rfft: the transform of real numbers, as far as half of their frequency, drop-in for `numpy.fft.rfft`."""

import numpy as np

from kernels.spectral.transforms import add_variants, declare

rfft = declare(np.fft.rfft, "float32", "float64")
add_variants(rfft, "rfft", "fd")
