"""sinh, cosh and tanh.

sinh: x + x³·P(x²) for |x| < 1, (exp(x) - exp(-x)) / 2 above.
cosh: (exp(x) + exp(-x)) / 2.
tanh: x + x³·P(x²)/Q(x²) for |x| < 0.625, 1 - 2 / (exp(2x) + 1) above, with one division for both. At the border the two
are equally accurate (Cody & Waite 1980, chapter 13: tanh).
"""

import numpy as np

from autotune import jitable
from kernels.floats import FUSED
from kernels.vecmath.exponential import EXP_F32, EXP_F64, exp_f32, exp_f64
from kernels.vecmath.precision import F32, F64, FastFunction, polynomial


def _hyperbolic_tangent(precision, exp, one_from, above, below):
    number, bits, _, _, sign, *_ = precision
    numerator, denominator = polynomial(precision, *above), polynomial(precision, *below)
    one, two, border = number(1), number(2), number(0.625)

    @jitable(fastmath=FUSED)
    def tanh(x):
        """Hyperbolic tangent."""
        magnitude = abs(x)
        magnitude = one_from if magnitude > one_from else magnitude  # a comparison with NaN is false: NaN stays
        square = magnitude * magnitude
        near = magnitude < border
        quotient_top, quotient_bottom = magnitude * square * numerator(square), denominator(square)
        grown = exp(magnitude + magnitude) + one
        top = quotient_top if near else -two
        bottom = quotient_bottom if near else grown
        value = (magnitude if near else one) + top / bottom
        return bits(number(value).view(bits) | bits(number(x).view(bits) & sign)).view(number)

    return tanh


tanh_f64 = _hyperbolic_tangent(
    F64,
    exp_f64,
    np.float64(20.0),  # there and beyond, tanh rounds to 1
    (-0.3333333333333332354357, -0.02049678430001219937747, -0.0001990888297690007132912),  # relative error 2^-60.5
    (1.0, 0.4614903529000215142189, 0.02328864574481275359666, 0.0002064381967007145911227),
)
tanh_f32 = _hyperbolic_tangent(
    F32,
    exp_f32,
    np.float32(10.0),
    (-0.3333330800032759975106, -0.001541563379382738073706),  # relative error 2^-27.7
    (1.0, 0.4046122505300079735114),
)


def _hyperbolic_sine_and_cosine(precision, exp, *coefficients):
    number, bits, _, _, sign, *_ = precision
    series = polynomial(precision, *coefficients)
    one, half, quarter = number(1), number(0.5), number(0.25)

    @jitable(fastmath=FUSED)
    def sinh(x):
        """Hyperbolic sine."""
        magnitude = abs(x)
        square = magnitude * magnitude
        near = magnitude + magnitude * square * series(square)
        growing = half * exp(magnitude)
        value = near if magnitude < one else growing - quarter / growing
        return bits(number(value).view(bits) | bits(number(x).view(bits) & sign)).view(number)

    @jitable(fastmath=FUSED)
    def cosh(x):
        """Hyperbolic cosine."""
        growing = half * exp(abs(x))
        return growing + quarter / growing

    return sinh, cosh


sinh_f64, cosh_f64 = _hyperbolic_sine_and_cosine(
    F64,
    exp_f64,
    0.1666666666666666738345,  # relative error 2^-63.3
    0.008333333333333147743147,
    0.0001984126984143187261039,
    0.000002755731915707184863915,
    2.505212313672588279811e-8,
    1.605725976860505011417e-10,
    7.758748802161066208771e-13,
)
sinh_f32, cosh_f32 = _hyperbolic_sine_and_cosine(
    F32,
    exp_f32,
    0.16666716,  # relative error 2^-25.3
    0.008330271,
    0.0002037334,
)

# below `tiny`, NumPy's x³ underflows
TANH_F64 = FastFunction(tanh_f64, np.float64(-np.inf), np.float64(np.inf), np.float64(-np.inf), np.float64(2.0**-340))
TANH_F32 = FastFunction(tanh_f32, np.float32(-np.inf), np.float32(np.inf), np.float32(-np.inf), np.float32(2.0**-42))
SINH_F64 = FastFunction(sinh_f64, -EXP_F64.high, EXP_F64.high, np.float64(-np.inf), np.float64(2.0**-340))
SINH_F32 = FastFunction(sinh_f32, -EXP_F32.high, EXP_F32.high, np.float32(-np.inf), np.float32(2.0**-42))
COSH_F64 = SINH_F64._replace(evaluate=cosh_f64)
COSH_F32 = SINH_F32._replace(evaluate=cosh_f32)
