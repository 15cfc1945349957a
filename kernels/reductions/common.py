"""What the reductions share: which arrays their variants take, and how a scalar gets NumPy's type.

Knows nothing of any one reduction.
"""

import numpy as np

from autotune import Choice, Range

# sums may be split over vector lanes; NaN and infinity keep their meaning (`nnan` and `ninf` are not given)
ANY_ORDER = {"reassoc", "contract", "nsz"}

CONTIGUOUS = "a.ndim > 0 and a.dtype.char in 'fd' and a.flags.c_contiguous"
NOT_CONTIGUOUS = "a.ndim > 0 and a.dtype.char in 'fd' and not a.flags.c_contiguous"
CALIBRATE = {"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")}

# By item size: a one, which times a Python float is the cheapest way to a NumPy scalar (NEP 50: the type is the one's;
# 47 ns against 197 for np.float32(value)).
ONE = {4: np.float32(1), 8: np.float64(1)}
# The smallest normal number: NumPy may report an underflow for a result below it.
SMALLEST = {4: float(np.finfo(np.float32).tiny), 8: float(np.finfo(np.float64).tiny)}


def normal(rng, dtype, n):
    return (rng.standard_normal(n).astype(dtype),)
