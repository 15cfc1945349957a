"""layer_norm: rows of mean 0 and variance 1, scaled and shifted.

NumPy needs eight passes over memory. The variants read a row several times while it is in cache, and leave no
temporary array. They cover float32 and float64 in C order. A call with a result or a variance that is not finite is
left to NumPy, which warns; so is every call while somebody watches for underflows, because squares of small
deviations underflow unseen.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import ANY_ORDER, FUSED, underflows_are_watched
from kernels.sums import RUN

_CONTIGUOUS = (
    "x.ndim > 0 and x.dtype.char in 'fd' and x.flags.c_contiguous and "
    "(gamma is None or (gamma.ndim == 1 and gamma.dtype == x.dtype and gamma.flags.c_contiguous)) and "
    "(beta is None or (beta.ndim == 1 and beta.dtype == x.dtype and beta.flags.c_contiguous))"
)


def _inputs(rng, dtype, rows, columns):
    """Factors about 1, and terms so large that no result is a difference of which only rounding errors are left."""
    x, gamma, beta = rng.standard_normal((rows, columns)), *rng.standard_normal((2, columns)) / 10
    return x.astype(dtype), (gamma + 1).astype(dtype), (beta + 3).astype(dtype)


@tunable(
    size={"rows": "x.size // max(1, x.shape[-1])", "columns": "x.shape[-1]"},
    inputs=_inputs,
    calibrate={"rows": Range(1, 100_000), "columns": Range(2, 10_000), "dtype": Choice("float32", "float64")},
    tolerance=(32.0, "a mean and a variance of up to 10^4 terms, then six roundings: Higham 2002, section 4.2"),
)
def layer_norm(x, gamma=None, beta=None, eps=1e-5):
    """Layer normalisation along the last axis.

    Parameters
    ----------
    x : ndarray of floats, shape (..., n)
    gamma : array_like, shape (n,), optional
        Factor of each column.
    beta : array_like, shape (n,), optional
        What is added to each column.
    eps : float, optional
        Added to the variance of a row before the square root is taken, in its units.

    Returns
    -------
    ndarray, shape (..., n)
        ``(x - mean) / sqrt(variance + eps) * gamma + beta``, with the mean and the variance of each row (that of a
        population: divided by n).

    Raises
    ------
    ValueError
        If `gamma` or `beta` cannot be broadcast to the rows of `x`.
    AxisError
        If `x` has no axis.

    Notes
    -----
    Ba, Kiros & Hinton 2016, Layer normalization, arXiv:1607.06450, section 3; `eps` as in the usual libraries.
    """
    result = x - np.mean(x, axis=-1, keepdims=True)
    variance = np.mean(result * result, axis=-1, keepdims=True)
    result /= np.sqrt(variance + eps)
    if gamma is None:
        return result if beta is None else result + beta
    return result * gamma if beta is None else result * gamma + beta


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _run_sum(x):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += x[i]
    return total


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _run_squares(x, mean):
    total = x.dtype.type(0)
    for i in range(x.size):
        total += (x[i] - mean) * (x[i] - mean)
    return total


@jitable(fastmath=FUSED, forceinline=True)
def _normalize(x, mean, inverse, gamma, beta, out):
    """Write a row of the result; whether it is finite."""
    infinity = x.dtype.type(np.inf)
    finite = True
    for i in range(x.size):
        value = (x[i] - mean) * inverse * gamma[i] + beta[i]
        out[i] = value
        finite &= abs(value) < infinity
    return finite


@jitable
def _rows_from(x, gamma, beta, eps, out, first, last):
    """Fill the rows first:last of out; whether all of them are finite, and what they are made of."""
    columns = gamma.size
    source = x.reshape(x.size)
    target = out.reshape(out.size)
    kind = x.dtype.type
    largest = np.finfo(x.dtype).max / 2  # while sums stay below, so does every step that NumPy makes
    finite = True
    for r in range(first, last):
        row = source[r * columns : (r + 1) * columns]
        total = 0.0
        for start in range(0, columns, RUN):
            total += _run_sum(row[start : start + RUN])
        mean = kind(total / columns)
        squares = 0.0
        for start in range(0, columns, RUN):
            squares += _run_squares(row[start : start + RUN], mean)
        variance = squares / columns + eps
        inverse = kind(1.0 / np.sqrt(variance))
        finite &= (abs(total) < largest) & (squares < largest) & (variance > 0)
        finite &= _normalize(row, mean, inverse, gamma, beta, target[r * columns : (r + 1) * columns])
    return finite


@jitable
def _rows(x, gamma, beta, eps, out):
    return _rows_from(x, gamma, beta, eps, out, 0, x.size // gamma.size)


@jitable(parallel=True)
def _rows_threads(x, gamma, beta, eps, out, count):
    rows = x.size // gamma.size
    failed = 0
    for b in prange((rows + count - 1) // count):
        failed += not _rows_from(x, gamma, beta, eps, out, b * count, min((b + 1) * count, rows))
    return failed == 0


def _compute(core, x, gamma, beta, eps, *count):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    shape = x.shape
    columns = shape[-1:]
    factors = np.ones(columns, x.dtype) if gamma is None else gamma
    terms = np.full(columns, -0.0, x.dtype) if beta is None else beta  # adding 0.0 would change the sign of -0.0
    usual = factors.shape == columns == terms.shape and x.size and eps.__class__ is float
    if usual and not underflows_are_watched():
        out = np.empty(shape, x.dtype)
        if core(x, factors, terms, eps, out, *count):
            return out
    return layer_norm.reference(x, gamma, beta, eps)


@layer_norm.variant(kind="vectorized", when=_CONTIGUOUS)
def row_by_row(x, gamma=None, beta=None, eps=1e-5):
    """Each row three times while it is in cache, without temporaries; one thread."""
    return _compute(_rows, x, gamma, beta, eps)


@layer_norm.variant(kind="parallel", when=_CONTIGUOUS, params={"count": Choice(1, 16, 128)}, threads=True)
def rows_on_threads(x, gamma=None, beta=None, eps=1e-5, *, count):
    """`count` rows a task on all cores: pays off once the rows together outweigh waking the threads."""
    return _compute(_rows_threads, x, gamma, beta, eps, count)
