"""What the functions of `vecmath` are made of: the two floating-point formats, polynomials, and the promise of each.

This module knows none of the functions.
"""

from typing import Any, NamedTuple

import numpy as np

from autotune import jitable
from kernels.floats import FUSED


class FastFunction(NamedTuple):
    """A function of this package with the arguments for which it may stand in for NumPy's."""

    evaluate: Any  # the jitable function
    low: Any  # right for low <= x <= high, and for NaN
    high: Any
    subnormal: Any  # NumPy may report an underflow for x < subnormal and for 0 < |x| < tiny
    tiny: Any


class Precision(NamedTuple):
    """A floating-point format, as constants of its own types."""

    number: Any  # the type of the numbers
    bits: Any  # the unsigned integer of the same width
    mantissa: Any  # how far the exponent stands from the right
    bias: Any  # of the exponent
    sign: Any  # the bit of the sign
    sign_shift: Any
    rounding: Any  # adding it rounds to an integer, which then stands in the low bits of the sum


F64 = Precision(
    np.float64, np.uint64, np.uint64(52), np.uint64(1023), np.uint64(1 << 63), np.uint64(63), np.float64(1.5 * 2.0**52)
)
F32 = Precision(
    np.float32, np.uint32, np.uint32(23), np.uint32(127), np.uint32(1 << 31), np.uint32(31), np.float32(1.5 * 2.0**23)
)


# LLVM unrolls loops up to about this length early enough for the loop around them to become vector code.
_UNROLLED = 12


def polynomial(precision, *coefficients):
    """A jitable function of one number: the polynomial with these coefficients, the constant one first."""
    *lowest, highest = (precision.number(coefficient) for coefficient in coefficients)
    lower = tuple(reversed(lowest[:_UNROLLED]))

    @jitable
    def constant(x):
        return highest

    if not lower:
        return constant
    higher = constant if len(lowest) == len(lower) else polynomial(precision, *coefficients[_UNROLLED:])

    @jitable(fastmath=FUSED)
    def evaluate(x):
        value = higher(x)
        for coefficient in lower:
            value = value * x + coefficient
        return value

    return evaluate
