"""x to the power of y as 2^(y·log2(x)), with the logarithm in two numbers, of which the first has zeros at its end.

x = 2^k·c·(1 + f) with c = 1 or 1.5 and |f| below 0.23; log2(x) = k + log2(c) + 2/(3·ln 2)·s·(3 + s² + s⁴·P(s²)) with
s = f / (2 + f). Products of numbers cut to 21 bits are exact, so that about 64 bits of the logarithm survive, of which
the product with y spends eleven (Ng, `e_pow.c` of FDLIBM, 1993; its second half is a plain exponential here). For
float32, one float64 is enough.
"""

import math

import numpy as np

from autotune import jitable
from kernels.floats import FUSED
from kernels.vecmath.exponential import exp_f64, exp_series_f64, log_f64
from kernels.vecmath.precision import F64, polynomial

_MANTISSA, _BIAS, _ROUNDING = F64.mantissa, F64.bias, F64.rounding
_LEADING = np.uint64(0xFFFFFFFF00000000)
_FRACTION = np.uint64((1 << 52) - 1)
_EXPONENT_OF_ONE = np.uint64(1023 << 52)
_INTEGER = np.uint64((1023 + 52) << 52)  # of a number with this exponent, the mantissa is an integer
_INTEGER_ZERO = np.float64(2.0**52 + 1023)
_SCALE_1 = np.float64(float.fromhex("0x1.ec709p-1"))  # 2 / (3·ln 2)
_SCALE_2 = np.float64(float.fromhex("0x1.b87407fae93f8p-22"))
_SCALE = np.float64(float.fromhex("0x1.ec709dc3a03fdp-1"))
_LOG2_C_1 = np.float64(float.fromhex("0x1.2b8030p-1"))  # log2(1.5)
_LOG2_C_2 = np.float64(float.fromhex("0x1.1cfdeb43cfd00p-23"))
_LN2 = np.float64(float.fromhex("0x1.62e42fefa39efp-1"))
_LN2_1 = np.float64(float.fromhex("0x1.62e420p-1"))
_LN2_2 = np.float64(float.fromhex("0x1.fdf473de6af28p-22"))
_ROOT_OF_THREE = np.float64(math.sqrt(3))
_ROOT_OF_THREE_HALVES = np.float64(math.sqrt(1.5))

_series = polynomial(
    F64,
    0.5999999999999946768044,  # relative error of the logarithm 2^-71.3
    0.4285714285784878247021,
    0.3333333298420958630528,
    0.2727281196115284327041,
    0.2306610962704939872364,
    0.206963852836119516256,
)


@jitable
def _leading(x):
    """The first 21 bits of the mantissa."""
    return np.uint64(np.float64(x).view(np.uint64) & _LEADING).view(np.float64)


@jitable(forceinline=True)  # LLVM finds them too long to inline, and a loop with a call becomes no vector code
def _log2(x):
    """log2 of a normal positive number, in two parts; the first is cut."""
    bits = np.float64(x).view(np.uint64)
    mantissa = np.uint64((bits & _FRACTION) | _EXPONENT_OF_ONE).view(np.float64)
    k = np.uint64((bits >> _MANTISSA) | _INTEGER).view(np.float64) - _INTEGER_ZERO
    above = mantissa > _ROOT_OF_THREE
    mantissa, k = (0.5 * mantissa if above else mantissa), (k + 1.0 if above else k)
    halfway = mantissa > _ROOT_OF_THREE_HALVES
    c = 1.5 if halfway else 1.0
    log_c_1, log_c_2 = (_LOG2_C_1 if halfway else 0.0), (_LOG2_C_2 if halfway else 0.0)

    f = mantissa - c
    inverse = 1.0 / (mantissa + c)
    s = f * inverse
    s_1 = _leading(s)
    divisor_1 = _leading(mantissa + c)
    divisor_2 = mantissa - (divisor_1 - c)
    s_2 = inverse * ((f - s_1 * divisor_1) - s_1 * divisor_2)

    square = s * s
    rest = square * square * _series(square) + s_2 * (s_1 + s)
    square_1 = s_1 * s_1
    sum_1 = _leading(3.0 + square_1 + rest)
    sum_2 = rest - ((sum_1 - 3.0) - square_1)
    product = s_1 * sum_1
    more = s_2 * sum_1 + sum_2 * s
    log_1 = _leading(product + more)
    log_2 = more - (log_1 - product)

    scaled_1 = _SCALE_1 * log_1
    scaled_2 = _SCALE_2 * log_1 + log_2 * _SCALE + log_c_2
    high = _leading(((scaled_1 + scaled_2) + log_c_1) + k)
    return high, scaled_2 - (((high - k) - log_c_1) - scaled_1)


@jitable(forceinline=True)
def power_f64(x, y):
    """x to the power of y, for normal x > 0 and a result that is a normal number with room to overflow; or x NaN."""
    log_1, log_2 = _log2(x)
    y_1 = _leading(y)
    high = y_1 * log_1
    low = (y - y_1) * log_1 + y * log_2
    rounded = (high + low) + _ROUNDING
    k = rounded - _ROUNDING
    high = high - k
    part = _leading(high + low)
    tail = (low - (part - high)) * _LN2 + part * _LN2_2
    lead = part * _LN2_1
    r = lead + tail
    lost = tail - (r - lead)
    value = 1.0 + (r + (r * r * exp_series_f64(r) + lost * (1.0 + r)))
    scale = np.uint64((np.float64(rounded).view(np.uint64) + _BIAS) << _MANTISSA).view(np.float64)
    return value * scale if x == x else x


@jitable(fastmath=FUSED)
def power_f32(x, y):
    """The same for float32, to about half a unit in the last place."""
    return np.float32(exp_f64(y * log_f64(np.float64(x))))
