"""Vector mathematics: elementary functions of one number, written so that LLVM vectorises the loop that calls them.

Every function here is branch-free: a reduction of the range by multiples of a constant split into exact parts (Cody &
Waite, *Software Manual for the Elementary Functions*, 1980), minimax polynomials, and a reconstruction on the bits of
the result. A loop over an array that calls one of them becomes AVX-512, AVX2 or NEON code without intrinsics.

What a caller must know
    * Accuracy: below 2 ulp of the true value on the fast range, with and without fused multiply-add.
    * Range: each function has one (`FastFunction`). Outside, the result is unspecified, so the caller tests and uses
      another method. NaN gives NaN; signed zeros and denormal numbers are right.
    * No floating-point warnings: compiled code is silent. Where NumPy's own function may report an underflow
      (`FastFunction`), a caller that must report it too asks NumPy.

The polynomials were computed for this package with the Remez exchange algorithm in 240-bit arithmetic (mpmath),
minimising the relative error of the function, and then rounded (those for float32 one coefficient after the other, the
rest computed again each time); the error beside each is that before rounding to float64, and that after rounding to
float32. The constants of the reductions are pi and ln 2, cut into parts with so many trailing zero bits that k·part is
exact for every k of the fast range.

Both precisions share one text: a factory takes the constants, closures hold them.

This package knows nothing of arrays, dtypes as arguments, warnings, or threads.
"""

from kernels.vecmath.circular import (
    COS_F32,
    COS_F64,
    SIN_F32,
    SIN_F64,
    TAN_F32,
    TAN_F64,
    cos_f32,
    cos_f64,
    sin_f32,
    sin_f64,
    tan_f32,
    tan_f64,
)
from kernels.vecmath.exponential import (
    EXP_F32,
    EXP_F64,
    LOG_F32,
    LOG_F64,
    SIGMOID_F32,
    SIGMOID_F64,
    exp_f32,
    exp_f64,
    log_f32,
    log_f64,
    sigmoid_f32,
    sigmoid_f64,
)
from kernels.vecmath.hyperbolic import (
    COSH_F32,
    COSH_F64,
    SINH_F32,
    SINH_F64,
    TANH_F32,
    TANH_F64,
    cosh_f32,
    cosh_f64,
    sinh_f32,
    sinh_f64,
    tanh_f32,
    tanh_f64,
)
from kernels.vecmath.inverse import (
    ARCCOS_F32,
    ARCCOS_F64,
    ARCSIN_F32,
    ARCSIN_F64,
    ARCTAN_F32,
    ARCTAN_F64,
    arccos_f32,
    arccos_f64,
    arcsin_f32,
    arcsin_f64,
    arctan_f32,
    arctan_f64,
)
from kernels.vecmath.order import (
    LOWEST_F32,
    LOWEST_F64,
    from_ordered_f32,
    from_ordered_f64,
    ordered_f32,
    ordered_f64,
)
from kernels.vecmath.power import power_f32, power_f64
from kernels.vecmath.precision import FastFunction

__all__ = [
    "ARCCOS_F32",
    "ARCCOS_F64",
    "ARCSIN_F32",
    "ARCSIN_F64",
    "ARCTAN_F32",
    "ARCTAN_F64",
    "COSH_F32",
    "COSH_F64",
    "COS_F32",
    "COS_F64",
    "EXP_F32",
    "EXP_F64",
    "LOG_F32",
    "LOG_F64",
    "LOWEST_F32",
    "LOWEST_F64",
    "SIGMOID_F32",
    "SIGMOID_F64",
    "SINH_F32",
    "SINH_F64",
    "SIN_F32",
    "SIN_F64",
    "TANH_F32",
    "TANH_F64",
    "TAN_F32",
    "TAN_F64",
    "FastFunction",
    "arccos_f32",
    "arccos_f64",
    "arcsin_f32",
    "arcsin_f64",
    "arctan_f32",
    "arctan_f64",
    "cos_f32",
    "cos_f64",
    "cosh_f32",
    "cosh_f64",
    "exp_f32",
    "exp_f64",
    "from_ordered_f32",
    "from_ordered_f64",
    "log_f32",
    "log_f64",
    "ordered_f32",
    "ordered_f64",
    "power_f32",
    "power_f64",
    "sigmoid_f32",
    "sigmoid_f64",
    "sin_f32",
    "sin_f64",
    "sinh_f32",
    "sinh_f64",
    "tan_f32",
    "tan_f64",
    "tanh_f32",
    "tanh_f64",
]
