"""correlation: Pearson's coefficient of two series, drop-in for ``np.corrcoef(x, y)[0, 1]``."""

import math

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import ANY_ORDER, ONE, SMALLEST_ROOT, underflows_are_watched
from kernels.sums import RUN, in_order, total_of

# Means of float64 are rounded by about this much of themselves. Deviations no larger than its square root, relative to
# the mean, have lost half of their digits: then also what comes of them depends on the order of summation.
_ROUNDING = 2.0**-52
# Sums of squares below this may have lost digits to underflows: the smallest normal number is 2^-1022.
_LEAST = 2.0**-960
# Elements, evenly spread, of which the mean is the origin of a single pass: an eighth of a standard deviation off.
_SAMPLE = 64
# How much of a sum of squares may be due to the distance of the mean from the origin: two bits are lost then.
_MOST_OFF = 0.75

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
    xx_off = dx_total * (dx_total / n)
    yy_off = dy_total * (dy_total / n)
    if not (xx > _LEAST and yy > _LEAST and xx_off < _MOST_OFF * xx and yy_off < _MOST_OFF * yy):
        return np.nan
    xx -= xx_off
    yy -= yy_off
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
def _origin(x):
    """About the mean of a series."""
    total = 0.0
    count = 0
    for i in range(0, x.size, max(1, x.size // _SAMPLE)):
        total += x[i]
        count += 1
    return total / count


@jitable(fastmath=ANY_ORDER)
def _sums_of_run(x, y, x_origin, y_origin):
    dx_total = 0.0
    dy_total = 0.0
    xx = 0.0
    yy = 0.0
    xy = 0.0
    for i in range(x.size):
        dx = x[i] - x_origin
        dy = y[i] - y_origin
        dx_total += dx
        dy_total += dy
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
    return dx_total, dy_total, xx, yy, xy


@jitable
def _add_sums(x, y, x_origin, y_origin, sums):
    """Add the sums of distances from the origins, of their squares and products."""
    for start in range(0, x.size, RUN):
        run = slice(start, start + RUN)
        more = _sums_of_run(x[run], y[run], x_origin, y_origin)
        for k in range(sums.size):
            sums[k] += more[k]


@jitable
def _one_pass(x, y, sums):
    x_origin, y_origin = _origin(x), _origin(y)
    sums[:] = 0
    _add_sums(x, y, x_origin, y_origin, sums)
    return _coefficient(x.size, x_origin, y_origin, sums[0], sums[1], sums[2], sums[3], sums[4])


@jitable(parallel=True)
def _blocks(x, y, block, parts, sums):
    x_origin, y_origin = _origin(x), _origin(y)
    for b in prange(len(parts)):
        part = slice(b * block, (b + 1) * block)
        parts[b] = 0
        _add_sums(x[part], y[part], x_origin, y_origin, parts[b])
    for k in range(sums.size):
        sums[k] = in_order(parts[:, k])
    return _coefficient(x.size, x_origin, y_origin, sums[0], sums[1], sums[2], sums[3], sums[4])


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


@correlation.variant(kind="blocked", when=_CONTIGUOUS)
def one_pass(x, y):
    """All sums at once about an origin near the mean: reads the series once; costs a look at np.errstate."""
    if x.size != y.size or x.size < 2 or underflows_are_watched():
        return correlation.reference(x, y)
    return _answer(x, y, _one_pass(x, y, np.empty(5)))


@correlation.variant(kind="parallel", when=_CONTIGUOUS, params={"block": Choice(4096, 32768)}, threads=True)
def block_sums(x, y, *, block):
    """Blocks of `one_pass` on all cores, their sums added in order: the same bits for any number of threads."""
    if x.size != y.size or x.size < 2 or underflows_are_watched():
        return correlation.reference(x, y)
    blocks = (x.size + block - 1) // block
    return _answer(x, y, _blocks(x, y, block, np.empty((blocks, 5)), np.empty(5)))
