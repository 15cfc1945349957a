"""fft: the discrete Fourier transform, drop-in for `numpy.fft.fft`."""

import numpy as np

from kernels.spectral.transforms import add_variants, declare

fft = declare(np.fft.fft, "float32", "float64", "complex64", "complex128")
add_variants(fft, "fft", "fdFD")
