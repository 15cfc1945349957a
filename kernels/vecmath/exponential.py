"""exp, the logistic function, and log.

exp: x = k·ln 2 + r with |r| <= ln(2)/2; exp(x) = 2^k · (1 + r + r²·P(r)). The polynomial gives 2^-m·exp(r), m being
the bits of the mantissa: 2^(k+m) is then a normal number even where exp(x) is denormal, and the one multiplication by
it rounds once. The price is the last m octaves before overflow.

sigmoid: 1 / (1 + exp(-x)), as exp(-|x|) / (1 + exp(-|x|)) for negative x, so that nothing overflows.

log: x = 2^k·(1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) = 2·atanh(s) with s = f / (2 + f), as
f - (f²/2 - s·(f²/2 + s²·P(s²))), so that nothing is lost next to 1 (Ng, `e_log.c` of FDLIBM, 1993).
"""

import math

import numpy as np

from autotune import jitable
from kernels.floats import FUSED
from kernels.vecmath.precision import F32, F64, FastFunction, polynomial


def _exponential(precision, zero, log2_e, ln2_1, ln2_2, *coefficients):
    number, bits, mantissa, bias, _, _, rounding = precision
    shift = bits(int(bias) + int(mantissa) + 1)
    scale = 0.5 / 2.0 ** int(mantissa)
    scaled = polynomial(precision, scale, scale, *(coefficient * scale for coefficient in coefficients))

    @jitable(fastmath=FUSED)
    def exp(x):
        """e to the power of x."""
        x = zero if x < zero else x  # a comparison with NaN is false: NaN stays
        rounded = x * log2_e + rounding
        k = rounded - rounding
        r = (x - k * ln2_1) - k * ln2_2
        power = bits(bits(number(rounded).view(bits) + shift) << mantissa)
        return scaled(r) * bits(power).view(number)

    return exp


LN2_F64 = np.float64(float.fromhex("0x1.62e42fefa38p-1")), np.float64(float.fromhex("0x1.ef35793c7673p-45"))  # k < 2^11
LN2_F32 = np.float32(float.fromhex("0x1.62e4p-1")), np.float32(float.fromhex("0x1.7f7d1cp-20"))  # k < 2^8

# exp(r) = 1 + r + r²·P(r)
_EXP_F64 = (
    0.5000000000000010717769,  # relative error 2^-57.9
    0.1666666666666641029406,
    0.04166666666652921910509,
    0.008333333333495595891662,
    0.001388888894391384475015,
    0.0001984126950480397928063,
    0.00002480149277261945155928,
    0.000002755758732694357843149,
    2.763037488715528757348e-7,
    2.499996415534897082211e-8,
)
exp_series_f64 = polynomial(F64, *_EXP_F64)

exp_f64 = _exponential(
    F64,
    np.float64(-746.0),  # exp of it and of anything below is less than half of the smallest denormal number
    np.float64(1.4426950408889634),
    *LN2_F64,
    *_EXP_F64,
)
exp_f32 = _exponential(
    F32,
    np.float32(-104.0),
    np.float32(1.4426950408889634),
    *LN2_F32,
    0.4999999341351385054595,  # relative error 2^-28.3
    0.1666652012226046182196,
    0.04166839403865208438632,
    0.008368778683531279558507,
    0.001381447073784657726098,
)


def _logistic(precision, exp, largest):
    number = precision.number
    zero, half, one, infinity = number(0), number(0.5), number(1), number(np.inf)

    @jitable(fastmath=FUSED)
    def sigmoid(x):
        """The logistic function; 0 where exp(-x) overflows, as `scipy.special.expit`."""
        magnitude = abs(x)
        small = exp(-infinity if magnitude > largest else -magnitude)
        divisor = one + small
        lost = (one - divisor) + small  # what that sum rounded away
        value = (small if x < zero else one) / divisor
        return value - value * (lost * (one - half * small))  # the last factor is nearly 1 / divisor

    return sigmoid


sigmoid_f64 = _logistic(F64, exp_f64, np.float64(709.782712893384))  # exp of anything above overflows
sigmoid_f32 = _logistic(F32, exp_f32, np.float32(88.72283))


def _logarithm(precision, ln2_1, ln2_2, *coefficients):
    number, bits, mantissa, bias, *_ = precision
    m = int(mantissa)
    series = polynomial(precision, *coefficients)
    lowest = int(number(math.sqrt(0.5)).view(bits))  # where the mantissa of 1 + f begins
    half = int(bias) + 1
    offset = bits((half << m) - lowest)
    start, fraction = bits(lowest), bits((1 << m) - 1)
    integer = number(2.0**m).view(bits)  # of a number with this exponent, the mantissa is an integer
    up = number(2.0 ** (m + 2))
    zero, zero_of_small = number(2.0**m + half), number(2.0**m + half + m + 2)
    one, two, one_half, infinity, smallest = number(1), number(2), number(0.5), number(np.inf), np.finfo(number).tiny

    @jitable(fastmath=FUSED)
    def log(x):
        """Natural logarithm."""
        small = x < smallest  # denormal numbers are made normal
        shifted = bits(number(x * up if small else x).view(bits) + offset)
        k = bits(bits(shifted >> mantissa) | integer).view(number) - (zero_of_small if small else zero)
        f = bits(bits(shifted & fraction) + start).view(number) - one
        s = f / (two + f)
        square = s * s
        half_f2 = one_half * f * f
        value = k * ln2_1 - ((half_f2 - (s * (half_f2 + square * series(square)) + k * ln2_2)) - f)
        return value if x < infinity else x  # infinity and NaN are their own logarithms

    return log


log_f64 = _logarithm(
    F64,
    *LN2_F64,
    0.6666666666666734203291,  # relative error 2^-59.5
    0.3999999999941601661689,
    0.285714287421022145226,
    0.222221986011438025049,
    0.181835629425909896845,
    0.1531408419634203823005,
    0.1479563014878585690954,
)
log_f32 = _logarithm(
    F32,
    *LN2_F32,
    0.66666776,  # relative error 2^-30.2
    0.39977586,
    0.29870695,
)

# high: k + m must not pass the largest exponent; subnormal: logarithm of the smallest normal number; tiny: only NumPy's
# exp of float32 reports an underflow of the argument itself
EXP_F64 = FastFunction(exp_f64, np.float64(-np.inf), np.float64(672.0), np.float64(-708.396418532264), np.float64(0.0))
EXP_F32 = FastFunction(exp_f32, np.float32(-np.inf), np.float32(71.0), np.float32(-87.33654), np.float32(2.0**-126))

# zero and negative numbers are outside, where NumPy warns
LOG_F64 = FastFunction(log_f64, np.float64(2.0**-1074), np.float64(np.inf), np.float64(-np.inf), np.float64(0.0))
LOG_F32 = FastFunction(log_f32, np.float32(2.0**-149), np.float32(np.inf), np.float32(-np.inf), np.float32(0.0))

# expit reports nothing
SIGMOID_F64 = FastFunction(sigmoid_f64, np.float64(-np.inf), np.float64(np.inf), np.float64(-np.inf), np.float64(0.0))
SIGMOID_F32 = FastFunction(sigmoid_f32, np.float32(-np.inf), np.float32(np.inf), np.float32(-np.inf), np.float32(0.0))
