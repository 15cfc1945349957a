"""The inner product of two vectors, drop-in for `numpy.dot`.

NumPy calls BLAS, which no compiled loop beats at any length; the variant is a shorter way to it, for two vectors of one
precision. Matrices and the rest are left to NumPy.
"""

import numpy as np

from autotune import Choice, Range, tunable

dot = tunable(
    np.dot,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), rng.standard_normal(n).astype(dtype)),
    calibrate={"n": Range(2, 5_000_000), "dtype": Choice("float32", "float64")},
)

_VECTORS = "a.ndim == 1 and b.ndim == 1 and a.dtype.char in 'fd' and b.dtype == a.dtype"


# not marked as threaded, because it uses exactly the threads that the reference uses
@dot.variant(kind="library", numerics="bitwise", when=_VECTORS)
def method(a, b):
    """The same BLAS without a look for arrays of other libraries: saves 0.4 µs a call."""
    return a.dot(b)
