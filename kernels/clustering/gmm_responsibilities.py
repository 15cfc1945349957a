"""The expectation step of a Gaussian mixture, as in `sklearn.mixture.GaussianMixture`.

NumPy passes over n·k elements some 3·d times for the exponents, and five times for their normalisation. The variants
have a block of points in the vector lanes, and everything about it in L1. They cover diagonal and full covariances in
arrays of one precision, float32 or float64. Densities that are not finite are left to NumPy, which warns; so is every
call while somebody watches for underflows.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels import vecmath
from kernels.floats import FUSED, underflows_are_watched
from kernels.parts import part_of

_ARRAYS = (
    "x.ndim == 2 and x.dtype.char == {char!r} and means.ndim == 2 and means.dtype == x.dtype and "
    "weights.ndim == 1 and weights.dtype == x.dtype and covariances.ndim == {ndim} and covariances.dtype == x.dtype"
)


def _mixture(rng, dtype, n, k, d):
    """Points of k normal distributions, with diagonal covariances."""
    means, variances = 3 * rng.standard_normal((k, d)), rng.uniform(0.5, 2, (k, d))
    labels = rng.integers(k, size=n)
    x = means[labels] + np.sqrt(variances[labels]) * rng.standard_normal((n, d))
    return tuple(array.astype(dtype) for array in (x, np.full(k, 1 / k), means, variances))


def _fit_together(x, weights, means, covariances):
    k, d = means.shape
    return x.shape[1:] == (d,) and weights.shape == (k,) and covariances.shape in ((k, d), (k, d, d))


def _whitening(weights, covariances):
    """What makes differences from a mean independent, of variance 1; and the logarithms of the densities there."""
    if covariances.ndim == 3:
        factors = np.linalg.cholesky(covariances)
        transforms = np.linalg.inv(factors)
        determinants = np.log(np.diagonal(transforms, axis1=1, axis2=2)).sum(axis=1)
    else:
        transforms = 1 / np.sqrt(covariances)
        determinants = np.log(transforms).sum(axis=1)
    transforms = np.ascontiguousarray(transforms)
    return transforms, np.log(weights) + determinants - 0.5 * math.log(2 * math.pi) * covariances.shape[1]


@tunable(
    size={"n": "x.shape[0]", "k": "means.shape[0]", "d": "x.shape[1]"},
    inputs=_mixture,
    calibrate={"n": Range(100, 50_000), "k": Range(2, 32), "d": Range(1, 32), "dtype": Choice("float32", "float64")},
    tolerance=(1e4, "exponentials of sums of d squares, up to a few hundred: the error of the argument times that"),
)
def gmm_responsibilities(x, weights, means, covariances):
    """Densities of points in a Gaussian mixture, and the share that each component has in them.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    weights : ndarray, shape (k,)
        Of the components; of sum 1.
    means : ndarray, shape (k, d)
        In the units of the points.
    covariances : ndarray, shape (k, d) or (k, d, d)
        Variances of independent features («diag» of scikit-learn), or whole matrices («full»).

    Returns
    -------
    log_densities : ndarray, shape (n,)
        Natural logarithms of the density of the mixture at each point, as `GaussianMixture.score_samples`.
    responsibilities : ndarray, shape (n, k)
        Of sum 1 for each point, as `GaussianMixture.predict_proba`.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    numpy.linalg.LinAlgError
        If a covariance matrix is not positive definite.

    Notes
    -----
    Bishop 2006, Pattern Recognition and Machine Learning, eq. 9.23. Differences are taken before anything is squared,
    which keeps their digits far from the origin, unlike the expanded squares of scikit-learn.
    """
    if not _fit_together(x, weights, means, covariances):
        raise ValueError(
            "expected shapes (n, d), (k,), (k, d) and (k, d) or (k, d, d), "
            f"found {x.shape}, {weights.shape}, {means.shape} and {covariances.shape}"
        )
    transforms, tops = _whitening(weights, covariances)
    logs = np.zeros((len(x), len(means)), np.result_type(x, tops))
    if covariances.ndim == 3:
        for j, (mean, transform) in enumerate(zip(means, transforms, strict=True)):
            logs[:, j] = np.square((x - mean) @ transform.T).sum(axis=1)
    else:
        for t in range(means.shape[1]):
            logs += ((x[:, t, None] - means[:, t]) * transforms[:, t]) ** 2
    logs *= -0.5
    logs += tops
    highest = logs.max(axis=1)
    logs -= highest[:, None]
    np.exp(logs, out=logs)
    totals = logs.sum(axis=1)
    logs /= totals[:, None]
    return highest + np.log(totals), logs


@jitable(forceinline=True)
def _diagonal(features, mean, transform, difference, out):
    """Add the squares of whitened differences of a block of points: features by points."""
    for t in range(mean.size):
        row, middle, factor = features[t], mean[t], transform[t]
        for p in range(out.size):
            out[p] += ((row[p] - middle) * factor) ** 2


@jitable(fastmath=FUSED, forceinline=True)
def _full(features, mean, transform, difference, out):
    """The same, each whitened difference a sum over the features up to it: transforms are lower triangular."""
    for t in range(mean.size):
        for p in range(out.size):
            difference[p] = 0
        for s in range(t + 1):
            row, middle, factor = features[s], mean[s], transform[t, s]
            for p in range(out.size):
                difference[p] += (row[p] - middle) * factor
        for p in range(out.size):
            out[p] += difference[p] * difference[p]


def _loops(exp, add_squares):
    """Compiled loops for one precision and one kind of covariances."""

    @jitable(forceinline=True)
    def normalise(logs, highest, totals):
        """Exponentials of the logarithms of k components, less the highest; their reciprocal sums in `totals`."""
        for j in range(len(logs)):
            row = logs[j]
            for p in range(highest.size):
                row[p] = exp(row[p] - highest[p])
            for p in range(highest.size):
                totals[p] += row[p]

    @jitable
    def points(x, means, transforms, tops, first, last, lanes, logs, out, shares):
        """The points first:last, a block at a time; whether all densities are finite.

        `lanes` is scratch space for a block: d features, a difference, the highest logarithms, and sums.
        """
        (k, d), block = means.shape, lanes.shape[1]
        half = x.dtype.type(-0.5)
        finite = True
        for start in range(first, last, block):
            size = min(block, last - start)
            difference, highest, totals = lanes[d, :size], lanes[d + 1, :size], lanes[d + 2, :size]
            for p in range(size):
                for t in range(d):
                    lanes[t, p] = x[start + p, t]
            highest[:] = -np.inf
            totals[:] = 0
            for j in range(k):
                row = logs[j, :size]
                row[:] = 0
                add_squares(lanes, means[j], transforms[j], difference, row)
                top = tops[j]
                for p in range(size):
                    row[p] = half * row[p] + top
                for p in range(size):
                    highest[p] = row[p] if row[p] > highest[p] else highest[p]
                for p in range(size):
                    finite &= row[p] > -np.inf
            normalise(logs[:, :size], highest, totals)
            for p in range(size):
                out[start + p] = highest[p] + np.log(totals[p])
                for j in range(k):
                    shares[start + p, j] = logs[j, p] / totals[p]
        return finite

    @jitable
    def whole(x, means, transforms, tops, lanes, logs, out, shares):
        return points(x, means, transforms, tops, 0, len(x), lanes[0], logs[0], out, shares)

    @jitable(parallel=True)
    def parts(x, means, transforms, tops, lanes, logs, out, shares):
        failed = 0
        for q in prange(len(lanes)):
            first, last = part_of(len(x), len(lanes), q)
            failed += not points(x, means, transforms, tops, first, last, lanes[q], logs[q], out, shares)
        return failed == 0

    return whole, parts


def _compute(core, x, weights, means, covariances, block, parts):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    sound = _fit_together(x, weights, means, covariances) and x.size and means.size
    if not sound or underflows_are_watched():
        return gmm_responsibilities.reference(x, weights, means, covariances)
    with np.errstate(all="ignore"):
        transforms, tops = _whitening(weights, covariances)
    if not (np.isfinite(transforms).all() and np.isfinite(tops).all()):
        return gmm_responsibilities.reference(x, weights, means, covariances)
    (n, d), k = x.shape, len(means)
    lanes = workspace.take((parts, d + 3, block), x.dtype)
    logs = workspace.take((parts, k, block), x.dtype)
    out, shares = np.empty(n, x.dtype), np.empty((n, k), x.dtype)
    points, middles = np.ascontiguousarray(x), np.ascontiguousarray(means)
    finite = core(points, middles, transforms, tops, lanes, logs, out, shares)
    workspace.give(lanes, logs)
    return (out, shares) if finite else gmm_responsibilities.reference(x, weights, means, covariances)


def _add_variants(ending, char, ndim, *functions):
    whole, in_parts = _loops(*functions)
    arrays = _ARRAYS.format(char=char, ndim=ndim)

    @gmm_responsibilities.variant(
        kind="blocked", name=f"point_blocks_{ending}", when=arrays, params={"block": Choice(64, 256)}
    )
    def point_blocks(x, weights, means, covariances, *, block):
        """`block` points at a time in vector lanes, from differences to shares while they are in L1; one thread."""
        return _compute(whole, x, weights, means, covariances, block, 1)

    @gmm_responsibilities.variant(
        kind="parallel",
        name=f"parts_on_threads_{ending}",
        when=arrays,
        params={"block": Choice(64, 256), "parts": Choice(4, 32)},
        threads=True,
    )
    def parts_on_threads(x, weights, means, covariances, *, block, parts):
        """The points in `parts` on all cores, in blocks: pays off once the work outweighs waking the threads."""
        return _compute(in_parts, x, weights, means, covariances, block, parts)


_add_variants("f32", "f", 2, vecmath.exp_f32, _diagonal)
_add_variants("f64", "d", 2, vecmath.exp_f64, _diagonal)
_add_variants("full_f32", "f", 3, vecmath.exp_f32, _full)
_add_variants("full_f64", "d", 3, vecmath.exp_f64, _full)
