"""ifft: the inverse transform, drop-in for `numpy.fft.ifft`."""

import numpy as np

from kernels.spectral.transforms import add_variants, declare

ifft = declare(np.fft.ifft, "float32", "float64", "complex64", "complex128")
add_variants(ifft, "ifft", "fdFD")
