"""Quantiles of a whole array, drop-in for `numpy.quantile`."""

import numpy as np

from autotune import tunable
from kernels.order_statistics.quantiles import CALIBRATE, add_variants

quantile = tunable(
    np.quantile,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), 0.9),
    calibrate=CALIBRATE,
)


def _fractions(q):
    if q.__class__ is float or (q.__class__ is np.ndarray and q.dtype == np.float64):
        return q
    return None


add_variants(quantile, _fractions)
