"""One step of mean shift with the Gaussian kernel.

NumPy makes arrays of k·n distances and weights. The variants have points in the vector lanes, and the weights of a
block of them in L1. They cover matrices of one precision, float32 or float64. Weights that all vanish, and distances
that are not finite, are left to NumPy, which warns; so is every call while somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels import vecmath
from kernels.distances.exact import MATRICES, by_feature, squares_to
from kernels.floats import ANY_ORDER, underflows_are_watched
from kernels.parts import part_of

# Points weighted at a time: squared distances and features stay in L1; sums in vector lanes are no longer than this.
_BLOCK = 512


@tunable(
    size={"n": "x.shape[0]", "k": "means.shape[0]", "d": "x.shape[1]"},
    inputs=lambda rng, dtype, n, k, d: (
        rng.standard_normal((n, d)).astype(dtype),
        rng.standard_normal((k, d)).astype(dtype),
        float(np.sqrt(d) / 2),
    ),
    calibrate={"n": Range(16, 20_000), "k": Range(1, 500), "d": Range(2, 32), "dtype": Choice("float32", "float64")},
    tolerance=(100.0, "sums of up to 10^4 terms, rounding errors as a random walk: Higham 2002, section 4.2"),
)
def mean_shift_step(x, means, bandwidth):
    """Move each mean to the weighted mean of all points, weights normal in the distance.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    means : ndarray, shape (k, d)
        In the units of the points; at first often some of these.
    bandwidth : float
        Standard deviation of the weights, in these units.

    Returns
    -------
    ndarray, shape (k, d)
        The moved means.

    Raises
    ------
    ValueError
        If the numbers of features differ, or the bandwidth is not positive.
    IndexError
        If `x` or `means` has fewer than two dimensions.

    Notes
    -----
    Comaniciu & Meer 2002, Mean shift: a robust approach toward feature space analysis, IEEE PAMI 24(5), eq. 20 with the
    normal kernel. (`sklearn.cluster.MeanShift` has the flat kernel alone.)
    """
    if not bandwidth > 0:
        raise ValueError(f"expected a positive bandwidth, found {bandwidth}")
    weights = by_feature(means, x) * _steepness(bandwidth, np.result_type(x, means, np.float32))
    np.exp(weights, out=weights)
    return weights @ x / weights.sum(axis=1)[:, None]


def _steepness(bandwidth, kind):
    return kind.type(-0.5) / (kind.type(bandwidth) * kind.type(bandwidth))


def _loops(exp):
    """Compiled loops for one precision."""

    @jitable(forceinline=True)
    def to_weights(squares, steepness):
        """Squared distances become weights; whether they are finite."""
        finite = True
        for p in range(squares.size):
            finite &= squares[p] < np.inf
        for p in range(squares.size):
            squares[p] = exp(squares[p] * steepness)
        return finite

    @jitable(fastmath=ANY_ORDER, forceinline=True)
    def total_of(weights):
        total = weights.dtype.type(0)
        for p in range(weights.size):
            total += weights[p]
        return total

    @jitable(fastmath=ANY_ORDER, forceinline=True)
    def moment_of(weights, row):
        moment = weights.dtype.type(0)
        for p in range(weights.size):
            moment += weights[p] * row[p]
        return moment

    @jitable
    def some(features, means, steepness, first, last, weights, moments, out):
        """Move the means first:last; whether the result is sound."""
        (d, n), smallest = features.shape, np.finfo(out.dtype).tiny
        sound = True
        for q in range(first, last):
            total = 0.0
            moments[:] = 0
            for start in range(0, n, _BLOCK):
                run = weights[: min(_BLOCK, n - start)]
                squares_to(features, start, means[q], run)
                sound &= to_weights(run, steepness)
                total += total_of(run)
                for t in range(d):
                    moments[t] += moment_of(run, features[t, start : start + run.size])
            sound &= total >= smallest
            for t in range(d):
                out[q, t] = moments[t] / total
                sound &= abs(out[q, t]) < np.inf
        return sound

    @jitable
    def whole(features, means, steepness, weights, moments, out):
        return some(features, means, steepness, 0, len(means), weights[0], moments[0], out)

    @jitable(parallel=True)
    def parts(features, means, steepness, weights, moments, out):
        failed = 0
        for q in prange(len(weights)):
            first, last = part_of(len(means), len(weights), q)
            failed += not some(features, means, steepness, first, last, weights[q], moments[q], out)
        return failed == 0

    return whole, parts


def _compute(core, x, means, bandwidth, parts):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    sound = x.shape[1] == means.shape[1] and x.size and bandwidth > 0 and not underflows_are_watched()
    if not sound:
        return mean_shift_step.reference(x, means, bandwidth)
    with np.errstate(all="ignore"):
        steepness = _steepness(bandwidth, x.dtype)
    if not -np.inf < steepness < 0:
        return mean_shift_step.reference(x, means, bandwidth)
    out = np.empty(means.shape, x.dtype)
    weights, moments = np.empty((parts, _BLOCK), x.dtype), np.empty((parts, x.shape[1]))
    features, middles = np.ascontiguousarray(x.T), np.ascontiguousarray(means)
    if not core(features, middles, steepness, weights, moments, out):
        return mean_shift_step.reference(x, means, bandwidth)
    return out


def _add_variants(precision, char, exp):
    whole, in_parts = _loops(exp)
    matrices = f"{MATRICES.format(c='means')} and x.dtype.char == {char!r}"

    @mean_shift_step.variant(kind="blocked", name=f"point_blocks_{precision}", when=matrices)
    def point_blocks(x, means, bandwidth):
        """Points in vector lanes, their weights in L1 for all features: no k·n elements in memory; one thread."""
        return _compute(whole, x, means, bandwidth, 1)

    @mean_shift_step.variant(
        kind="parallel",
        name=f"parts_on_threads_{precision}",
        when=matrices,
        params={"parts": Choice(4, 16)},
        threads=True,
    )
    def parts_on_threads(x, means, bandwidth, *, parts):
        """The means in `parts` on all cores; each is summed by one thread: always the same bits."""
        return _compute(in_parts, x, means, bandwidth, parts)


_add_variants("f32", "f", vecmath.exp_f32)
_add_variants("f64", "d", vecmath.exp_f64)
