"""Reductions over a whole array: sum, mean, var and std, drop-in for the NumPy functions of the same name.

The variants cover float32 and float64 with axis=None and no further argument (`var` and `std`: an int `ddof` too).
Additions are reordered, in blocks or in float64, so that the result is about as near to the true value as that of
NumPy's pairwise sum. Compiled code does not warn: a variant that meets NaN, infinity, or numbers so large or small that
NumPy may report an overflow or underflow, hands the whole call to NumPy.
"""

from kernels.reductions.mean import mean
from kernels.reductions.std import std
from kernels.reductions.sum import sum
from kernels.reductions.var import var

__all__ = ["mean", "std", "sum", "var"]
