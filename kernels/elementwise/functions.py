"""NumPy's functions of one number: drop-ins for those of the same name.

The fast variants evaluate the polynomials of `vecmath`. They cover float32 and float64 with the keyword `out` at
most. A call with an argument beyond the fast range (for sine, cosine and tangent of float64, |x| > 2^20), and one that
NumPy would answer with a floating-point warning, is NumPy's.
"""

import numpy as np

from autotune import jitable, tunable
from kernels import vecmath
from kernels.elementwise.loops import DECLARATION, add_variants


def _normal(rng, dtype, n):
    return (rng.standard_normal(n).astype(dtype),)


def _positive(rng, dtype, n):
    return (rng.lognormal(size=n).astype(dtype),)


def _sines(rng, dtype, n):
    return (rng.uniform(-1, 1, n).astype(dtype),)


def _declare(function, fast_f32, fast_f64, inputs=_normal):
    kernel = tunable(function, inputs=inputs, **DECLARATION)
    add_variants(kernel, fast_f32, "f32", "f")
    add_variants(kernel, fast_f64, "f64", "d")
    return kernel


@jitable
def _square_root(value):
    return np.sqrt(value)


_SQRT_F32 = vecmath.LOG_F32._replace(evaluate=_square_root, low=np.float32(0))
_SQRT_F64 = vecmath.LOG_F64._replace(evaluate=_square_root, low=np.float64(0))

arccos = _declare(np.arccos, vecmath.ARCCOS_F32, vecmath.ARCCOS_F64, _sines)
arcsin = _declare(np.arcsin, vecmath.ARCSIN_F32, vecmath.ARCSIN_F64, _sines)
arctan = _declare(np.arctan, vecmath.ARCTAN_F32, vecmath.ARCTAN_F64)
cos = _declare(np.cos, vecmath.COS_F32, vecmath.COS_F64)
cosh = _declare(np.cosh, vecmath.COSH_F32, vecmath.COSH_F64)
exp = _declare(np.exp, vecmath.EXP_F32, vecmath.EXP_F64)
log = _declare(np.log, vecmath.LOG_F32, vecmath.LOG_F64, _positive)
sin = _declare(np.sin, vecmath.SIN_F32, vecmath.SIN_F64)
sinh = _declare(np.sinh, vecmath.SINH_F32, vecmath.SINH_F64)
sqrt = _declare(np.sqrt, _SQRT_F32, _SQRT_F64, _positive)
tan = _declare(np.tan, vecmath.TAN_F32, vecmath.TAN_F64)
tanh = _declare(np.tanh, vecmath.TANH_F32, vecmath.TANH_F64)
