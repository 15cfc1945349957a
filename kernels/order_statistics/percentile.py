"""Percentiles of a whole array, drop-in for `numpy.percentile`."""

import numpy as np

from autotune import tunable
from kernels.order_statistics.quantiles import CALIBRATE, add_variants

percentile = tunable(
    np.percentile,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), 90.0),
    calibrate=CALIBRATE,
)


def _fractions(q):
    if q.__class__ is float or q.__class__ is int:
        return q / 100
    if q.__class__ is np.ndarray and q.dtype == np.float64:
        return q / 100
    return None


add_variants(percentile, _fractions)
