"""Signals: convolve, fir_filter, autocorrelation.

The variants cover float32 and float64. NumPy's sums of products do not warn, so neither do these; a result that is not
finite is computed by NumPy instead. Transforms spread the error of one element over all: a convolution by transforms is
`approximate`.
"""

from kernels.spectral.autocorrelation import autocorrelation
from kernels.spectral.convolve import convolve
from kernels.spectral.fir_filter import fir_filter

__all__ = ["autocorrelation", "convolve", "fir_filter"]
