"""Signals: convolve, fir_filter, autocorrelation, and the transforms fft, ifft and rfft.

The variants cover float32 and float64. NumPy's sums of products do not warn, so neither do these; a result that is not
finite is computed by NumPy instead. Transforms spread the error of one element over all: a convolution by transforms is
`approximate`.
"""

from kernels.spectral.autocorrelation import autocorrelation
from kernels.spectral.convolve import convolve
from kernels.spectral.fft import fft
from kernels.spectral.fir_filter import fir_filter
from kernels.spectral.ifft import ifft
from kernels.spectral.rfft import rfft

__all__ = ["autocorrelation", "convolve", "fft", "fir_filter", "ifft", "rfft"]
