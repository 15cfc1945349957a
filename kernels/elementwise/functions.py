"""NumPy's functions of one number: drop-ins for those of the same name.

The fast variants evaluate the polynomials of `vecmath`. They cover float32 and float64 with the keyword `out` at
most. A call with an argument beyond the fast range (for sine and cosine of float64, |x| > 2^20), and one that NumPy
would answer with a floating-point warning, is NumPy's.
"""

import numpy as np

from autotune import Choice, Range, tunable
from kernels import vecmath
from kernels.elementwise.loops import add_variants


def _normal(rng, dtype, n):
    return (rng.standard_normal(n).astype(dtype),)


def _positive(rng, dtype, n):
    return (rng.lognormal(size=n).astype(dtype),)


def _declare(function, fast_f32, fast_f64, inputs=_normal):
    kernel = tunable(
        function,
        size={"n": "x.size"},
        inputs=inputs,
        calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
        mutates=("out",),
        elementwise=True,
    )
    add_variants(kernel, fast_f32, "f32", "f")
    add_variants(kernel, fast_f64, "f64", "d")
    return kernel


cos = _declare(np.cos, vecmath.COS_F32, vecmath.COS_F64)
exp = _declare(np.exp, vecmath.EXP_F32, vecmath.EXP_F64)
log = _declare(np.log, vecmath.LOG_F32, vecmath.LOG_F64, _positive)
sin = _declare(np.sin, vecmath.SIN_F32, vecmath.SIN_F64)
tanh = _declare(np.tanh, vecmath.TANH_F32, vecmath.TANH_F64)
