"""sin, cos and tan: the range reduced by multiples of pi, and polynomials of the rest.

sin: x = k·pi + r with |r| <= pi/2; sin(x) = (-1)^k · (r + r³·P(r²)).
cos: |x| = (k + 1/2)·pi + r with |r| <= pi/2; cos(x) = (-1)^(k+1) · sin(r).
tan: x = k·pi/2 + r with |r| <= pi/4; t = 2·tan(r/2) = r + r³·P(r²); tan(x) = t / (1 - t²/4), or its negative inverse
for odd k. What is lost when r and t are rounded goes into the result by its derivative.
"""

import numpy as np

from autotune import jitable
from kernels.floats import FUSED
from kernels.vecmath.precision import F32, F64, FastFunction, polynomial

_PI_1_F64 = np.float64(float.fromhex("0x1.921fb544p+1"))  # 33 bits each, the last one rounded to 53: k < 2^20
_PI_2_F64 = np.float64(float.fromhex("0x1.0b4611a6p-33"))
_PI_3_F64 = np.float64(float.fromhex("0x1.3198a2ep-68"))
_PI_4_F64 = np.float64(float.fromhex("0x1.b839a252049c1p-103"))


@jitable(fastmath=FUSED)
def _rest_f64(magnitude, k):
    """magnitude - k·pi for a k, whole or half, of at most 20 significant bits, in two parts."""
    exact = magnitude - k * _PI_1_F64
    high = exact - k * _PI_2_F64
    lost = (exact - high) - k * _PI_2_F64  # what that subtraction rounded away
    low = (lost - k * _PI_3_F64) - k * _PI_4_F64
    r = high + low
    return r, (high - r) + low


_PI_1_F32 = np.float32(float.fromhex("0x1.92p+1"))  # 11 bits each, the last one rounded to 24: k < 2^13
_PI_2_F32 = np.float32(float.fromhex("0x1.fb4p-11"))
_PI_3_F32 = np.float32(float.fromhex("0x1.444p-23"))
_PI_4_F32 = np.float32(float.fromhex("0x1.68c234p-38"))


@jitable(fastmath=FUSED)
def _rest_f32(magnitude, k):
    """magnitude - k·pi for a k, whole or half, of at most 13 significant bits, in two parts."""
    r_1 = magnitude - k * _PI_1_F32
    r_2 = r_1 - k * _PI_2_F32
    r_3 = r_2 - k * _PI_3_F32
    lost = ((r_1 - r_2) - k * _PI_2_F32) + ((r_2 - r_3) - k * _PI_3_F32)
    low = lost - k * _PI_4_F32
    r = r_3 + low
    return r, (r_3 - r) + low


def _sine_and_cosine(precision, rest, *coefficients):
    number, bits, _, _, sign_bit, parity_to_sign, rounding = precision
    series = polynomial(precision, *coefficients)
    inverse_pi = number(0.3183098861837907)
    half, one = number(0.5), bits(1)

    @jitable(fastmath=FUSED)
    def sine(r):
        """Sine of |r| <= pi/2."""
        square = r * r
        return r + (r * square) * series(square)

    @jitable(fastmath=FUSED)
    def sin(x):
        """Sine."""
        magnitude = abs(x)  # an odd function: the sign goes back on at the end, so that -0.0 stays -0.0
        rounded = magnitude * inverse_pi + rounding
        r, _ = rest(magnitude, rounded - rounding)
        y = sine(r)
        parity = bits(number(rounded).view(bits) << parity_to_sign)
        sign = bits(parity ^ bits(number(x).view(bits) & sign_bit))
        return bits(number(y).view(bits) ^ sign).view(number)

    @jitable(fastmath=FUSED)
    def cos(x):
        """Cosine."""
        magnitude = abs(x)
        rounded = (magnitude * inverse_pi - half) + rounding
        # twice k + 1/2 has one bit more than the k of the sine at the end of the range, for which there is room
        r, _ = rest(magnitude, (rounded - rounding) + half)
        y = sine(r)
        sign = bits(bits(number(rounded).view(bits) + one) << parity_to_sign)
        return bits(number(y).view(bits) ^ sign).view(number)

    return sin, cos


sin_f64, cos_f64 = _sine_and_cosine(
    F64,
    _rest_f64,
    -0.1666666666666666556956,  # relative error 2^-61.7
    0.008333333333333194304979,
    -0.0001984126984120921859942,
    0.000002755731921113716651103,
    -2.505210687279183935872e-8,
    1.605893970535264317225e-10,
    -7.642991474668968519998e-13,
    2.721174803802561142578e-15,
)
sin_f32, cos_f32 = _sine_and_cosine(
    F32,
    _rest_f32,
    -0.1666666,  # relative error 2^-27.3
    0.008333069,
    -0.00019809777,
    2.6060957e-06,
)


def _tangent(precision, rest, *coefficients):
    number, bits, _, _, sign_bit, parity_to_sign, rounding = precision
    series = polynomial(precision, *(coefficient / 4.0**power for power, coefficient in enumerate(coefficients, 1)))
    two_over_pi = number(0.6366197723675814)
    half, quarter, one, odd = number(0.5), number(0.25), number(1), bits(1)

    @jitable(fastmath=FUSED)
    def tan(x):
        """Tangent."""
        magnitude = abs(x)
        rounded = magnitude * two_over_pi + rounding
        r, low = rest(magnitude, (rounded - rounding) * half)
        square = r * r
        more = r * square * series(square) + low
        t = r + more
        lost = (r - t) + more
        top, bottom = t, one - quarter * (t * t)
        parity = bits(number(rounded).view(bits) & odd)
        turned = parity == odd
        y = (bottom if turned else top) / (top if turned else bottom)
        y = y + (-lost if turned else lost) * (y * y + one)
        sign = bits(bits(parity << parity_to_sign) ^ bits(number(x).view(bits) & sign_bit))
        return bits(number(y).view(bits) ^ sign).view(number)

    return tan


tan_f64 = _tangent(
    F64,
    _rest_f64,
    0.3333333333333350382335,  # of tan(r/2); relative error 2^-58.7
    0.133333333332891038731,
    0.05396825400771540820879,
    0.02186948681294339334116,
    0.008863277997468003801683,
    0.003591498224785771490934,
    0.001461553296093911773456,
    0.0005591115169773004071959,
    0.0003287445525742550316915,
)
tan_f32 = _tangent(
    F32,
    _rest_f32,
    0.33333293,  # of tan(r/2); relative error 2^-28.9
    0.1333589,
    0.053474296,
    0.025562974,
)

# below `tiny`, x³ underflows, as it may inside NumPy's functions
SIN_F64 = FastFunction(sin_f64, np.float64(-(2.0**20)), np.float64(2.0**20), np.float64(-np.inf), np.float64(2.0**-340))
SIN_F32 = FastFunction(sin_f32, np.float32(-(2.0**13)), np.float32(2.0**13), np.float32(-np.inf), np.float32(2.0**-42))
COS_F64 = SIN_F64._replace(evaluate=cos_f64)
COS_F32 = SIN_F32._replace(evaluate=cos_f32)
TAN_F64 = SIN_F64._replace(evaluate=tan_f64)
TAN_F32 = SIN_F32._replace(evaluate=tan_f32)
