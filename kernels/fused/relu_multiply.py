"""relu_multiply: the positive part of one array times another, as where a gradient or a gate passes a rectifier.

The variants cover arrays of one shape and precision, float32 or float64, in C order.
"""

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels.floats import reference_decides
from kernels.fused.streams import loops, overwriting, overwritten_by

_ARRAYS = (
    "x.ndim > 0 and x.dtype.char in 'fd' and y.dtype == x.dtype and y.ndim == x.ndim and "
    "x.flags.c_contiguous and y.flags.c_contiguous and "
    "(out is None or (out.ndim == x.ndim and out.dtype == x.dtype and out.flags.c_contiguous))"
)


@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype)),
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
    mutates=("out",),
    elementwise=True,
)
def relu_multiply(x, y, out=None):
    """The positive part of `x` times `y`, element by element.

    Parameters
    ----------
    x, y : array_like
        Of shapes that broadcast to one.
    out : ndarray, optional
        Where to put the result; it may be `x` or `y`.

    Returns
    -------
    ndarray
        ``np.maximum(x, 0) * y``; `out` if given.

    Raises
    ------
    ValueError
        If the shapes cannot be broadcast together, or the result to `out`.
    TypeError
        If the result cannot be cast to the type of `out`.

    Notes
    -----
    The rectifier is that of Nair & Hinton 2010, Rectified linear units improve restricted Boltzmann machines, ICML.
    """
    if out is None:
        return np.maximum(x, 0) * y  # NumPy multiplies a large temporary array in place
    return np.multiply(np.maximum(x, 0), y, out=out)


@jitable
def _evaluate(arrays, i, zero, smallest):
    x, y = arrays[0][i], arrays[1][i]
    positive = zero if x <= zero else x  # as NumPy: NaN stays, -0.0 becomes 0.0
    product = positive * y
    return product, (abs(product) < smallest) & (positive != zero) & (y != zero)


@jitable
def _first(out, y, _):
    return out, y


@jitable
def _second(out, x, _):
    return x, out


_whole, _blocks = loops(_evaluate, 2)
_over_x, _over_y = overwriting(_evaluate, _first), overwriting(_evaluate, _second)


def _compute(core, x, y, out, *block):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    if x.shape != y.shape or (out is not None and (out.shape != x.shape or not out.flags.writeable)):
        return relu_multiply.reference(x, y, out)
    if out is x:
        return overwritten_by(_over_x, x, y, y, relu_multiply.reference, (x, y))
    if out is y:
        return overwritten_by(_over_y, y, x, x, relu_multiply.reference, (x, y))
    target = np.empty(x.shape, x.dtype) if out is None else out
    return relu_multiply.reference(x, y, out) if reference_decides(core(x, y, target, *block)) else target


@relu_multiply.variant(kind="vectorized", numerics="bitwise", when=_ARRAYS)
def single_pass(x, y, out=None):
    """One loop in one thread: each operand is read once, and the result written once."""
    if out is None and x.shape == y.shape:  # as `_compute`, in a few steps
        out = np.empty(x.shape, x.dtype)
        return relu_multiply.reference(x, y) if reference_decides(_whole(x, y, out)) else out
    return _compute(_whole, x, y, out)


@relu_multiply.variant(
    kind="parallel", numerics="bitwise", when=_ARRAYS, params={"block": Choice(16384, 131072)}, threads=True
)
def blocks_on_threads(x, y, out=None, *, block):
    """Blocks on all cores: shares out the bandwidth, and the first touch of new pages; in place as `single_pass`."""
    return _compute(_blocks, x, y, out, block)
