"""The search for the next knot of MARS: the residual sum of squares for every knot of one variable.

One candidate after the other, least squares would take n·m² operations a knot. Friedman 1991, The Annals of Statistics
19(1), section 3.9, updates inner products from one knot to the next instead: m operations a knot. So does this kernel,
with an orthonormal basis of the present functions in place of his normal equations: no system of equations is solved.

The variants cover arrays of one precision, float32 or float64, the basis in C order, and add in float64. Vectors may be
columns of a matrix, as variables usually are: these are copied first. What is not finite is left to NumPy, which may
warn; so is every call while somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.floats import ANY_ORDER, underflows_are_watched
from kernels.sums import product_of_run

_ARRAYS = (
    "q.ndim == 2 and q.dtype.char in 'fd' and q.flags.c_contiguous and "
    "residual.ndim == 1 and residual.dtype == q.dtype and parent.ndim == 1 and parent.dtype == q.dtype and "
    "x.ndim == 1 and x.dtype == q.dtype and "
    "(order is None or (order.ndim == 1 and order.dtype.char in 'lq' and order.flags.c_contiguous))"
)

# A candidate of which less than this share (of its square) lies outside the present basis adds nothing that could be
# told from rounding errors, by item size: half of the digits of float64; of float32, in which q itself is off by 10^-7,
# a hundred times that.
_SHARE = {4: 1e-5, 8: 1e-8}


def _present(rng, dtype, n, m, variable="vector"):
    """An orthonormal basis with the constant, residuals of a rough response, and a hinge as parent."""
    m = min(m, n // 4)  # as many functions as samples would leave nothing but rounding errors
    functions = np.maximum(rng.standard_normal((n, m)), 0)
    functions[:, :1] = 1
    q = np.linalg.qr(functions)[0]
    x, response = rng.standard_normal(n).astype(dtype), rng.standard_normal(n)
    parent = np.maximum(rng.standard_normal(n) + 1, 0)
    residual = response - q @ (q.T @ response)
    if variable == "column":
        x = np.stack([x, parent.astype(dtype)], axis=1)[:, 0]
    return *(array.astype(dtype) for array in (q, residual, parent)), x, np.argsort(x)


@tunable(
    size={"n": "q.shape[0]", "m": "q.shape[1]"},
    inputs=_present,
    calibrate={
        "n": Range(256, 50_000),
        "m": Range(2, 64),
        "dtype": Choice("float32", "float64"),
        "variable": Choice("vector", "column"),
    },
    tolerance=(
        1e4,
        "cancellation: of a candidate's square, which is a sum of rounded terms, some thousandth may be left, and what "
        "is gained is taken from the sum of all",
        "norm",
    ),
)
def candidate_rss(q, residual, parent, x, order=None):
    """Residual sum of squares for each knot t: of the present basis with parent·x and parent·max(0, x - t) beside it.

    Parameters
    ----------
    q : ndarray of floats, shape (n, m)
        Orthonormal columns that span the present basis functions (``numpy.linalg.qr``); columns of zeros do no harm.
    residual : ndarray of floats, shape (n,)
        The response less its projection on `q`.
    parent : ndarray of floats, shape (n,)
        The basis function, one of those present, to multiply the new hinges with: 0 where `x` is missing.
    x : ndarray of floats, shape (n,)
        The variable.
    order : ndarray of ints, shape (n,), optional
        Indices that sort `x`, ascending. Worth keeping from call to call: sorting takes about as long as all the rest.

    Returns
    -------
    ndarray, shape (n,)
        For each sample i the residual sum of squares with a knot at x[i], in the common type of the floats, in the
        units of the residuals squared. A pair of hinges max(0, x - t), max(0, t - x) spans the same space, because
        their difference is x - t. Where the hinge adds nothing to the others, what these leave.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    IndexError
        If there is no such sample as one in `order`.

    Notes
    -----
    Friedman 1991, section 3.9: inner products with c = parent·max(0, x - t) grow by step·sums as t moves down to the
    next sample, sums being those of products with the parent over the samples passed. With orthonormal q the residual
    sum of squares falls by (c·residual)² / (c·c - Σ (c·q)²). Knots of the lower half are reached from below, by
    max(0, t - x): seen from above, most of such a hinge is the straight line, and cancels.
    """
    kind = np.result_type(q, residual, parent, x)
    share = _SHARE[np.dtype(kind).itemsize]
    q, residual, parent, x = (np.asarray(array, np.float64) for array in (q, residual, parent, x))
    if order is None:
        order = np.argsort(x)
    if not len(q) == len(residual) == len(parent) == len(x) == len(order):
        raise ValueError(f"{len(q)}, {len(residual)}, {len(parent)}, {len(x)} and {len(order)} samples: expected equal")
    half = len(x) // 2
    line = parent * (x - x[order[half : half + 1]])  # the middle one, so that little of it is constant
    outside = line - q @ (line @ q)
    length = outside @ outside
    line = outside / np.sqrt(length) if length > share * (line @ line) else np.zeros_like(line)
    residual = residual - line * (line @ residual)
    total = residual @ residual
    columns = np.column_stack([q, line, residual, parent])
    rss = np.full(len(x), np.nan, kind)
    for rows in (order[:half], order[half:][::-1]):
        steps = np.abs(np.diff(x[rows]))[:, None]
        sums = np.cumsum(columns[rows[:-1]] * parent[rows[:-1], None], axis=0)
        products = np.cumsum(steps * sums, axis=0)
        own = np.concatenate([np.zeros(1), products[:, -1]])
        square = np.cumsum(steps[:, 0] * (own[1:] + own[:-1]))
        left = square - np.einsum("ij,ij->i", products[:, :-2], products[:, :-2])
        gain = np.zeros(len(rows))
        np.divide(products[:, -2] ** 2, left, out=gain[1:], where=left > share * square)
        rss[rows] = np.maximum(total - gain, 0)
    return rss


@jitable(forceinline=True, fastmath=ANY_ORDER)
def _add_row(row, weight, sums):
    for j in range(sums.size):
        sums[j] += weight * row[j]


@jitable
def _straight_line(q, residual, parent, x, middle, share, products, line, rest):
    """Write parent·x outside the span of q, normalised, and the residual without it; the square of that."""
    products[:] = 0
    before = after = slope = 0.0
    for i in range(x.size):
        line[i] = parent[i] * (np.float64(x[i]) - middle)
        before += line[i] * line[i]
        _add_row(q[i], line[i], products)
    for i in range(x.size):
        line[i] -= product_of_run(q[i], products)
        after += line[i] * line[i]
        slope += line[i] * residual[i]
    scale = 1 / np.sqrt(after) if after > share * before else 0.0
    slope *= scale
    total = 0.0
    for i in range(x.size):
        line[i] *= scale
        rest[i] = residual[i] - line[i] * slope
        total += rest[i] * rest[i]
    return total if before < np.inf else np.nan


@jitable(forceinline=True, fastmath=ANY_ORDER)
def _advance(step, sums, products):
    """Move the knot by one step; the sum of squares of the products."""
    total = 0.0
    for j in range(sums.size):
        products[j] += step * sums[j]
        total += products[j] * products[j]
    return total


@jitable
def _scan(q, parent, x, order, upper, share, line, rest, total, sums, products, rss):
    """Judge the knots of one half of the samples, from its end to the middle; whether all was finite."""
    n = x.size
    half = n // 2
    sums[:] = 0
    products[:] = 0
    line_sum = rest_sum = own_sum = line_product = rest_product = own_product = square = 0.0
    finite = True
    previous = np.float64(x[order[n - 1 if upper else 0]])
    for i in range(n - half if upper else half):
        row = order[n - 1 - i if upper else i]
        step = abs(x[row] - previous)
        previous = np.float64(x[row])
        inside = _advance(step, sums, products)
        line_product += step * line_sum
        rest_product += step * rest_sum
        square += step * own_product
        own_product += step * own_sum
        square += step * own_product
        left = square - (inside + line_product * line_product)
        gained = rest_product * rest_product
        finite &= square + inside + line_product * line_product + gained < np.inf
        gain = gained / left if left > share * square else 0.0
        rss[row] = max(total - gain, 0.0)
        weight = np.float64(parent[row])
        _add_row(q[row], weight, sums)
        line_sum += weight * line[row]
        rest_sum += weight * rest[row]
        own_sum += weight * weight
    return finite


@jitable
def _exist(order):
    """Whether there are such samples as those in `order`."""
    exist = True
    for i in range(order.size):
        exist &= 0 <= order[i] < order.size
    return exist


@jitable
def _search(q, residual, parent, x, order, share, lines, scratch, rss):
    """Judge all knots; whether all was finite."""
    if not _exist(order):
        return False
    rss[:] = np.nan
    line, rest = lines
    middle = np.float64(x[order[x.size // 2]])
    total = _straight_line(q, residual, parent, x, middle, share, scratch[0, 0], line, rest)
    finite = total <= np.finfo(rss.dtype).max
    for side in range(2):
        sums, products = scratch[side]
        finite &= _scan(q, parent, x, order, side == 1, share, line, rest, total, sums, products, rss)
    return finite


@jitable(parallel=True)
def _search_threads(q, residual, parent, x, order, share, lines, scratch, rss):
    if not _exist(order):
        return False
    rss[:] = np.nan
    line, rest = lines[0], lines[1]
    middle = np.float64(x[order[x.size // 2]])
    total = _straight_line(q, residual, parent, x, middle, share, scratch[0, 0], line, rest)
    failed = 0
    for side in prange(2):
        sums, products = scratch[side, 0], scratch[side, 1]
        failed += not _scan(q, parent, x, order, side == 1, share, line, rest, total, sums, products, rss)
    return failed == 0 and total <= np.finfo(rss.dtype).max


def _compute(core, q, residual, parent, x, order):
    """Allocate, compute by `core`, and give the call to the reference where it raises or may warn."""
    n, m = q.shape
    if not n or not residual.size == parent.size == x.size == n or underflows_are_watched():
        return candidate_rss.reference(q, residual, parent, x, order)
    places = np.argsort(x) if order is None else order
    if places.size != n:
        return candidate_rss.reference(q, residual, parent, x, order)
    residual, parent, x = (np.ascontiguousarray(vector) for vector in (residual, parent, x))
    lines, scratch = workspace.take((2, n), np.float64), np.empty((2, 2, m))
    rss = np.empty(n, x.dtype)
    finite = core(q, residual, parent, x, places, _SHARE[x.itemsize], lines, scratch, rss)
    workspace.give(lines)
    return rss if finite else candidate_rss.reference(q, residual, parent, x, order)


@candidate_rss.variant(kind="vectorized", when=_ARRAYS)
def knot_by_knot(q, residual, parent, x, order=None):
    """All inner products of a knot in vector registers, from those of the knot before: no arrays of n·m sums."""
    return _compute(_search, q, residual, parent, x, order)


@candidate_rss.variant(kind="parallel", when=_ARRAYS, threads=True)
def halves_on_threads(q, residual, parent, x, order=None):
    """The upper and the lower half of the knots on two cores: no more, whatever there are."""
    return _compute(_search_threads, q, residual, parent, x, order)
