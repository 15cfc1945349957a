"""chi_squared: how far models are from measured data, in units of the uncertainties."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.floats import ANY_ORDER, ONE
from kernels.sums import RUN, in_order

_VECTORS = (
    "observed.ndim == 1 and sigma.ndim == 1 and expected.dtype.char in 'fd' and observed.dtype == expected.dtype and "
    "sigma.dtype == expected.dtype and expected.flags.c_contiguous and observed.flags.c_contiguous and "
    "sigma.flags.c_contiguous"
)
_ONE_MODEL = f"{_VECTORS} and expected.ndim == 1"
_MODELS = f"{_VECTORS} and expected.ndim == 2"


def _measured(rng, dtype, form, models, points):
    """Data, models of them, and uncertainties; a single model has as many points as the models would have together."""
    points = points if form == "models" else models * points
    observed = rng.standard_normal(points)
    sigma = rng.uniform(0.5, 2.0, points)
    expected = observed + sigma * rng.standard_normal((models, points) if form == "models" else points)
    return observed.astype(dtype), expected.astype(dtype), sigma.astype(dtype)


@tunable(
    size={"m": "expected.shape[0] if expected.ndim > 1 else 1", "n": "observed.size"},
    inputs=_measured,
    calibrate={
        "form": Choice("one model", "models"),
        "models": Range(1, 1000),
        "points": Range(10, 10_000),
        "dtype": Choice("float32", "float64"),
    },
)
def chi_squared(observed, expected, sigma):
    """Sum of the squared differences between data and model, each in units of its uncertainty.

    Parameters
    ----------
    observed : ndarray, shape (n,)
        Data.
    expected : ndarray, shape (n,) or (m, n)
        What a model predicts for them, or each of m models; in the units of the data.
    sigma : ndarray, shape (n,), or float
        Standard deviations of the data, in their units.

    Returns
    -------
    scalar or ndarray, shape (m,)
        ``sum(((observed - expected) / sigma)**2)``, for each model.

    Raises
    ------
    ValueError
        If the shapes do not fit together.

    Notes
    -----
    Pearson 1900, On the criterion that a given system of deviations from the probable …, Philosophical Magazine 50.
    """
    deviation = (observed - expected) / sigma
    return np.sum(deviation * deviation, axis=-1)


@jitable(forceinline=True)
def _smallest(x):
    """Below this, NumPy may report that a square underflows."""
    return np.sqrt(np.finfo(x.dtype).tiny)


def _sum_by(deviate):
    """The sum of the squares of ``deviate(difference, weight)``, NaN where one of them may have underflowed."""

    @jitable(fastmath=ANY_ORDER)
    def run_sum(observed, expected, weights):
        """In the precision of the arrays."""
        smallest = _smallest(expected)
        total = expected.dtype.type(0)
        small = False
        for i in range(expected.size):
            difference = observed[i] - expected[i]
            deviation = deviate(difference, weights[i])
            small |= (abs(deviation) < smallest) & (difference != 0)
            total += deviation * deviation
        return np.nan if small else total

    @jitable
    def whole_sum(observed, expected, weights):
        total = 0.0
        for start in range(0, expected.size, RUN):
            run = slice(start, start + RUN)
            total += run_sum(observed[run], expected[run], weights[run])
        return total

    return whole_sum


@jitable(forceinline=True)
def _quotient(difference, sigma):
    return difference / sigma


@jitable(forceinline=True)
def _product(difference, inverse):
    return difference * inverse


_sum_of_quotients, _sum_of_products = _sum_by(_quotient), _sum_by(_product)


@jitable
def _invert(sigma, inverse):
    """Whether all inverses are as precise as a quotient."""
    smallest = np.finfo(sigma.dtype).tiny
    sound = True
    for i in range(sigma.size):
        inverse[i] = sigma.dtype.type(1) / sigma[i]
        sound &= abs(inverse[i]) >= smallest
    return sound


@jitable
def _below(values, largest):
    """Whether all are numbers below the largest of the type, so that NumPy reports no overflow."""
    below = True
    for i in range(values.size):
        below &= values[i] < largest
    return below


@jitable
def _whole(observed, expected, sigma):
    total = _sum_of_quotients(observed, expected, sigma)
    return total if total < np.finfo(expected.dtype).max / 2 else np.nan


@jitable(parallel=True)
def _blocks(observed, expected, sigma, block, totals):
    for b in prange(totals.size):
        part = slice(b * block, (b + 1) * block)
        totals[b] = _sum_of_quotients(observed[part], expected[part], sigma[part])
    total = in_order(totals)
    return total if total < np.finfo(expected.dtype).max / 2 else np.nan


@jitable
def _rows(observed, expected, inverse, out, first, last):
    for row in range(first, last):
        out[row] = _sum_of_products(observed, expected[row], inverse)
    return _below(out[first:last], np.finfo(out.dtype).max / 2)


@jitable
def _all_rows(observed, expected, sigma, inverse, out):
    return _invert(sigma, inverse) and _rows(observed, expected, inverse, out, 0, len(out))


@jitable(parallel=True)
def _rows_threads(observed, expected, sigma, inverse, out, rows):
    failed = not _invert(sigma, inverse)
    for b in prange((len(out) + rows - 1) // rows):
        failed += not _rows(observed, expected, inverse, out, b * rows, min((b + 1) * rows, len(out)))
    return failed == 0


def _answer(observed, expected, sigma, total):
    """NumPy's scalar for a sum, or the reference's answer."""
    if total != total:
        return chi_squared.reference(observed, expected, sigma)
    return ONE[expected.itemsize] * total


def _of_models(core, observed, expected, sigma, *settings):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    models, points = expected.shape
    if observed.size != points or sigma.size != points:
        return chi_squared.reference(observed, expected, sigma)
    out = np.empty(models, expected.dtype)
    inverse = workspace.take((points,), expected.dtype)
    sound = core(observed, expected, sigma, inverse, out, *settings)
    workspace.give(inverse)
    return out if sound else chi_squared.reference(observed, expected, sigma)


@chi_squared.variant(kind="vectorized", when=_ONE_MODEL)
def single_pass(observed, expected, sigma):
    """One loop in one thread: three streams from memory and no temporary array."""
    if not observed.size == expected.size == sigma.size:
        return chi_squared.reference(observed, expected, sigma)
    return _answer(observed, expected, sigma, _whole(observed, expected, sigma))


@chi_squared.variant(kind="parallel", when=_ONE_MODEL, params={"block": Choice(4096, 32768)}, threads=True)
def block_sums(observed, expected, sigma, *, block):
    """Blocks on all cores, their sums added in order: the same bits for any number of threads."""
    if not observed.size == expected.size == sigma.size:
        return chi_squared.reference(observed, expected, sigma)
    totals = np.empty((expected.size + block - 1) // block)
    return _answer(observed, expected, sigma, _blocks(observed, expected, sigma, block, totals))


@chi_squared.variant(kind="vectorized", when=_MODELS)
def weighted_rows(observed, expected, sigma):
    """Model by model with inverse uncertainties: one division for a point instead of one for each model."""
    return _of_models(_all_rows, observed, expected, sigma)


@chi_squared.variant(kind="parallel", when=_MODELS, params={"rows": Choice(1, 16)}, threads=True)
def rows_on_threads(observed, expected, sigma, *, rows):
    """The same for `rows` models a task on all cores."""
    return _of_models(_rows_threads, observed, expected, sigma, rows)
