"""tanh: x + x³·P(x²)/Q(x²) for |x| < 0.625, 1 - 2 / (exp(2x) + 1) above, with one division for both.

At the border the two are equally accurate (Cody & Waite 1980, chapter 13: tanh).
"""

import numpy as np

from autotune import jitable
from kernels.vecmath.exponential import exp_f32, exp_f64
from kernels.vecmath.precision import F32, F64, FUSED, FastFunction, polynomial


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
        top = magnitude * square * numerator(square) if near else -two
        bottom = denominator(square) if near else exp(magnitude + magnitude) + one
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

# below `tiny`, NumPy's x³ underflows
TANH_F64 = FastFunction(tanh_f64, np.float64(-np.inf), np.float64(np.inf), np.float64(-np.inf), np.float64(2.0**-340))
TANH_F32 = FastFunction(tanh_f32, np.float32(-np.inf), np.float32(np.inf), np.float32(-np.inf), np.float32(2.0**-42))
