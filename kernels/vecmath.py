"""Vector mathematics: elementary functions of one number, written so that LLVM vectorises the loop that calls them.

Every function here is branch-free: a range reduction by multiples of a constant split into exact parts (Cody & Waite,
*Software Manual for the Elementary Functions*, 1980), one minimax polynomial, and a reconstruction on the bits of the
result. A loop over an array that calls one of them becomes AVX-512, AVX2 or NEON code without intrinsics.

What a caller must know
    * Accuracy: below 2 ulp of the true value on the fast range, with and without fused multiply-add.
    * Range: each function has one (`FastFunction`). Outside, the result is unspecified, so the caller tests and uses
      another method. NaN gives NaN; signed zeros and denormal numbers are right.
    * No floating-point warnings: compiled code is silent. Where NumPy's own function may report an underflow
      (`FastFunction`), a caller that must report it too asks NumPy.

The polynomials were computed for this file with the Remez exchange algorithm in 240-bit arithmetic (mpmath), minimising
the relative error of the function, and then rounded; the error before rounding stands beside each. The constants of the
reduction are pi and ln 2, cut into parts with so many trailing zero bits that k·part is exact for every k of the fast
range.

This module knows nothing of arrays, dtypes as arguments, warnings, or threads.
"""

from typing import Any, NamedTuple

import numpy as np

from autotune import jitable


class FastFunction(NamedTuple):
    """A function of this module with the arguments for which it may stand in for NumPy's."""

    evaluate: Any  # the jitable function
    low: Any  # right for low <= x <= high, and for NaN
    high: Any
    subnormal: Any  # NumPy may report an underflow for x < subnormal and for 0 < |x| < tiny
    tiny: Any


# a·b + c may become one instruction with one rounding; nothing may be reordered, NaN and infinity keep their meaning
_FUSED = {"contract"}

# Adding 1.5·2^(mantissa bits) rounds to an integer, which then stands in the low bits of the sum.
_ROUND_F64 = np.float64(1.5 * 2.0**52)
_ROUND_F32 = np.float32(1.5 * 2.0**23)
_SIGN_F64 = np.uint64(1 << 63)
_SIGN_F32 = np.uint32(1 << 31)
_PARITY_TO_SIGN_F64 = np.uint64(63)
_PARITY_TO_SIGN_F32 = np.uint32(31)

# ---- sin: x = k·pi + r with |r| <= pi/2; sin(x) = (-1)^k · (r + r³·P(r²)) ----

_INVERSE_PI_F64 = np.float64(0.3183098861837907)
_PI_1_F64 = np.float64(float.fromhex("0x1.921fb544p+1"))  # 33 bits each, the last one rounded to 53: k < 2^20
_PI_2_F64 = np.float64(float.fromhex("0x1.0b4611a6p-33"))
_PI_3_F64 = np.float64(float.fromhex("0x1.3198a2ep-68"))
_PI_4_F64 = np.float64(float.fromhex("0x1.b839a252049c1p-103"))

_S0_F64 = np.float64(-0.1666666666666666556956)  # relative error 2^-61.7
_S1_F64 = np.float64(0.008333333333333194304979)
_S2_F64 = np.float64(-0.0001984126984120921859942)
_S3_F64 = np.float64(0.000002755731921113716651103)
_S4_F64 = np.float64(-2.505210687279183935872e-8)
_S5_F64 = np.float64(1.605893970535264317225e-10)
_S6_F64 = np.float64(-7.642991474668968519998e-13)
_S7_F64 = np.float64(2.721174803802561142578e-15)


@jitable(fastmath=_FUSED)
def _rest_f64(magnitude, k):
    """magnitude - k·pi for a k, whole or half, of at most 20 significant bits."""
    exact = magnitude - k * _PI_1_F64
    r = exact - k * _PI_2_F64
    lost = (exact - r) - k * _PI_2_F64  # what that subtraction rounded away
    return r + ((lost - k * _PI_3_F64) - k * _PI_4_F64)


@jitable(fastmath=_FUSED)
def _sine_f64(r):
    """Sine of |r| <= pi/2."""
    s = r * r
    p = _S7_F64
    p = p * s + _S6_F64
    p = p * s + _S5_F64
    p = p * s + _S4_F64
    p = p * s + _S3_F64
    p = p * s + _S2_F64
    p = p * s + _S1_F64
    p = p * s + _S0_F64
    return r + (r * s) * p


@jitable(fastmath=_FUSED)
def sin_f64(x):
    """Sine of a float64, |x| <= 2^20 or NaN."""
    magnitude = abs(x)  # an odd function: the sign goes back on at the end, so that -0.0 stays -0.0
    rounded = magnitude * _INVERSE_PI_F64 + _ROUND_F64
    y = _sine_f64(_rest_f64(magnitude, rounded - _ROUND_F64))
    parity = np.float64(rounded).view(np.uint64) << _PARITY_TO_SIGN_F64
    sign = parity ^ (np.float64(x).view(np.uint64) & _SIGN_F64)
    return np.uint64(np.float64(y).view(np.uint64) ^ sign).view(np.float64)


_INVERSE_PI_F32 = np.float32(0.3183098861837907)
_PI_1_F32 = np.float32(float.fromhex("0x1.92p+1"))  # 11 bits each, the last one rounded to 24: k < 2^13
_PI_2_F32 = np.float32(float.fromhex("0x1.fb4p-11"))
_PI_3_F32 = np.float32(float.fromhex("0x1.444p-23"))
_PI_4_F32 = np.float32(float.fromhex("0x1.68c234p-38"))

_S0_F32 = np.float32(-0.1666666)  # relative error 2^-27.3, as rounded
_S1_F32 = np.float32(0.008333069)
_S2_F32 = np.float32(-0.00019809777)
_S3_F32 = np.float32(2.6060957e-06)


@jitable(fastmath=_FUSED)
def _rest_f32(magnitude, k):
    """magnitude - k·pi for a k, whole or half, of at most 13 significant bits."""
    r_1 = magnitude - k * _PI_1_F32
    r_2 = r_1 - k * _PI_2_F32
    r_3 = r_2 - k * _PI_3_F32
    lost = ((r_1 - r_2) - k * _PI_2_F32) + ((r_2 - r_3) - k * _PI_3_F32)
    return r_3 + (lost - k * _PI_4_F32)


@jitable(fastmath=_FUSED)
def _sine_f32(r):
    """Sine of |r| <= pi/2."""
    s = r * r
    p = _S3_F32
    p = p * s + _S2_F32
    p = p * s + _S1_F32
    p = p * s + _S0_F32
    return r + (r * s) * p


@jitable(fastmath=_FUSED)
def sin_f32(x):
    """Sine of a float32, |x| <= 2^13 or NaN."""
    magnitude = abs(x)
    rounded = magnitude * _INVERSE_PI_F32 + _ROUND_F32
    y = _sine_f32(_rest_f32(magnitude, rounded - _ROUND_F32))
    parity = np.uint32(np.float32(rounded).view(np.uint32) << _PARITY_TO_SIGN_F32)
    sign = np.uint32(parity ^ np.uint32(np.float32(x).view(np.uint32) & _SIGN_F32))
    return np.uint32(np.float32(y).view(np.uint32) ^ sign).view(np.float32)


# below `tiny`, x³ underflows, as it may inside NumPy's sine
SIN_F64 = FastFunction(sin_f64, np.float64(-(2.0**20)), np.float64(2.0**20), np.float64(-np.inf), np.float64(2.0**-340))
SIN_F32 = FastFunction(sin_f32, np.float32(-(2.0**13)), np.float32(2.0**13), np.float32(-np.inf), np.float32(2.0**-42))

# ---- cos: |x| = (k + 1/2)·pi + r with |r| <= pi/2; cos(x) = (-1)^(k+1) · sin(r), with the polynomial of the sine ----
#
# Twice k + 1/2 has one bit more than the k of the sine at the end of the range, which the parts of pi have room for.

_HALF_F64 = np.float64(0.5)
_HALF_F32 = np.float32(0.5)
_ONE_U64 = np.uint64(1)
_ONE_U32 = np.uint32(1)


@jitable(fastmath=_FUSED)
def cos_f64(x):
    """Cosine of a float64, |x| <= 2^20 or NaN."""
    magnitude = abs(x)
    rounded = (magnitude * _INVERSE_PI_F64 - _HALF_F64) + _ROUND_F64
    y = _sine_f64(_rest_f64(magnitude, (rounded - _ROUND_F64) + _HALF_F64))
    sign = np.uint64((np.float64(rounded).view(np.uint64) + _ONE_U64) << _PARITY_TO_SIGN_F64)
    return np.uint64(np.float64(y).view(np.uint64) ^ sign).view(np.float64)


@jitable(fastmath=_FUSED)
def cos_f32(x):
    """Cosine of a float32, |x| <= 2^13 or NaN."""
    magnitude = abs(x)
    rounded = (magnitude * _INVERSE_PI_F32 - _HALF_F32) + _ROUND_F32
    y = _sine_f32(_rest_f32(magnitude, (rounded - _ROUND_F32) + _HALF_F32))
    sign = np.uint32(np.uint32(np.float32(rounded).view(np.uint32) + _ONE_U32) << _PARITY_TO_SIGN_F32)
    return np.uint32(np.float32(y).view(np.uint32) ^ sign).view(np.float32)


# below `tiny`, powers of x underflow, as for the sine
COS_F64 = SIN_F64._replace(evaluate=cos_f64)
COS_F32 = SIN_F32._replace(evaluate=cos_f32)

# ---- exp: x = k·ln 2 + r with |r| <= ln(2)/2; exp(x) = 2^k · (1 + r + r²·P(r)) ----
#
# The polynomial gives 2^-m·exp(r), m = the mantissa bits: 2^(k+m) is then a normal number even where exp(x) is
# denormal, and the one multiplication by it rounds once. The price is the last m octaves before overflow.

_ZERO_F64 = np.float64(-746.0)  # exp of it and of anything below is less than half of the smallest denormal number
_ZERO_F32 = np.float32(-104.0)
_LOG2_E_F64 = np.float64(1.4426950408889634)
_LN2_1_F64 = np.float64(float.fromhex("0x1.62e42fefa38p-1"))  # 42 bits: k < 2^11
_LN2_2_F64 = np.float64(float.fromhex("0x1.ef35793c7673p-45"))
_SCALE_F64 = np.float64(2.0**-53)
_EXPONENT_F64 = np.uint64(1023 + 53)
_MANTISSA_F64 = np.uint64(52)

_E0_F64 = np.float64(0.5000000000000010717769 * 2.0**-53)  # relative error 2^-57.9
_E1_F64 = np.float64(0.1666666666666641029406 * 2.0**-53)
_E2_F64 = np.float64(0.04166666666652921910509 * 2.0**-53)
_E3_F64 = np.float64(0.008333333333495595891662 * 2.0**-53)
_E4_F64 = np.float64(0.001388888894391384475015 * 2.0**-53)
_E5_F64 = np.float64(0.0001984126950480397928063 * 2.0**-53)
_E6_F64 = np.float64(0.00002480149277261945155928 * 2.0**-53)
_E7_F64 = np.float64(0.000002755758732694357843149 * 2.0**-53)
_E8_F64 = np.float64(2.763037488715528757348e-7 * 2.0**-53)
_E9_F64 = np.float64(2.499996415534897082211e-8 * 2.0**-53)


@jitable(fastmath=_FUSED)
def exp_f64(x):
    """Exponential of a float64, x <= 672 (-inf included) or NaN."""
    x = _ZERO_F64 if x < _ZERO_F64 else x  # a comparison with NaN is false: NaN stays
    rounded = x * _LOG2_E_F64 + _ROUND_F64
    k = rounded - _ROUND_F64
    r = (x - k * _LN2_1_F64) - k * _LN2_2_F64
    p = _E9_F64
    p = p * r + _E8_F64
    p = p * r + _E7_F64
    p = p * r + _E6_F64
    p = p * r + _E5_F64
    p = p * r + _E4_F64
    p = p * r + _E3_F64
    p = p * r + _E2_F64
    p = p * r + _E1_F64
    p = p * r + _E0_F64
    p = p * r + _SCALE_F64
    p = p * r + _SCALE_F64
    power = (np.float64(rounded).view(np.uint64) + _EXPONENT_F64) << _MANTISSA_F64
    return p * np.uint64(power).view(np.float64)


_LOG2_E_F32 = np.float32(1.4426950408889634)
_LN2_1_F32 = np.float32(float.fromhex("0x1.62e4p-1"))  # 15 bits: k < 2^8
_LN2_2_F32 = np.float32(float.fromhex("0x1.7f7d1cp-20"))
_SCALE_F32 = np.float32(2.0**-24)
_EXPONENT_F32 = np.uint32(127 + 24)
_MANTISSA_F32 = np.uint32(23)

_E0_F32 = np.float32(0.4999999341351385054595 * 2.0**-24)  # relative error 2^-28.3
_E1_F32 = np.float32(0.1666652012226046182196 * 2.0**-24)
_E2_F32 = np.float32(0.04166839403865208438632 * 2.0**-24)
_E3_F32 = np.float32(0.008368778683531279558507 * 2.0**-24)
_E4_F32 = np.float32(0.001381447073784657726098 * 2.0**-24)


@jitable(fastmath=_FUSED)
def exp_f32(x):
    """Exponential of a float32, x <= 71 (-inf included) or NaN."""
    x = _ZERO_F32 if x < _ZERO_F32 else x
    rounded = x * _LOG2_E_F32 + _ROUND_F32
    k = rounded - _ROUND_F32
    r = (x - k * _LN2_1_F32) - k * _LN2_2_F32
    p = _E4_F32
    p = p * r + _E3_F32
    p = p * r + _E2_F32
    p = p * r + _E1_F32
    p = p * r + _E0_F32
    p = p * r + _SCALE_F32
    p = p * r + _SCALE_F32
    power = np.uint32(np.uint32(np.float32(rounded).view(np.uint32) + _EXPONENT_F32) << _MANTISSA_F32)
    return p * np.uint32(power).view(np.float32)


# high: k + m must not pass the largest exponent; subnormal: logarithm of the smallest normal number; tiny: only NumPy's
# exp of float32 reports an underflow of the argument itself
EXP_F64 = FastFunction(exp_f64, np.float64(-np.inf), np.float64(672.0), np.float64(-708.396418532264), np.float64(0.0))
EXP_F32 = FastFunction(exp_f32, np.float32(-np.inf), np.float32(71.0), np.float32(-87.33654), np.float32(2.0**-126))


# ---- order: floats as integers of the same order, because LLVM vectorises the maximum of integers only ----

_MAGNITUDE_F64 = np.int64((1 << 63) - 1)
_MAGNITUDE_F32 = np.int32((1 << 31) - 1)
_SIGN_SHIFT_F64 = np.int64(63)
_SIGN_SHIFT_F32 = np.int32(31)
LOWEST_F64 = np.int64(-(1 << 63))  # below every float
LOWEST_F32 = np.int32(-(1 << 31))


@jitable
def ordered_f64(x):
    """An int64 that orders as the float64 does: -0.0 below 0.0, a positive NaN above infinity."""
    bits = np.float64(x).view(np.int64)
    return np.int64(bits ^ ((bits >> _SIGN_SHIFT_F64) & _MAGNITUDE_F64))


@jitable
def from_ordered_f64(order):
    """The float64 of which `ordered_f64` is `order`."""
    return np.int64(order ^ ((order >> _SIGN_SHIFT_F64) & _MAGNITUDE_F64)).view(np.float64)


@jitable
def ordered_f32(x):
    """An int32 that orders as the float32 does: -0.0 below 0.0, a positive NaN above infinity."""
    bits = np.float32(x).view(np.int32)
    return np.int32(bits ^ np.int32(np.int32(bits >> _SIGN_SHIFT_F32) & _MAGNITUDE_F32))


@jitable
def from_ordered_f32(order):
    """The float32 of which `ordered_f32` is `order`."""
    return np.int32(order ^ np.int32(np.int32(order >> _SIGN_SHIFT_F32) & _MAGNITUDE_F32)).view(np.float32)
