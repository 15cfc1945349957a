"""Reductions of a whole array or along its last or first axis, inner products and norms: drop-ins for NumPy's own.

The variants cover float32 and float64 without further arguments (along an axis: `keepdims` too; `var` and `std`: an int
`ddof`). Additions and multiplications are reordered, in blocks or in float64, so that the result is about as near to
the true value as NumPy's. Compiled code does not warn: a variant that meets NaN, infinity, or numbers so large or small
that NumPy may report an overflow or underflow, hands the whole call to NumPy.
"""

from kernels.reductions.dot import dot
from kernels.reductions.max import max
from kernels.reductions.mean import mean
from kernels.reductions.min import min
from kernels.reductions.norm import norm
from kernels.reductions.prod import prod
from kernels.reductions.std import std
from kernels.reductions.sum import sum
from kernels.reductions.var import var

__all__ = ["dot", "max", "mean", "min", "norm", "prod", "std", "sum", "var"]
