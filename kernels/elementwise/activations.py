"""Activations of neural networks: relu and sigmoid."""

from functools import lru_cache

import numpy as np

from autotune import jitable, tunable
from kernels import vecmath
from kernels.elementwise.loops import DECLARATION, add_variants


def _inputs(rng, dtype, n):
    return (rng.standard_normal(n).astype(dtype),)


@tunable(inputs=_inputs, **DECLARATION)
def relu(x, out=None):
    """The positive part: ``np.maximum(x, 0)``.

    Parameters
    ----------
    x : array_like
        Of any shape; NaN stays NaN.
    out : ndarray, optional
        Where to put the result; `x` itself may be given.

    Returns
    -------
    ndarray
        Of the shape and type of `x`.
    """
    return np.maximum(x, 0, out=out)


@tunable(inputs=_inputs, **DECLARATION)
def sigmoid(x, out=None):
    """The logistic function 1 / (1 + exp(-x)), as `scipy.special.expit`.

    Parameters
    ----------
    x : array_like
        Of any shape.
    out : ndarray, optional
        Where to put the result; `x` itself may be given.

    Returns
    -------
    ndarray
        Of the shape of `x`; float64 where `x` is not float32 or longer.

    Raises
    ------
    TypeError
        If `x` is complex.

    Notes
    -----
    Where exp(-x) overflows, the result is 0; nothing is reported, as with `expit`.
    """
    dtype = np.asarray(x).dtype
    with np.errstate(all="ignore"):
        inverse = np.exp(np.negative(x, dtype=dtype if dtype.char in "fdg" else np.float64))
        inverse += 1
        return np.divide(1, inverse, out=out)


def _relu_of(number):
    zero = number(0)

    @jitable
    def evaluate(value):
        return zero if value <= zero else value  # NaN and no zero but the positive one

    return vecmath.FastFunction(evaluate, number(-np.inf), number(np.inf), number(-np.inf), zero)


@lru_cache(maxsize=1)
def _expit():
    from scipy.special import expit

    return expit


@sigmoid.variant(
    kind="library",
    requires=("scipy",),
    when="x.ndim > 0 and x.dtype.char in 'fd' and (out is None or out.dtype == x.dtype)",
)
def scipy(x, out=None):
    """SciPy's, one number after the other, without a detour: wins on a few."""
    return _expit()(x, out)


add_variants(relu, _relu_of(np.float32), "f32", "f")
add_variants(relu, _relu_of(np.float64), "f64", "d")
add_variants(sigmoid, vecmath.SIGMOID_F32, "f32", "f")
add_variants(sigmoid, vecmath.SIGMOID_F64, "f64", "d")
