"""cov: the covariances of several variables, drop-in for `numpy.cov`."""

import numpy as np

from autotune import Choice, tunable
from kernels.linalg.covariances import CALIBRATE, TOLERANCE, by_blas, by_parts, by_runs, mixtures, size_of, variables_in

cov = tunable(np.cov, size=size_of("m"), inputs=mixtures, calibrate=CALIBRATE, tolerance=TOLERANCE)

_WHEN = variables_in("m")


def _answer(m, found):
    return np.cov(m) if found is None else found[0]


@cov.variant(kind="blocked", when=_WHEN)
def runs(m):
    """A run of observations less the means, while it is in cache, for all pairs of variables; one thread."""
    return _answer(m, by_runs(m))


@cov.variant(kind="parallel", when=_WHEN, params={"parts": Choice(4, 16)}, threads=True)
def parts_on_threads(m, *, parts):
    """The observations in `parts` on all cores: pays off for many of them."""
    return _answer(m, by_parts(m, parts))


# not marked as threaded, because it uses exactly the threads that the reference uses
@cov.variant(kind="library", when=_WHEN)
def blas(m):
    """BLAS as NumPy calls it, from scratch memory that was touched before: best for many variables."""
    return _answer(m, by_blas(m))
