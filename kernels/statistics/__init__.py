"""Statistics: correlation and lagged_correlation of two series, chi_squared of models, angle_filter.

The variants cover float32 and float64 in C order. Compiled code does not warn: what is not finite, or may have
underflowed, is computed by the reference instead.
"""

from kernels.statistics.angle_filter import angle_filter
from kernels.statistics.chi_squared import chi_squared
from kernels.statistics.correlation import correlation
from kernels.statistics.lagged_correlation import lagged_correlation

__all__ = ["angle_filter", "chi_squared", "correlation", "lagged_correlation"]
