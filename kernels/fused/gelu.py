"""gelu: the Gaussian error linear unit, in its form with a hyperbolic tangent.

(1 + tanh(u)) / 2 is 1 / (1 + exp(-2u)): the variants need one exponential and one division, no temporary arrays, and
keep the digits that 1 + tanh(u) loses for negative arguments. They cover float32 and float64.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels import vecmath
from kernels.elementwise.loops import add_variants
from kernels.floats import FUSED

_SLOPE = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
    mutates=("out",),
    elementwise=True,
)
def gelu(x, out=None):
    """x times the share of a normal distribution below x, which a hyperbolic tangent approximates.

    Parameters
    ----------
    x : array_like
    out : ndarray, optional
        Where to put the result; it may be `x`.

    Returns
    -------
    ndarray
        ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``; `out` if given.

    Raises
    ------
    ValueError
        If the result cannot be broadcast to `out`.
    TypeError
        If it cannot be cast to the type of `out`.

    Notes
    -----
    Hendrycks & Gimpel 2016, Gaussian error linear units, arXiv:1606.08415, section 2.
    """
    x = np.asarray(x)
    share = 1 + np.tanh(_SLOPE * (x + _CUBIC * x * x * x))
    return 0.5 * x * share if out is None else np.multiply(0.5 * x, share, out=out)


def _fast(number, exp, most, highest, tiny):
    """The function for one precision; `most` is what the exponential can bear."""
    linear, cubic, one, most = number(2 * _SLOPE), number(2 * _SLOPE * _CUBIC), number(1), number(most)

    @jitable(fastmath=FUSED)
    def evaluate(x):
        power = -x * (linear + cubic * (x * x))
        return x / (one + exp(most if power > most else power))  # a comparison with NaN is false: NaN stays

    # beyond `highest` the cube overflows; below `tiny` it underflows
    return vecmath.FastFunction(evaluate, number(-highest), number(highest), number(-np.inf), number(tiny))


add_variants(gelu, _fast(np.float32, vecmath.exp_f32, 71.0, 2.0**40, 2.0**-40), "f32", "f")
add_variants(gelu, _fast(np.float64, vecmath.exp_f64, 672.0, 2.0**300, 2.0**-338), "f64", "d")
