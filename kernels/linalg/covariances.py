"""Covariances: the loops and variants that cov and corrcoef share.

NumPy makes a copy of the data less their means, and two more arrays on the way. A few variables meet in one pass over
the observations that leaves nothing behind; many go through BLAS, from scratch memory.

Knows nothing of what becomes of a covariance.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, workspace
from kernels.floats import ANY_ORDER, SMALLEST_ROOT
from kernels.parts import part_of
from kernels.sums import product_of_run, total_of

# Observations that are taken less the mean together: of eight variables, they stay in L2.
_RUN = 1024

CALIBRATE = {
    "variables": Range(2, 200),
    "observations": Range(10, 100_000),
    "dtype": Choice("float32", "float64"),
}


TOLERANCE = (64.0, "sums of up to 10^5 terms, rounding errors as a random walk: Higham 2002, section 4.2", "norm")


def mixtures(rng, dtype, variables, observations):
    """Variables that have something in common."""
    common = rng.standard_normal(observations)
    return ((common + rng.standard_normal((variables, observations))).astype(dtype),)


@jitable
def _means(m, means):
    for v in range(len(m)):
        means[v] = total_of(m[v]) / m.shape[1]


@jitable(fastmath=ANY_ORDER)
def _centre(x, mean, out):
    for i in range(x.size):
        out[i] = x[i] - mean


@jitable(fastmath=ANY_ORDER)
def _any_small(x):
    small = False
    for i in range(x.size):
        small |= (abs(x[i]) < SMALLEST_ROOT) & (x[i] != 0)
    return small


@jitable(fastmath=ANY_ORDER)
def _four_products(x, y_0, y_1, y_2, y_3):
    total_0 = 0.0
    total_1 = 0.0
    total_2 = 0.0
    total_3 = 0.0
    for i in range(x.size):
        value = x[i]
        total_0 += value * y_0[i]
        total_1 += value * y_1[i]
        total_2 += value * y_2[i]
        total_3 += value * y_3[i]
    return total_0, total_1, total_2, total_3


@jitable
def _add_products(rows, size, out):
    """Add the products of all pairs of rows, as far as `size`, to the upper triangle of out."""
    for v in range(len(rows)):
        w = v
        while w + 4 <= len(rows):
            first, second, third, fourth = _four_products(
                rows[v, :size], rows[w, :size], rows[w + 1, :size], rows[w + 2, :size], rows[w + 3, :size]
            )
            out[v, w] += first
            out[v, w + 1] += second
            out[v, w + 2] += third
            out[v, w + 3] += fourth
            w += 4
        while w < len(rows):
            out[v, w] += product_of_run(rows[v, :size], rows[w, :size])
            w += 1


@jitable
def _add_runs(m, means, first, last, rows, out):
    """Add the products of deviations of the observations first:last; whether one of these is nearly zero."""
    small = False
    for start in range(first, last, _RUN):
        size = min(_RUN, last - start)
        for v in range(len(m)):
            _centre(m[v, start : start + size], means[v], rows[v, :size])
            small |= _any_small(rows[v, :size])
        _add_products(rows, size, out)
    return small


@jitable
def _finish(out, freedom):
    """Divide, and fill the lower triangle; whether all is finite."""
    finite = True
    for v in range(len(out)):
        for w in range(v, len(out)):
            out[v, w] = out[v, w] / freedom
            out[w, v] = out[v, w]
            finite &= abs(out[v, w]) < np.inf
    return finite


@jitable
def _by_runs(m, means, rows, out, freedom):
    _means(m, means)
    out[:] = 0
    small = _add_runs(m, means, 0, m.shape[1], rows, out)
    return _finish(out, freedom) and not small


@jitable
def _in_order(parts, out):
    """Add up the parts in one thread, so that their order does not depend on the number of threads."""
    out[:] = 0
    for p in range(len(parts)):
        for v in range(len(out)):
            for w in range(v, len(out)):
                out[v, w] += parts[p, v, w]


@jitable(parallel=True)
def _parts_of_means(m, means):
    for v in prange(len(m)):
        _means(m[v : v + 1], means[v : v + 1])


@jitable(parallel=True)
def _by_parts(m, means, rows, parts, out, freedom):
    _parts_of_means(m, means)
    failed = 0
    for p in prange(len(parts)):
        parts[p] = 0
        first, last = part_of(m.shape[1], len(parts), p)
        failed += _add_runs(m, means, first, last, rows[p], parts[p])
    _in_order(parts, out)
    return _finish(out, freedom) and failed == 0


@jitable
def _centre_all(m, means, out):
    _means(m, means)
    small = False
    for v in range(len(m)):
        _centre(m[v], means[v], out[v])
        small |= _any_small(out[v])
    return not small


def variables_in(name):
    """The condition of variants for a matrix of that name."""
    return f"{name}.ndim == 2 and {name}.dtype.char in 'fd' and {name}.flags.c_contiguous"


def size_of(name):
    """The sizes of a matrix of that name."""
    return {"variables": f"{name}.shape[0]", "observations": f"{name}.shape[1]"}


# The following give the covariances and the means; None where the reference must be asked.


def by_runs(m):
    if m.shape[0] < 2 or m.shape[1] < 2:
        return None
    rows = workspace.take((m.shape[0], _RUN), np.float64)
    out, means = np.empty((len(m), len(m))), np.empty(len(m))
    sound = _by_runs(m, means, rows, out, m.shape[1] - 1)
    workspace.give(rows)
    return (out, means) if sound else None


def by_parts(m, parts):
    """Observations in parts on all cores; their sums are added in order: the same bits for any number of threads."""
    if m.shape[0] < 2 or m.shape[1] < 2:
        return None
    rows = workspace.take((parts, m.shape[0], _RUN), np.float64)
    sums = workspace.take((parts, m.shape[0], m.shape[0]), np.float64)
    out, means = np.empty((len(m), len(m))), np.empty(len(m))
    sound = _by_parts(m, means, rows, sums, out, m.shape[1] - 1)
    workspace.give(rows)
    workspace.give(sums)
    return (out, means) if sound else None


def by_blas(m):
    if m.shape[0] < 2 or m.shape[1] < 2:
        return None
    deviations, means = workspace.take(m.shape, np.float64), np.empty(len(m))
    out = None
    if _centre_all(m, means, deviations):
        with np.errstate(all="ignore"):
            out = np.dot(deviations, deviations.T)
    workspace.give(deviations)
    return (out, means) if out is not None and _finish(out, m.shape[1] - 1) else None
