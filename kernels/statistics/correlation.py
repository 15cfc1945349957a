"""correlation: Pearson's coefficient of two series, drop-in for ``np.corrcoef(x, y)[0, 1]``."""

import math

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ONE, SMALLEST_ROOT
from kernels.sums import RUN, total_of

# Means of float64 are rounded by about this much of themselves. Deviations no larger than its square root, relative to
# the mean, have lost half of their digits: then also what comes of them depends on the order of summation.
_ROUNDING = 2.0**-52

SERIES = "x.ndim == 1 and y.ndim == 1 and x.dtype.char in 'fd' and y.dtype == x.dtype"
_CONTIGUOUS = f"{SERIES} and x.flags.c_contiguous and y.flags.c_contiguous"
_NOT_CONTIGUOUS = f"{SERIES} and not (x.flags.c_contiguous and y.flags.c_contiguous)"


def related(rng, dtype, n):
    """Two series of which each explains a part of the other."""
    x = rng.standard_normal(n)
    return x.astype(dtype), (0.6 * x + 0.8 * rng.standard_normal(n)).astype(dtype)


def deviations(x, y):
    """Two series as float64, less their means.

    Raises
    ------
    ValueError
        If they are not of one dimension and one length.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"two series of one length are needed, not arrays of shape {x.shape} and {y.shape}")
    return x - x.mean(dtype=np.float64), y - y.mean(dtype=np.float64)


@tunable(
    size={"n": "x.size"},
    inputs=related,
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
)
def correlation(x, y):
    """Pearson correlation coefficient of two series.

    Parameters
    ----------
    x, y : array_like of real numbers, shape (n,)
        The series; their units cancel.

    Returns
    -------
    float64
        Between -1 and 1; NaN, with a warning, where a series is constant or shorter than two.

    Raises
    ------
    ValueError
        If they are not of one dimension and one length.

    Notes
    -----
    As in ``np.corrcoef(x, y)[0, 1]``, of which this is the fast equivalent, all sums are of float64. Pearson 1895,
    Note on regression and inheritance in the case of two parents, Proc. Royal Society London 58.
    """
    dx, dy = deviations(x, y)
    return np.clip(dx @ dy / (np.sqrt(dx @ dx) * np.sqrt(dy @ dy)), -1, 1)


@jitable(fastmath=ANY_ORDER)
def _products_of_run(x, y, x_mean, y_mean):
    dx_total = 0.0
    dy_total = 0.0
    xx = 0.0
    yy = 0.0
    xy = 0.0
    small = False
    for i in range(x.size):
        dx = x[i] - x_mean
        dy = y[i] - y_mean
        dx_total += dx
        dy_total += dy
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
        small |= ((abs(dx) < SMALLEST_ROOT) & (dx != 0)) | ((abs(dy) < SMALLEST_ROOT) & (dy != 0))
    return dx_total, dy_total, xx, yy, xy, small


@jitable
def products_of(x, y, x_mean, y_mean):
    """Sums of the deviations, of their squares and products; and whether one of these may have underflowed."""
    dx_total = 0.0
    dy_total = 0.0
    xx = 0.0
    yy = 0.0
    xy = 0.0
    small = False
    for start in range(0, x.size, RUN):
        run = slice(start, start + RUN)
        dx_more, dy_more, xx_more, yy_more, xy_more, small_too = _products_of_run(x[run], y[run], x_mean, y_mean)
        dx_total += dx_more
        dy_total += dy_more
        xx += xx_more
        yy += yy_more
        xy += xy_more
        small |= small_too
    return dx_total, dy_total, xx, yy, xy, small


@jitable
def _coefficient(n, x_mean, y_mean, dx_total, dy_total, xx, yy, xy):
    """The coefficient; what the rounding of the means adds to the sums is taken out; NaN where NumPy must be asked."""
    xx -= dx_total * (dx_total / n)
    yy -= dy_total * (dy_total / n)
    xy -= dx_total * (dy_total / n)
    if not (_ROUNDING * x_mean * x_mean < xx / n < np.inf and _ROUNDING * y_mean * y_mean < yy / n < np.inf):
        return np.nan
    return min(max(xy / (math.sqrt(xx) * math.sqrt(yy)), -1.0), 1.0)


@jitable
def _whole(x, y):
    if x.size != y.size or x.size < 2:
        return np.nan
    x_mean = total_of(x) / x.size
    y_mean = total_of(y) / x.size
    dx_total, dy_total, xx, yy, xy, small = products_of(x, y, x_mean, y_mean)
    return np.nan if small else _coefficient(x.size, x_mean, y_mean, dx_total, dy_total, xx, yy, xy)


@jitable
def _in_order(parts, into):
    """Sums over the blocks in one thread: in a parallel function they would depend on the number of threads."""
    for column in range(parts.shape[1]):
        total = 0.0
        for b in range(len(parts)):
            total += parts[b, column]
        into[column] = total


@jitable(parallel=True)
def _blocks(x, y, block, parts, totals):
    if x.size != y.size or x.size < 2:
        return np.nan
    for b in prange(len(parts)):
        part = slice(b * block, (b + 1) * block)
        parts[b, 0] = total_of(x[part])
        parts[b, 1] = total_of(y[part])
    _in_order(parts[:, :2], totals)
    x_mean = totals[0] / x.size
    y_mean = totals[1] / x.size
    for b in prange(len(parts)):
        part = slice(b * block, (b + 1) * block)
        dx_total, dy_total, xx, yy, xy, small = products_of(x[part], y[part], x_mean, y_mean)
        parts[b, 0] = dx_total
        parts[b, 1] = dy_total
        parts[b, 2] = np.nan if small else xx
        parts[b, 3] = yy
        parts[b, 4] = xy
    _in_order(parts, totals)
    return _coefficient(x.size, x_mean, y_mean, totals[0], totals[1], totals[2], totals[3], totals[4])


def _answer(x, y, coefficient):
    return ONE[8] * coefficient if coefficient == coefficient else correlation.reference(x, y)


@correlation.variant(kind="vectorized", when=_CONTIGUOUS)
def two_pass(x, y):
    """Means, then all sums at once, in one thread and without temporary arrays."""
    return _answer(x, y, _whole(x, y))


@correlation.variant(kind="vectorized", when=_NOT_CONTIGUOUS)
def compact(x, y):
    """Strided series are copied first: costs the copy, gains contiguous vectors."""
    return _answer(x, y, _whole(np.ascontiguousarray(x), np.ascontiguousarray(y)))


@correlation.variant(kind="parallel", when=_CONTIGUOUS, params={"block": Choice(4096, 32768)}, threads=True)
def block_sums(x, y, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads."""
    blocks = (x.size + block - 1) // block
    return _answer(x, y, _blocks(x, y, block, np.empty((blocks, 5)), np.empty(5)))
