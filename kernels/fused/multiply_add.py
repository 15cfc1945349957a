"""multiply_add: the product of two arrays plus a third.

The product is rounded before the sum, as NumPy rounds it: no fused multiply-add, whose bits differ and whose speed
would not show, because memory is what takes the time. The variants cover arrays of one shape and precision, float32
or float64, in C order.
"""

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels.floats import reference_decides
from kernels.fused.streams import loops, overwriting, overwritten_by

_ARRAYS = (
    "a.ndim > 0 and a.dtype.char in 'fd' and b.dtype == a.dtype and c.dtype == a.dtype and "
    "b.ndim == a.ndim and c.ndim == a.ndim and "
    "a.flags.c_contiguous and b.flags.c_contiguous and c.flags.c_contiguous and "
    "(out is None or (out.ndim == a.ndim and out.dtype == a.dtype and out.flags.c_contiguous))"
)


@tunable(
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: tuple(rng.standard_normal((3, n)).astype(dtype)),
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
    mutates=("out",),
    elementwise=True,
)
def multiply_add(a, b, c, out=None):
    """``a * b + c``, element by element, each operation rounded by itself.

    Parameters
    ----------
    a, b, c : array_like
        Of shapes that broadcast to one.
    out : ndarray, optional
        Where to put the result; it may be an operand.

    Returns
    -------
    ndarray
        The sum; `out` if given.

    Raises
    ------
    ValueError
        If the shapes cannot be broadcast together, or the result to `out`.
    TypeError
        If the result cannot be cast to the type of `out`.
    FloatingPointError
        As by `np.errstate`; then `out` may hold part of the result.
    """
    if out is None:
        return np.multiply(a, b) + c  # NumPy adds to a large temporary array in place
    return np.add(np.multiply(a, b), c, out=out)


@jitable
def _evaluate(arrays, i, zero, smallest):
    a, b = arrays[0][i], arrays[1][i]
    product = a * b
    return product + arrays[2][i], (abs(product) < smallest) & (a != zero) & (b != zero)


@jitable
def _factor(out, b, c):
    return out, b, c


@jitable
def _term(out, a, b):
    return a, b, out


_whole, _blocks = loops(_evaluate, 3)
_over_factor, _over_term = overwriting(_evaluate, _factor), overwriting(_evaluate, _term)


def _compute(core, a, b, c, out, *block):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    shape = a.shape
    if b.shape != shape or c.shape != shape or (out is not None and (out.shape != shape or not out.flags.writeable)):
        return multiply_add.reference(a, b, c, out)
    if out is a or out is b:
        return overwritten_by(_over_factor, out, b if out is a else a, c, multiply_add.reference, (a, b, c))
    if out is c:
        return overwritten_by(_over_term, c, a, b, multiply_add.reference, (a, b, c))
    target = np.empty(shape, a.dtype) if out is None else out
    return multiply_add.reference(a, b, c, out) if reference_decides(core(a, b, c, target, *block)) else target


@multiply_add.variant(kind="vectorized", numerics="bitwise", when=_ARRAYS)
def single_pass(a, b, c, out=None):
    """One loop in one thread: each operand is read once, and the result written once."""
    if out is None and a.shape == b.shape == c.shape:  # as `_compute`, in a few steps
        out = np.empty(a.shape, a.dtype)
        return multiply_add.reference(a, b, c) if reference_decides(_whole(a, b, c, out)) else out
    return _compute(_whole, a, b, c, out)


@multiply_add.variant(
    kind="parallel", numerics="bitwise", when=_ARRAYS, params={"block": Choice(16384, 131072)}, threads=True
)
def blocks_on_threads(a, b, c, out=None, *, block):
    """Blocks on all cores: shares out the bandwidth, and the first touch of new pages; in place as `single_pass`."""
    return _compute(_blocks, a, b, c, out, block)
