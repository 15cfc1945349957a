"""arcsin, arccos and arctan.

arcsin: p(t) = t + t³·P(t²) with t = |x| for |x| <= 1/2; above, pi/2 - 2·p(t) with t = sqrt((1 - |x|) / 2).
arccos: the same p: pi/2 - p for |x| <= 1/2, 2·p for x above, pi - 2·p for x below.
arctan: t + t³·P(t²) with t = |x| for |x| <= 1; above, pi/2 + p(t) with t = -1 / |x|.
"""

import numpy as np

from autotune import jitable
from kernels.floats import FUSED
from kernels.vecmath.precision import F32, F64, FastFunction, polynomial

# pi/2 in two parts
_RIGHT_F64 = np.float64(float.fromhex("0x1.921fb54442d18p+0")), np.float64(float.fromhex("0x1.1a62633145c07p-54"))
_RIGHT_F32 = np.float32(float.fromhex("0x1.921fb6p+0")), np.float32(float.fromhex("-0x1.777a5cp-25"))


def _inverse_sine_and_cosine(precision, right, right_rest, *coefficients):
    number, bits, _, _, sign, *_ = precision
    series = polynomial(precision, *coefficients)
    zero, half, one, two = number(0), number(0.5), number(1), number(2)
    flat, flat_rest = two * right, two * right_rest

    @jitable(fastmath=FUSED)
    def reduced(magnitude):
        """t, and what p(t) has beyond it."""
        square = (one - magnitude) * half if magnitude > half else magnitude * magnitude
        t = np.sqrt(square) if magnitude > half else magnitude
        return t, t * square * series(square)

    @jitable(fastmath=FUSED)
    def arcsin(x):
        """Inverse sine."""
        magnitude = abs(x)
        t, rest = reduced(magnitude)
        start = right - two * t
        lost = (right - start) - two * t  # what that subtraction rounded away
        value = start - (two * rest - (right_rest + lost)) if magnitude > half else t + rest
        return bits(number(value).view(bits) | bits(number(x).view(bits) & sign)).view(number)

    @jitable(fastmath=FUSED)
    def arccos(x):
        """Inverse cosine."""
        magnitude = abs(x)
        t, rest = reduced(magnitude)
        negative, steep = x < zero, magnitude > half
        factor = (-two if negative else two) if steep else (one if negative else -one)
        start = (flat if negative else zero) if steep else right
        start_rest = (flat_rest if negative else zero) if steep else right_rest
        return (start + factor * t) + (factor * rest + start_rest)

    return arcsin, arccos


arcsin_f64, arccos_f64 = _inverse_sine_and_cosine(
    F64,
    *_RIGHT_F64,
    0.1666666666666676059623,  # relative error 2^-59.9
    0.07499999999970756571191,
    0.04464285717465494233589,
    0.03038194270563257393514,
    0.02237221505053358406137,
    0.0173516108446977721794,
    0.01398083501703170881366,
    0.01139879017489837548863,
    0.01078095710156656472857,
    0.003703673012394129139344,
    0.02171428383545335263278,
    -0.02100898875699576548998,
    0.03263498586284036606293,
)
arcsin_f32, arccos_f32 = _inverse_sine_and_cosine(
    F32,
    *_RIGHT_F32,
    0.16666752,  # relative error 2^-27.6
    0.07495309,
    0.045469306,
    0.024183769,
    0.04216035,
)


def _inverse_tangent(precision, right, right_rest, *coefficients):
    number, bits, _, _, sign, *_ = precision
    series = polynomial(precision, *coefficients)
    zero, one = number(0), number(1)

    @jitable(fastmath=FUSED)
    def arctan(x):
        """Inverse tangent."""
        magnitude = abs(x)
        far = magnitude > one
        t = (-one if far else magnitude) / (magnitude if far else one)
        square = t * t
        value = (right if far else zero) + (t + (t * square * series(square) + (right_rest if far else zero)))
        return bits(number(value).view(bits) | bits(number(x).view(bits) & sign)).view(number)

    return arctan


arctan_f64 = _inverse_tangent(
    F64,
    *_RIGHT_F64,
    -0.3333333333333328571074,  # relative error 2^-60.2
    0.1999999999999044575909,
    -0.1428571428503654405707,
    0.111111110864449788855,
    -0.09090908547213452737532,
    0.07692299711273081649244,
    -0.06666583718467602744697,
    0.05881716126575623974535,
    -0.05259433657709671193392,
    0.0474492563791287214532,
    -0.04286389556293411098391,
    0.03821003349003589833888,
    -0.03278537510592300421096,
    0.02615159320892730743229,
    -0.01861412135758506347823,
    0.01131758812544341530808,
    -0.00561234967476474187237,
    0.002151571462364524173754,
    -0.0005928882248924315868002,
    0.0001038709570657106964785,
    -0.000008654124653654497705942,
)
arctan_f32 = _inverse_tangent(
    F32,
    *_RIGHT_F32,
    -0.333333,  # relative error 2^-28.4
    0.1999853,
    -0.14264016,
    0.10950881,
    -0.08399307,
    0.057881046,
    -0.031095807,
    0.010867322,
    -0.0017822927,
)

# below `tiny`, NumPy's x³ underflows
ARCTAN_F64 = FastFunction(
    arctan_f64, np.float64(-np.inf), np.float64(np.inf), np.float64(-np.inf), np.float64(2.0**-340)
)
ARCTAN_F32 = FastFunction(
    arctan_f32, np.float32(-np.inf), np.float32(np.inf), np.float32(-np.inf), np.float32(2.0**-42)
)
ARCSIN_F64 = ARCTAN_F64._replace(evaluate=arcsin_f64, low=np.float64(-1), high=np.float64(1))
ARCSIN_F32 = ARCTAN_F32._replace(evaluate=arcsin_f32, low=np.float32(-1), high=np.float32(1))
ARCCOS_F64 = ARCSIN_F64._replace(evaluate=arccos_f64)
ARCCOS_F32 = ARCSIN_F32._replace(evaluate=arccos_f32)
