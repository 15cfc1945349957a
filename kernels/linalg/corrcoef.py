"""corrcoef: the correlations of several variables, drop-in for `numpy.corrcoef`."""

import numpy as np

from autotune import Choice, jitable, tunable
from kernels.linalg.covariances import CALIBRATE, TOLERANCE, by_blas, by_parts, by_runs, mixtures, size_of, variables_in

corrcoef = tunable(np.corrcoef, size=size_of("x"), inputs=mixtures, calibrate=CALIBRATE, tolerance=TOLERANCE)

_WHEN = variables_in("x")


# Deviations no larger than the square root of this, relative to the mean, have lost half of their digits with the
# rounding of the mean: then also what comes of them depends on the order of summation.
_ROUNDING = 2.0**-52


@jitable
def _normalise(covariances, means):
    """Divide by the standard deviations, in place; whether all are sound."""
    for v in range(len(covariances)):
        if not covariances[v, v] > _ROUNDING * means[v] * means[v]:
            return False
    for v in range(len(covariances)):
        deviation = np.sqrt(covariances[v, v])
        for w in range(len(covariances)):
            covariances[v, w] /= deviation
            covariances[w, v] /= deviation
    for v in range(len(covariances)):
        for w in range(len(covariances)):
            covariances[v, w] = min(max(covariances[v, w], -1.0), 1.0)
    return True


def _answer(x, found):
    return np.corrcoef(x) if found is None or not _normalise(*found) else found[0]


@corrcoef.variant(kind="blocked", when=_WHEN)
def runs(x):
    """A run of observations less the means, while it is in cache, for all pairs of variables; one thread."""
    return _answer(x, by_runs(x))


@corrcoef.variant(kind="parallel", when=_WHEN, params={"parts": Choice(4, 16)}, threads=True)
def parts_on_threads(x, *, parts):
    """The observations in `parts` on all cores: pays off for many of them."""
    return _answer(x, by_parts(x, parts))


# not marked as threaded, because it uses exactly the threads that the reference uses
@corrcoef.variant(kind="library", when=_WHEN)
def blas(x):
    """BLAS as NumPy calls it, from scratch memory that was touched before: best for many variables."""
    return _answer(x, by_blas(x))
