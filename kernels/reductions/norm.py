"""The Euclidean norm of a vector, or of all elements of an array (Frobenius), drop-in for `numpy.linalg.norm`.

NumPy takes the square root of an inner product, for which it calls BLAS; no compiled loop beats that from 10^5 elements
on. The variant is a shorter way to it: the default order, 2 for a vector, and "fro" for a matrix; other orders go to
NumPy.
"""

import math

import numpy as np

from autotune import Choice, Range, tunable
from kernels.floats import ONE

norm = tunable(
    np.linalg.norm,
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(2, 10_000_000), "dtype": Choice("float32", "float64")},
    static=("ord",),
)

_EUCLIDEAN = (
    "x.ndim > 0 and x.dtype.char in 'fd' and "
    "(ord is None or (x.ndim == 1 and ord == 2) or (x.ndim == 2 and ord == 'fro'))"
)


# not marked as threaded, because it uses exactly the threads that the reference uses
@norm.variant(kind="library", numerics="bitwise", when=_EUCLIDEAN)
def inner_product(x, ord=None):
    """The same BLAS without checks of orders and axes: saves 2 µs a call."""
    flat = x.ravel(order="K")
    return ONE[x.itemsize] * math.sqrt(flat.dot(flat))
