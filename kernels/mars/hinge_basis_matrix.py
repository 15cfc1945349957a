"""The basis functions of MARS at given points: products of hinges.

The variants cover C-contiguous tables of one precision, float32 or float64, and give the same bits as the reference.
What is not finite in the variables used, in the knots or in the result is left to NumPy, which may warn; so is every
call while somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.floats import underflows_are_watched
from kernels.parts import part_of

_TABLES = (
    "x.ndim == 2 and x.dtype.char in 'fd' and x.flags.c_contiguous and "
    "knots.ndim == 2 and knots.dtype == x.dtype and knots.flags.c_contiguous and "
    "variables.ndim == 2 and variables.dtype.char in 'lq' and variables.flags.c_contiguous and "
    "signs.ndim == 2 and signs.dtype == variables.dtype and signs.flags.c_contiguous and "
    "(missing is None or (missing.ndim == 2 and missing.dtype.char == '?' and missing.flags.c_contiguous)) and "
    "(out is None or (out.ndim == 2 and out.dtype == x.dtype and out.flags.f_contiguous))"
)
_NO_MASK = np.empty((0, 0), bool)
_BLOCK = 256  # samples: the lanes of ten variables fill half of L1

_VARIABLES = 10  # of the tables of calibration; the work hardly depends on it


def _tables(rng, dtype, n, m):
    """Points, and m functions as a forward pass leaves them: the constant, single hinges, products of two."""
    variables = rng.integers(_VARIABLES, size=(m, 2))
    variables[:1] = -1
    variables[: m // 2, 1] = -1
    knots, signs = rng.standard_normal((m, 2)), rng.choice([-1, 1], (m, 2))
    return rng.standard_normal((n, _VARIABLES)).astype(dtype), variables, knots.astype(dtype), signs


@tunable(
    size={"n": "x.shape[0]", "m": "variables.shape[0]"},
    inputs=_tables,
    calibrate={"n": Range(100, 200_000), "m": Range(2, 100), "dtype": Choice("float32", "float64")},
    mutates=("out",),
)
def hinge_basis_matrix(x, variables, knots, signs, missing=None, out=None):
    """Evaluate products of hinges: column j is the product over k of max(0, ±(x[:, variables[j, k]] - knots[j, k])).

    Parameters
    ----------
    x : ndarray of floats, shape (n, p)
        Samples of p variables.
    variables : ndarray of ints, shape (m, d)
        The variables of the up to d hinges of each of m basis functions; a negative one stands for no hinge. A function
        without hinges is the constant 1.
    knots : ndarray of floats, shape (m, d)
        The knots of the hinges, in the units of their variables.
    signs : ndarray of ints, shape (m, d)
        1 for the hinge max(0, x - t), which rises from its knot on; -1 for its mirror image max(0, t - x).
    missing : ndarray of bool, shape (n, p), optional
        Where a value is not known: hinges of that variable are 0 there, whatever `x` holds.
    out : ndarray, shape (n, m), optional
        Where to put the result.

    Returns
    -------
    ndarray, shape (n, m)
        The basis matrix, in the type of `x`, each column contiguous (Fortran order); `out` if given.

    Raises
    ------
    IndexError
        If there is no such variable.
    ValueError
        If shapes do not fit together.

    Notes
    -----
    Friedman 1991, Multivariate adaptive regression splines, The Annals of Statistics 19(1), eq. 20. Flat arrays rather
    than a tree of functions, because pruning removes parents before their children.
    """
    columns = np.ascontiguousarray(x.T)
    basis = np.empty((len(variables), len(x)), x.dtype).T if out is None else out
    basis[...] = 1
    for j, k in np.argwhere(variables >= 0).tolist():
        variable, knot = variables[j, k], knots[j, k]
        hinge = columns[variable] - knot if signs[j, k] > 0 else knot - columns[variable]
        np.maximum(hinge, 0, out=hinge)
        if missing is not None:
            hinge[missing[:, variable]] = 0
        basis[:, j] *= hinge
    return basis


@jitable
def _enumerate_used(variables, knots, lane_of):
    """Give each variable that is used a lane; how many there are, -1 if one does not exist or a knot is not finite."""
    lane_of[:] = -1
    count = 0
    for j in range(variables.shape[0]):
        for k in range(variables.shape[1]):
            v = variables[j, k]
            if v >= lane_of.size or (v >= 0 and not abs(knots[j, k]) < np.inf):
                return -1
            if v >= 0 and lane_of[v] < 0:
                lane_of[v] = count
                count += 1
    return count


@jitable(forceinline=True)
def _finite(values):
    finite = True
    for p in range(values.size):
        finite &= abs(values[p]) < np.inf
    return finite


@jitable(forceinline=True)
def _load(x, missing, lane_of, start, lanes):
    """Transpose a block of samples, NaN for what is missing; whether the rest is finite."""
    finite = True
    for v in range(lane_of.size):
        if lane_of[v] >= 0:
            lane = lanes[lane_of[v]]
            for p in range(lane.size):
                lane[p] = x[start + p, v]
            if missing.size:
                for p in range(lane.size):
                    absent = missing[start + p, v]
                    finite &= absent | (abs(lane[p]) < np.inf)
                    lane[p] = np.nan if absent else lane[p]
            else:
                finite &= _finite(lane)
    return finite


@jitable(forceinline=True)
def _multiply(source, knot, sign, target):
    """Multiply by one hinge; one of NaN, which is not greater than 0, is 0."""
    zero = target.dtype.type(0)
    for p in range(target.size):
        distance = (source[p] - knot) * sign
        target[p] *= distance if distance > zero else zero


@jitable
def _fill(x, variables, knots, signs, missing, lane_of, lanes, basis, first, last):
    """Fill the samples first:last of the transposed basis matrix; whether all of it is finite."""
    finite = True
    for start in range(first, last, lanes.shape[1]):
        size = min(lanes.shape[1], last - start)
        finite &= _load(x, missing, lane_of, start, lanes[:, :size])
        for j in range(variables.shape[0]):
            target = basis[j, start : start + size]
            target[:] = 1
            for k in range(variables.shape[1]):
                v = variables[j, k]
                if v >= 0:
                    sign = target.dtype.type(1 if signs[j, k] > 0 else -1)
                    _multiply(lanes[lane_of[v], :size], knots[j, k], sign, target)
            finite &= _finite(target)
    return finite


@jitable(parallel=True)
def _fill_threads(x, variables, knots, signs, missing, lane_of, lanes, basis):
    failed = 0
    for q in prange(len(lanes)):
        first, last = part_of(len(x), len(lanes), q)
        failed += not _fill(x, variables, knots, signs, missing, lane_of, lanes[q], basis, first, last)
    return failed == 0


def _one_thread(*given):
    *shared, lanes, basis = given
    return _fill(*shared, lanes[0], basis, 0, basis.shape[1])


def _compute(core, x, variables, knots, signs, missing, out, block, parts):
    """Allocate, compute by `core`, and give the call to the reference where it raises or may warn."""
    (n, p), (m, d) = x.shape, variables.shape
    fits = (
        knots.shape == signs.shape == (m, d)
        and (missing is None or missing.shape == (n, p))
        and (out is None or (out.shape == (n, m) and out.flags.writeable))
        and not underflows_are_watched()
    )
    lane_of = np.empty(p, np.intp)
    used = _enumerate_used(variables, knots, lane_of) if fits else -1
    if used < 0:
        return hinge_basis_matrix.reference(x, variables, knots, signs, missing, out)
    basis = np.empty((m, n), x.dtype) if out is None else out.T
    lanes = workspace.take((parts, used, block), x.dtype)
    mask = _NO_MASK if missing is None else missing
    finite = core(x, variables, knots, signs, mask, lane_of, lanes, basis)
    workspace.give(lanes)
    if not finite:
        return hinge_basis_matrix.reference(x, variables, knots, signs, missing, out)
    return basis.T if out is None else out


@hinge_basis_matrix.variant(kind="blocked", numerics="bitwise", when=_TABLES, params={"block": Choice(64, 256)})
def sample_blocks(x, variables, knots, signs, missing=None, out=None, *, block):
    """`block` samples at a time, transposed: every hinge is computed and multiplied in L1, without temporaries."""
    return _compute(_one_thread, x, variables, knots, signs, missing, out, block, 1)


@hinge_basis_matrix.variant(
    kind="parallel", numerics="bitwise", when=_TABLES, params={"parts": Choice(4, 32)}, threads=True
)
def parts_on_threads(x, variables, knots, signs, missing=None, out=None, *, parts):
    """The same for `parts` of the samples on all cores."""
    return _compute(_fill_threads, x, variables, knots, signs, missing, out, _BLOCK, parts)
