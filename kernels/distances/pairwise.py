"""The loops of `squared_distances` and `euclidean`, which differ in nothing but what becomes of a sum of squares.

Differences are squared and added as in the reference, in another order; only `expand` uses another formula. A result
that is not finite is left to NumPy, which warns; so is every call while somebody watches for underflows, because
squares of small differences underflow unseen. Knows nothing of what is made of the squares.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange
from kernels.floats import ANY_ORDER, FUSED, underflows_are_watched

SIZE = {"n": "x.shape[0]", "k": "c.shape[0]", "d": "x.shape[1]"}
CALIBRATE = {"n": Range(16, 20_000), "k": Range(2, 256), "d": Range(1, 64), "dtype": Choice("float32", "float64")}

_MATRICES = (
    "x.ndim == 2 and c.ndim == 2 and x.dtype.char in 'fd' and c.dtype == x.dtype and "
    "x.flags.c_contiguous and c.flags.c_contiguous and "
    "(out is None or (out.ndim == 2 and out.dtype == x.dtype and out.flags.c_contiguous))"
)


def pair(rng, dtype, n, k, d):
    return rng.standard_normal((n, d)).astype(dtype), rng.standard_normal((k, d)).astype(dtype)


@jitable(forceinline=True)
def _finish(out, root):
    """Take roots, if asked for, while the rows are in cache; whether all of it is finite."""
    flat = out.reshape(out.size)
    if root:
        for i in range(flat.size):
            flat[i] = np.sqrt(flat[i])
    finite = True
    for i in range(flat.size):
        finite &= flat[i] < np.inf
    return finite


# ---- features in the vector lanes ----


@jitable(fastmath=ANY_ORDER, forceinline=True)
def _pair(point, centre):
    total = point.dtype.type(0)
    for t in range(point.size):
        difference = point[t] - centre[t]
        total += difference * difference
    return total


# ---- centres in the vector lanes: `centres` is c transposed, d by k ----


@jitable(fastmath=FUSED, forceinline=True)
def _add_features(point, centres, out, t, lanes):
    """Add the squared differences from feature t on to one row of out."""
    while t < point.size:
        value, row = point[t], centres[t, lanes]
        for j in range(out.size):
            out[j] += (value - row[j]) * (value - row[j])
        t += 1


@jitable(fastmath=FUSED, forceinline=True)
def _four_points(x, centres, out, i, lanes):
    """Fill four rows of out, four features at a time: 32 operations for 12 accesses."""
    out_0, out_1, out_2, out_3 = out[i, lanes], out[i + 1, lanes], out[i + 2, lanes], out[i + 3, lanes]
    point_0, point_1, point_2, point_3 = x[i], x[i + 1], x[i + 2], x[i + 3]
    t = 0
    while t + 4 <= x.shape[1]:
        a_0, b_0, c_0, d_0 = point_0[t], point_0[t + 1], point_0[t + 2], point_0[t + 3]
        a_1, b_1, c_1, d_1 = point_1[t], point_1[t + 1], point_1[t + 2], point_1[t + 3]
        a_2, b_2, c_2, d_2 = point_2[t], point_2[t + 1], point_2[t + 2], point_2[t + 3]
        a_3, b_3, c_3, d_3 = point_3[t], point_3[t + 1], point_3[t + 2], point_3[t + 3]
        row_a, row_b = centres[t, lanes], centres[t + 1, lanes]
        row_c, row_d = centres[t + 2, lanes], centres[t + 3, lanes]
        for j in range(out_0.size):
            a, b, c, d = row_a[j], row_b[j], row_c[j], row_d[j]
            out_0[j] += (a_0 - a) ** 2 + (b_0 - b) ** 2 + (c_0 - c) ** 2 + (d_0 - d) ** 2
            out_1[j] += (a_1 - a) ** 2 + (b_1 - b) ** 2 + (c_1 - c) ** 2 + (d_1 - d) ** 2
            out_2[j] += (a_2 - a) ** 2 + (b_2 - b) ** 2 + (c_2 - c) ** 2 + (d_2 - d) ** 2
            out_3[j] += (a_3 - a) ** 2 + (b_3 - b) ** 2 + (c_3 - c) ** 2 + (d_3 - d) ** 2
        t += 4
    if t < x.shape[1]:
        for row in range(i, i + 4):
            _add_features(x[row], centres, out[row, lanes], t, lanes)


@jitable(forceinline=True)
def _pairs_of(x, c, out, root, first, last):
    """Fill the rows first:last of out; whether all of it is finite."""
    for i in range(first, last):
        for j in range(c.shape[0]):
            out[i, j] = _pair(x[i], c[j])
    return _finish(out[first:last], root)


@jitable(forceinline=True)
def _lanes_of(x, centres, out, root, width, first, last):
    """Fill the rows first:last of out, `width` centres at a time; whether all of it is finite."""
    k = centres.shape[1]
    out[first:last] = 0
    for start in range(0, k, width):
        lanes = slice(start, min(start + width, k))
        i = first
        while i + 4 <= last:
            _four_points(x, centres, out, i, lanes)
            i += 4
        for row in range(i, last):
            _add_features(x[row], centres, out[row, lanes], 0, lanes)
    return _finish(out[first:last], root)


@jitable
def _pairs(x, c, out, root):
    return _pairs_of(x, c, out, root, 0, x.shape[0])


@jitable
def _lanes(x, centres, out, root, width):
    return _lanes_of(x, centres, out, root, width, 0, x.shape[0])


@jitable(parallel=True)
def _pairs_threads(x, c, out, root, rows):
    failed = 0
    for b in prange((x.shape[0] + rows - 1) // rows):
        failed += not _pairs_of(x, c, out, root, b * rows, min((b + 1) * rows, x.shape[0]))
    return failed == 0


@jitable(parallel=True)
def _lanes_threads(x, centres, out, root, width, rows):
    failed = 0
    for b in prange((x.shape[0] + rows - 1) // rows):
        failed += not _lanes_of(x, centres, out, root, width, b * rows, min((b + 1) * rows, x.shape[0]))
    return failed == 0


def _expanded(x, c, out, root):
    with np.errstate(all="ignore"):  # squares of what is far from the origin may overflow where the reference is silent
        np.matmul(x, c.T, out)
        out *= -2
        out += np.einsum("ij,ij->i", x, x)[:, None]
        out += np.einsum("ij,ij->i", c, c)
        np.maximum(out, 0, out=out)  # rounding may leave less than nothing
        if root:
            np.sqrt(out, out=out)
    return bool(np.isfinite(out).all())


def add_variants(kernel, *, root):
    """Give a kernel its variants; `root`: of the roots of the sums."""
    reference = kernel.reference

    def compute(core, x, centres, c, out, *settings):
        """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
        if x.shape[1] != c.shape[1] or underflows_are_watched():
            return reference(x, c, out)
        if out is None:
            out = np.empty((x.shape[0], c.shape[0]), x.dtype)
        elif out.shape != (x.shape[0], c.shape[0]) or not out.flags.writeable:
            return reference(x, c, out)
        return out if core(x, centres, out, root, *settings) else reference(x, c, out)

    @kernel.variant(kind="vectorized", when=_MATRICES)
    def pair_by_pair(x, c, out=None):
        """One sum for each pair, features in the vector lanes: best for few centres of many features, or few pairs."""
        return compute(_pairs, x, c, c, out)

    @kernel.variant(kind="parallel", when=_MATRICES, params={"rows": Choice(32, 256)}, threads=True)
    def pairs_on_threads(x, c, out=None, *, rows):
        """`pair_by_pair` for `rows` points a task on all cores."""
        return compute(_pairs_threads, x, c, c, out, rows)

    @kernel.variant(kind="blocked", when=_MATRICES, params={"width": Choice(64, 256)})
    def centre_blocks(x, c, out=None, *, width):
        """Four points against `width` centres in vector lanes and in cache: costs a transposed copy of the centres."""
        return compute(_lanes, x, np.ascontiguousarray(c.T), c, out, width)

    @kernel.variant(
        kind="parallel", when=_MATRICES, params={"width": Choice(64, 256), "rows": Choice(32, 256)}, threads=True
    )
    def blocks_on_threads(x, c, out=None, *, width, rows):
        """`centre_blocks` for `rows` points a task on all cores; each row is summed by one thread: the same bits."""
        return compute(_lanes_threads, x, np.ascontiguousarray(c.T), c, out, width, rows)

    @kernel.variant(kind="library", numerics="approximate", when=_MATRICES, threads=True)
    def expand(x, c, out=None):
        """|x|² - 2x·c + |c|²: one matrix product by BLAS; loses digits where a point is close to a centre."""
        return compute(_expanded, x, c, c, out)
