"""Statistics."""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import Bench, each, normal, read_once


def _numpy_corrcoef():
    return lambda x, y: np.corrcoef(x, y)[0, 1]


def _scipy_pearsonr():
    from scipy.stats import pearsonr

    return lambda x, y: pearsonr(x, y).statistic


def _correlation(x, y):
    x_mean = 0.0
    y_mean = 0.0
    for i in prange(x.size):
        x_mean += x[i]
        y_mean += y[i]
    x_mean /= x.size
    y_mean /= y.size
    xx = 0.0
    yy = 0.0
    xy = 0.0
    for i in prange(x.size):
        xx += (x[i] - x_mean) ** 2
        yy += (y[i] - y_mean) ** 2
        xy += (x[i] - x_mean) * (y[i] - y_mean)
    return xy / math.sqrt(xx * yy)


def _chi_squared(dtype, models, points):
    """Data, models of them, uncertainties; one model without an axis of models."""
    expected = normal(dtype, points) if models == 1 else normal(dtype, models, points)
    return normal(dtype, points) + 1, expected, np.full(points, 0.5, dtype)


def _angles(dtype, n):
    angles = np.random.default_rng(1).uniform(-180, 180, n).astype(dtype)
    return angles, np.array([(-10, 10), (170, -170)], dtype)


def _vecdot():
    def chi_squared(observed, expected, sigma):
        deviation = (observed - expected) / sigma
        return np.vecdot(deviation, deviation)

    return chi_squared


_POWERS = [(10**exponent,) for exponent in range(1, 7)]
BENCHES = {
    "correlation": Bench(
        each(lambda dtype, n: (normal(dtype, n), normal(dtype, n + 1)[1:]), *_POWERS, (10**7,), text="{}"),
        original=("NumPy", _numpy_corrcoef),
        rivals={"SciPy": _scipy_pearsonr},
        plain=_correlation,
        traffic=read_once,
    ),
    "lagged_correlation": Bench(
        each(
            lambda dtype, n, lags: (normal(dtype, n), normal(dtype, n + 1)[1:], lags),
            (100, 10), (1000, 10), (1000, 100), (10_000, 10), (10_000, 100), (10_000, 1000), (100_000, 100),
            (10**6, 10),
            text="n={} lags={}",
        ),
        work=lambda x, y, lags: x.size * (lags + 1),
        work_name="n·lags",
        operations=lambda x, y, lags: 2 * x.size * (lags + 1),
    ),
    "chi_squared": Bench(
        each(
            _chi_squared,
            *((1, n) for (n,) in _POWERS), (1, 10**7), (10, 100), (100, 1000), (1000, 1000), (10_000, 100),
            text="{}x{}",
        ),
        rivals={"NumPy, vecdot": _vecdot},
        traffic=read_once,
    ),
    "angle_filter": Bench(each(_angles, *_POWERS, text="{}")),
}  # fmt: skip
