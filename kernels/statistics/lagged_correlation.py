"""lagged_correlation: the sample cross-correlation function of two series, at lags from 0 on."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.floats import ANY_ORDER
from kernels.parts import part_of
from kernels.statistics.correlation import SERIES, deviations, products_of, related
from kernels.sums import product_of_run, total_of

_WHEN = f"{SERIES} and x.flags.c_contiguous and y.flags.c_contiguous"

# Terms that stay in L1 while all lags meet them.
_RUN = 1024


@tunable(
    size={"n": "x.size", "m": "lags + 1"},
    inputs=lambda rng, dtype, n, m: (*related(rng, dtype, n), m - 1),
    calibrate={"n": Range(10, 1_000_000), "m": Range(2, 1000), "dtype": Choice("float32", "float64")},
    tolerance=(64.0, "sums of up to 10^6 terms, rounding errors as a random walk: Higham 2002, section 4.2", "norm"),
)
def lagged_correlation(x, y, lags):
    """Correlation of one series with another that comes 0, 1, …, `lags` steps later.

    Parameters
    ----------
    x, y : array_like of real numbers, shape (n,)
        The series; their units cancel. With ``y = x`` the result is the autocorrelation function of x.
    lags : int
        The largest lag. For negative lags exchange the series.

    Returns
    -------
    ndarray of float64, shape (lags + 1,)
        Element k is the sum of ``(x[t] - mean(x)) * (y[t + k] - mean(y))`` over all t where both exist, divided by the
        standard deviations and by n; element 0 is Pearson's coefficient. NaN, with a warning, where a series is
        constant or shorter than two.

    Raises
    ------
    ValueError
        If the series are not of one dimension and one length, or `lags` is negative.
    TypeError
        If `lags` is no whole number.

    Notes
    -----
    The estimate of Box, Jenkins & Reinsel 2008, Time Series Analysis, section 12.1.3: every lag is divided by the same
    numbers, so that those near n tend to 0.
    """
    dx, dy = deviations(x, y)
    sums = np.correlate(np.concatenate([dy, np.zeros(lags)]), dx, "valid")
    return sums / (np.sqrt(dx @ dx) * np.sqrt(dy @ dy))


@jitable
def _centre(x, deviations):
    """Write float64 deviations from the mean; the square root of their squares' sum, NaN where NumPy must be asked."""
    mean = total_of(x) / x.size
    for i in range(x.size):
        deviations[i] = x[i] - mean
    _, _, squares, _, _, small = products_of(deviations, deviations, 0.0, 0.0)
    return np.nan if small or not 0 < squares < np.inf else np.sqrt(squares)


@jitable
def _centre_both(x, y, dx, dy):
    return _centre(x, dx) * _centre(y, dy)


@jitable(fastmath=ANY_ORDER)
def _add_eight(dx, dy, k, out):
    """Add the terms of dx to the sums of eight lags, for all of which dy goes far enough."""
    total_0 = total_1 = total_2 = total_3 = total_4 = total_5 = total_6 = total_7 = 0.0
    y_0, y_1, y_2, y_3 = dy[k:], dy[k + 1 :], dy[k + 2 :], dy[k + 3 :]
    y_4, y_5, y_6, y_7 = dy[k + 4 :], dy[k + 5 :], dy[k + 6 :], dy[k + 7 :]
    for t in range(dx.size):
        value = dx[t]
        total_0 += value * y_0[t]
        total_1 += value * y_1[t]
        total_2 += value * y_2[t]
        total_3 += value * y_3[t]
        total_4 += value * y_4[t]
        total_5 += value * y_5[t]
        total_6 += value * y_6[t]
        total_7 += value * y_7[t]
    out[k] += total_0
    out[k + 1] += total_1
    out[k + 2] += total_2
    out[k + 3] += total_3
    out[k + 4] += total_4
    out[k + 5] += total_5
    out[k + 6] += total_6
    out[k + 7] += total_7


@jitable
def _sums(dx, dy, first, last, out):
    """Fill out with the sums over the terms first:last for all lags."""
    out[:] = 0
    for start in range(first, last, _RUN):
        run, later = dx[start : min(start + _RUN, last)], dy[start:]
        k = 0
        while k + 8 <= out.size and run.size + k + 7 <= later.size:
            _add_eight(run, later, k, out)
            k += 8
        for single in range(k, min(out.size, later.size)):
            size = min(run.size, later.size - single)
            out[single] += product_of_run(run[:size], later[single : single + size])


@jitable
def _divide(out, scale):
    for k in range(out.size):
        out[k] /= scale


@jitable
def _lags(x, y, dx, dy, out):
    scale = _centre_both(x, y, dx, dy)
    if scale == scale:
        _sums(dx, dy, 0, dx.size, out)
        _divide(out, scale)
    return scale


@jitable
def _in_order(parts, out):
    """Add up the rows in one thread, so that their order does not depend on the number of threads."""
    out[:] = 0
    for b in range(len(parts)):
        part = parts[b]
        for k in range(out.size):
            out[k] += part[k]


@jitable(parallel=True)
def _lags_threads(x, y, dx, dy, parts, out):
    scale = _centre_both(x, y, dx, dy)
    if scale == scale:
        for b in prange(len(parts)):
            first, last = part_of(dx.size, len(parts), b)
            _sums(dx, dy, first, last, parts[b])
        _in_order(parts, out)
        _divide(out, scale)
    return scale


def _compute(core, x, y, lags, *scratch):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    if lags.__class__ is not int or lags < 0 or x.size != y.size or x.size < 2:
        return lagged_correlation.reference(x, y, lags)
    dx, dy = workspace.take(x.shape, np.float64), workspace.take(y.shape, np.float64)
    out = np.empty(lags + 1)
    scale = core(x, y, dx, dy, *scratch, out)
    workspace.give(dx)
    workspace.give(dy)
    return out if scale == scale else lagged_correlation.reference(x, y, lags)


@lagged_correlation.variant(kind="vectorized", when=_WHEN)
def eight_lags(x, y, lags):
    """A part of the series in L1 for all lags, eight at a time; NumPy reads both series anew for each lag."""
    return _compute(_lags, x, y, lags)


@lagged_correlation.variant(kind="parallel", when=_WHEN, params={"parts": Choice(8, 64)}, threads=True)
def parts_on_threads(x, y, lags, *, parts):
    """The series in `parts` on all cores, their sums added in order: the same bits for any number of threads."""
    return _compute(_lags_threads, x, y, lags, np.empty((parts, lags + 1)))
