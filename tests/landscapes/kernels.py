"""Blocked kernels with the parameters their author would tune: matrix product, convolution, distances.

Each has one blocked variant whose tile sizes are arguments, so that one compilation serves them all; the order of three
loops is compiled in. The variants allocate inside and are meant for the small problems of `record`.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autotune import Choice, Pow2, Range, Static, jitable, tunable

_FUSED = {"contract"}
_ANY_ORDER = {"reassoc", "contract", "nsz"}


def _matrix(rng, dtype, *shape):
    return rng.standard_normal(shape).astype(dtype)


# ---- matrix product


@tunable(
    size={"m": "a.shape[0]", "k": "a.shape[1]", "n": "b.shape[1]"},
    inputs=lambda rng, dtype, m, k, n: (_matrix(rng, dtype, m, k), _matrix(rng, dtype, k, n)),
    calibrate={"m": Range(1, 512), "k": Range(1, 512), "n": Range(1, 512), "dtype": Choice("float32", "float64")},
)
def product(a, b):
    """The matrix product of ``a``, shape (m, k), and ``b``, shape (k, n)."""
    return a @ b


@jitable(fastmath=_FUSED, forceinline=True)
def _one_row(a, b, c, i, first, last, lanes):
    row = c[i, lanes]
    for p in range(first, last):
        source = b[p, lanes]
        value = a[i, p]
        for j in range(row.size):
            row[j] += value * source[j]


@jitable(fastmath=_FUSED, forceinline=True)
def _two_rows(a, b, c, i, first, last, lanes):
    row_0, row_1 = c[i, lanes], c[i + 1, lanes]
    for p in range(first, last):
        source = b[p, lanes]
        value_0, value_1 = a[i, p], a[i + 1, p]
        for j in range(row_0.size):
            row_0[j] += value_0 * source[j]
            row_1[j] += value_1 * source[j]


@jitable(fastmath=_FUSED, forceinline=True)
def _four_rows(a, b, c, i, first, last, lanes):
    row_0, row_1, row_2, row_3 = c[i, lanes], c[i + 1, lanes], c[i + 2, lanes], c[i + 3, lanes]
    for p in range(first, last):
        source = b[p, lanes]
        value_0, value_1, value_2, value_3 = a[i, p], a[i + 1, p], a[i + 2, p], a[i + 3, p]
        for j in range(row_0.size):
            row_0[j] += value_0 * source[j]
            row_1[j] += value_1 * source[j]
            row_2[j] += value_2 * source[j]
            row_3[j] += value_3 * source[j]


@jitable
def _product_tile(a, b, c, i, p, j, mc, kc, nc, rows):
    """Add the product of one tile of a and one of b to one of c, `rows` rows at a time."""
    last_i, last_p, lanes = min(i + mc, a.shape[0]), min(p + kc, a.shape[1]), slice(j, min(j + nc, b.shape[1]))
    if rows == 4:
        while i + 4 <= last_i:
            _four_rows(a, b, c, i, p, last_p, lanes)
            i += 4
    if rows >= 2:
        while i + 2 <= last_i:
            _two_rows(a, b, c, i, p, last_p, lanes)
            i += 2
    while i < last_i:
        _one_row(a, b, c, i, p, last_p, lanes)
        i += 1


@product.variant(
    kind="blocked",
    jit=True,
    params={
        "mc": Pow2(8, 128),
        "kc": Pow2(8, 128),
        "nc": Pow2(16, 128),
        "rows": Choice(1, 2, 4),
        "order": Static(Choice("mnk", "nkm", "kmn")),
    },
    where="(mc * kc + kc * nc + mc * nc) * 8 <= 131072 and rows <= mc",
)
def product_tiles(a, b, *, mc, kc, nc, rows, order):
    """Tiles of a, b and c that stay in the second-level cache, in any order of the three loops over them."""
    if a.shape[1] != b.shape[0]:
        raise ValueError("the matrices do not fit together")
    c = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    if order == "mnk":
        for i in range(0, a.shape[0], mc):
            for j in range(0, b.shape[1], nc):
                for p in range(0, a.shape[1], kc):
                    _product_tile(a, b, c, i, p, j, mc, kc, nc, rows)
    elif order == "nkm":
        for j in range(0, b.shape[1], nc):
            for p in range(0, a.shape[1], kc):
                for i in range(0, a.shape[0], mc):
                    _product_tile(a, b, c, i, p, j, mc, kc, nc, rows)
    else:
        for p in range(0, a.shape[1], kc):
            for i in range(0, a.shape[0], mc):
                for j in range(0, b.shape[1], nc):
                    _product_tile(a, b, c, i, p, j, mc, kc, nc, rows)
    return c


# ---- convolution


@tunable(
    size={"c": "x.shape[0]", "h": "x.shape[1]", "w": "x.shape[2]", "o": "k.shape[0]"},
    inputs=lambda rng, dtype, c, h, w, o: (_matrix(rng, dtype, c, h, w), _matrix(rng, dtype, o, c, 3, 3)),
    calibrate={
        "c": Range(1, 4), "h": Range(3, 16), "w": Range(3, 32), "o": Range(1, 4), "dtype": Choice("float32", "float64"),
    },
)  # fmt: skip
def convolution(x, k):
    """Cross-correlation of ``x``, shape (c, h, w), with the filters ``k``, shape (o, c, kh, kw), without padding."""
    return np.einsum("cyxij,ocij->oyx", sliding_window_view(x, k.shape[2:], axis=(1, 2)), k)


@jitable(fastmath=_FUSED, forceinline=True)
def _one_output(source, k, out, o, c, i, y, lanes, taps):
    row, width, j = out[o, y, lanes], k.shape[3], 0
    if taps == 3:
        while j + 3 <= width:
            v_0, v_1, v_2 = k[o, c, i, j], k[o, c, i, j + 1], k[o, c, i, j + 2]
            s_0, s_1, s_2 = source[j:], source[j + 1 :], source[j + 2 :]
            for t in range(row.size):
                row[t] += v_0 * s_0[t] + v_1 * s_1[t] + v_2 * s_2[t]
            j += 3
    while j < width:
        v_0, s_0 = k[o, c, i, j], source[j:]
        for t in range(row.size):
            row[t] += v_0 * s_0[t]
        j += 1


@jitable(fastmath=_FUSED, forceinline=True)
def _two_outputs(source, k, out, o, c, i, y, lanes, taps):
    row, other, width, j = out[o, y, lanes], out[o + 1, y, lanes], k.shape[3], 0
    if taps == 3:
        while j + 3 <= width:
            v_0, v_1, v_2 = k[o, c, i, j], k[o, c, i, j + 1], k[o, c, i, j + 2]
            u_0, u_1, u_2 = k[o + 1, c, i, j], k[o + 1, c, i, j + 1], k[o + 1, c, i, j + 2]
            s_0, s_1, s_2 = source[j:], source[j + 1 :], source[j + 2 :]
            for t in range(row.size):
                row[t] += v_0 * s_0[t] + v_1 * s_1[t] + v_2 * s_2[t]
                other[t] += u_0 * s_0[t] + u_1 * s_1[t] + u_2 * s_2[t]
            j += 3
    while j < width:
        v_0, u_0, s_0 = k[o, c, i, j], k[o + 1, c, i, j], source[j:]
        for t in range(row.size):
            row[t] += v_0 * s_0[t]
            other[t] += u_0 * s_0[t]
        j += 1


@jitable
def _filter_row(x, k, out, o, last_o, c, y, left, right, taps):
    """Add one channel's part to one row of the outputs o:last_o, two outputs at a time where there are two."""
    lanes = slice(left, right)
    for i in range(k.shape[2]):
        source, at = x[c, y + i, left : right + k.shape[3] - 1], o
        while at + 2 <= last_o:
            _two_outputs(source, k, out, at, c, i, y, lanes, taps)
            at += 2
        if at < last_o:
            _one_output(source, k, out, at, c, i, y, lanes, taps)


@jitable
def _filter_tile(x, k, out, o, top, left, height, width, outputs, taps, rows_outside):
    """Add all channels' parts to one tile of a block of outputs."""
    last_o, bottom, right = min(o + outputs, out.shape[0]), min(top + height, out.shape[1]), left + width
    right = min(right, out.shape[2])
    if rows_outside:
        for y in range(top, bottom):
            for c in range(x.shape[0]):
                _filter_row(x, k, out, o, last_o, c, y, left, right, taps)
    else:
        for c in range(x.shape[0]):
            for y in range(top, bottom):
                _filter_row(x, k, out, o, last_o, c, y, left, right, taps)


@convolution.variant(
    kind="blocked",
    jit=True,
    params={
        "height": Pow2(1, 32),
        "width": Pow2(16, 128),
        "outputs": Choice(1, 2, 4, 8),
        "taps": Choice(1, 3),
        "order": Choice("otcy", "otyc", "tocy", "toyc"),
    },
    where="((height + 2) * (width + 2) + outputs * height * width) * 8 <= 49152",
)
def convolution_tiles(x, k, *, height, width, outputs, taps, order):
    """Tiles of a channel and of a block of outputs that stay in the first-level cache; o: outputs, t: tiles, c:
    channels, y: rows, outermost loop first."""
    if x.shape[0] != k.shape[1] or x.shape[1] < k.shape[2] or x.shape[2] < k.shape[3]:
        raise ValueError("the filters do not fit the input")
    out = np.zeros((k.shape[0], x.shape[1] - k.shape[2] + 1, x.shape[2] - k.shape[3] + 1), x.dtype)
    rows_outside = order in ("otyc", "toyc")
    if order in ("otcy", "otyc"):
        for o in range(0, out.shape[0], outputs):
            for top in range(0, out.shape[1], height):
                for left in range(0, out.shape[2], width):
                    _filter_tile(x, k, out, o, top, left, height, width, outputs, taps, rows_outside)
    else:
        for top in range(0, out.shape[1], height):
            for left in range(0, out.shape[2], width):
                for o in range(0, out.shape[0], outputs):
                    _filter_tile(x, k, out, o, top, left, height, width, outputs, taps, rows_outside)
    return out


# ---- distances


@tunable(
    size={"n": "x.shape[0]", "k": "c.shape[0]", "d": "x.shape[1]"},
    inputs=lambda rng, dtype, n, k, d: (_matrix(rng, dtype, n, d), _matrix(rng, dtype, k, d)),
    calibrate={"n": Range(1, 1000), "k": Range(1, 128), "d": Range(1, 64), "dtype": Choice("float32", "float64")},
)
def distances(x, c):
    """Squared Euclidean distance from each point of ``x``, shape (n, d), to each centre of ``c``, shape (k, d)."""
    return np.sum((x[:, None, :] - c[None, :, :]) ** 2, axis=2)


@jitable(fastmath=_ANY_ORDER, forceinline=True)
def _partial(point, centre):
    total = point.dtype.type(0)
    for t in range(point.size):
        total += (point[t] - centre[t]) * (point[t] - centre[t])
    return total


@jitable(fastmath=_FUSED)
def _distance_tile(x, c, out, i, j, f, points, centres, features, transposed):
    """Add the part of some features to the distances of a block of points from a block of centres."""
    last_i, last_f = min(i + points, x.shape[0]), min(f + features, x.shape[1])
    last_j = min(j + centres, out.shape[1])
    for at in range(i, last_i):
        if transposed:
            row = out[at, j:last_j]
            for t in range(f, last_f):
                value, source = x[at, t], c[t, j:last_j]
                for lane in range(row.size):
                    row[lane] += (value - source[lane]) * (value - source[lane])
        else:
            for to in range(j, last_j):
                out[at, to] += _partial(x[at, f:last_f], c[to, f:last_f])


@distances.variant(
    kind="blocked",
    jit=True,
    params={
        "points": Pow2(8, 256),
        "centres": Pow2(8, 128),
        "features": Pow2(4, 64),
        "transposed": Choice(False, True),
        "order": Static(Choice("pcf", "cfp", "fpc")),
    },
    where="(points * features + centres * features + points * centres) * 8 <= 49152",
)
def distance_blocks(x, c, *, points, centres, features, transposed, order):
    """Blocks of points, centres and distances that stay in the first-level cache; p: points, c: centres, f: features,
    outermost loop first. With centres transposed the vector lanes hold centres, otherwise features."""
    if x.shape[1] != c.shape[1]:
        raise ValueError("points and centres have other features")
    out = np.zeros((x.shape[0], c.shape[0]), x.dtype)
    held = np.ascontiguousarray(c.T) if transposed else np.ascontiguousarray(c)
    if order == "pcf":
        for i in range(0, x.shape[0], points):
            for j in range(0, c.shape[0], centres):
                for f in range(0, x.shape[1], features):
                    _distance_tile(x, held, out, i, j, f, points, centres, features, transposed)
    elif order == "cfp":
        for j in range(0, c.shape[0], centres):
            for f in range(0, x.shape[1], features):
                for i in range(0, x.shape[0], points):
                    _distance_tile(x, held, out, i, j, f, points, centres, features, transposed)
    else:
        for f in range(0, x.shape[1], features):
            for i in range(0, x.shape[0], points):
                for j in range(0, c.shape[0], centres):
                    _distance_tile(x, held, out, i, j, f, points, centres, features, transposed)
    return out
