"""The discrete Fourier transform of 2^k complex numbers in four steps, for those that outgrow the caches of a core.

The numbers are a matrix, row by row. Its columns are transformed, some side by side in vector lanes, multiplied by
roots of unity, and laid down across; the rows, now columns, are transformed likewise (Bailey 1990, FFTs in external or
hierarchical memory, The Journal of Supercomputing 4(1)). Numbers go to memory and back twice, instead of once for each
stage. Columns are transformed in place, radix 4; frequencies come out in an order that copying on puts right. The
inverse goes with exchanged parts.

Knows nothing of NumPy's functions.
"""

from functools import lru_cache

import numpy as np

from autotune import jitable, prange
from kernels.floats import FUSED
from kernels.parts import part_of
from kernels.spectral.radix4 import butterfly, sound, tables, turned

# Columns side by side: of 2^16 numbers, 256 rows of them take 128 KB, and the loops over them are long enough to hide
# their beginning (16 columns take a third longer).
_LANES = 32
#: The shortest transform of which the rows are as many as the columns side by side.
SHORTEST = _LANES * _LANES
# Elements between one block and the next, and between real and imaginary parts: powers of two would have all streams
# compete for the same eight places in L1.
_APART = 24


def shape_of(n):
    """Rows and columns of the matrix of n = 2^k numbers."""
    rows = 1 << (n.bit_length() - 1) // 2
    return rows, n // rows


def _frequencies(n):
    """Which frequency comes out at which place."""
    if n < 4:
        return np.arange(n)
    return (4 * _frequencies(n // 4) + np.arange(4)[:, None]).ravel()


@lru_cache(maxsize=16)
def roots(n, char):
    """Tables of a transform of n numbers, or of its inverse.

    Cosines and sines of the stages of the columns, and of those of the rows; frequencies by place of both; cosines and
    sines of the roots w^(frequency·column) between, each of which is the product of two: that of the column within its
    block, by place and column, and that of the block; places by frequency of the columns.
    """
    rows, columns = shape_of(n)
    within = _frequencies(rows)[:, None] * np.arange(_LANES)
    blocks = np.arange(n // _LANES) * _LANES
    between = tuple(f(-2 * np.pi / n * k).astype(char) for k in (within, blocks) for f in (np.cos, np.sin))
    stages = tables(rows, char)[:2] + tables(columns, char)[:2]
    return (*stages, _frequencies(rows), _frequencies(columns), *between, np.argsort(_frequencies(rows)))


@jitable(fastmath=FUSED)
def _transform(real, imaginary, lanes, cosines, sines):
    """Transform sequences that lie element by element in turn, as many as there are lanes, in place."""
    count = real.size // lanes
    length, used = count, 0
    while length >= 4:
        quarter = length // 4
        step = quarter * lanes
        for first in range(0, count, length):
            for p in range(quarter):
                a = (first + p) * lanes
                b, c, d = a + step, a + 2 * step, a + 3 * step
                a_r, b_r, c_r, d_r = real[a : a + lanes], real[b : b + lanes], real[c : c + lanes], real[d : d + lanes]
                a_i, b_i = imaginary[a : a + lanes], imaginary[b : b + lanes]
                c_i, d_i = imaginary[c : c + lanes], imaginary[d : d + lanes]
                place = used + 3 * p
                cos_1, cos_2, cos_3 = cosines[place], cosines[place + 1], cosines[place + 2]
                sin_1, sin_2, sin_3 = sines[place], sines[place + 1], sines[place + 2]
                for q in range(lanes):
                    a_r[q], a_i[q], s_r, s_i, t_r, t_i, u_r, u_i = butterfly(
                        a_r[q], a_i[q], b_r[q], b_i[q], c_r[q], c_i[q], d_r[q], d_i[q]
                    )
                    b_r[q], b_i[q] = turned(s_r, s_i, cos_1, sin_1)
                    c_r[q], c_i[q] = turned(t_r, t_i, cos_2, sin_2)
                    d_r[q], d_i[q] = turned(u_r, u_i, cos_3, sin_3)
        used += 3 * quarter
        length = quarter
    if length == 2:
        for a in range(0, real.size, 2 * lanes):
            for q in range(a, a + lanes):
                real[q], real[q + lanes] = real[q] + real[q + lanes], real[q] - real[q + lanes]
                imaginary[q], imaginary[q + lanes] = (
                    imaginary[q] + imaginary[q + lanes], imaginary[q] - imaginary[q + lanes]
                )  # fmt: skip


@jitable
def _load(x, columns, first, lanes, real, imaginary):
    """Copy a block of columns, as many as there are lanes."""
    for row in range(real.size // lanes):
        source = x[row * columns + first : row * columns + first + lanes]
        run = slice(row * lanes, (row + 1) * lanes)
        row_r, row_i = real[run], imaginary[run]
        for lane in range(lanes):
            row_r[lane] = source[lane].real
            row_i[lane] = source[lane].imag


@jitable(fastmath=FUSED)
def _turn(real, imaginary, block, frequencies, near_cos, near_sin, far_cos, far_sin):
    """Multiply a transformed block of columns by the roots between."""
    lanes = near_cos.shape[1]
    for row in range(frequencies.size):
        place = (frequencies[row] * block) & (far_cos.size - 1)  # of 2^k
        cosine, sine = far_cos[place], far_sin[place]
        run = slice(row * lanes, (row + 1) * lanes)
        row_r, row_i, cosines, sines = real[run], imaginary[run], near_cos[row], near_sin[row]
        for lane in range(lanes):
            c, s = turned(cosines[lane], sines[lane], cosine, sine)
            row_r[lane], row_i[lane] = turned(row_r[lane], row_i[lane], c, s)


@jitable
def _lay_across(part, block, places, lanes, middle):
    """Write a block of columns, four rows at a time, as pieces of blocks of rows, of which the lanes are rows."""
    for first in range(0, places.size, 4):
        a, b, c, d = places[first], places[first + 1], places[first + 2], places[first + 3]
        row_a, row_b = part[a * lanes : (a + 1) * lanes], part[b * lanes : (b + 1) * lanes]
        row_c, row_d = part[c * lanes : (c + 1) * lanes], part[d * lanes : (d + 1) * lanes]
        target, lane = middle[first // lanes, block * lanes * lanes :], first % lanes
        for column in range(lanes):
            at = column * lanes + lane
            target[at], target[at + 1] = row_a[column], row_b[column]
            target[at + 2], target[at + 3] = row_c[column], row_d[column]


@jitable
def _store(real, imaginary, frequencies, lanes, rows, first, factor, out):
    """Write a transformed block of rows, which are columns of the result."""
    for place in range(frequencies.size):
        start = frequencies[place] * rows + first
        target, run = out[start : start + lanes], slice(place * lanes, (place + 1) * lanes)
        row_r, row_i = real[run], imaginary[run]
        for lane in range(lanes):
            target[lane] = complex(row_r[lane] * factor, row_i[lane] * factor)


@jitable
def _from_columns(x, first, last, work, middle, roots, inverse):
    """The first two steps for the blocks first:last of columns."""
    rows, lanes = roots[6].shape
    real, imaginary = work[0, : rows * lanes], work[1, : rows * lanes]
    if inverse:
        real, imaginary = imaginary, real
    for block in range(first, last):
        _load(x, x.size // rows, block * lanes, lanes, real, imaginary)
        one, other = work[0, : rows * lanes], work[1, : rows * lanes]
        _transform(one, other, lanes, roots[0], roots[1])
        _turn(one, other, block, roots[4], roots[6], roots[7], roots[8], roots[9])
        _lay_across(one, block, roots[10], lanes, middle[0])
        _lay_across(other, block, roots[10], lanes, middle[1])


@jitable
def _from_rows(first, last, middle, roots, inverse, out):
    """The last step for the blocks first:last of rows."""
    rows, lanes = roots[6].shape
    size = out.size // rows * lanes
    factor = middle.dtype.type(1)
    if inverse:
        factor = factor / middle.dtype.type(out.size)
    for block in range(first, last):
        real, imaginary = middle[0, block, :size], middle[1, block, :size]
        _transform(real, imaginary, lanes, roots[2], roots[3])
        if inverse:
            real, imaginary = imaginary, real
        _store(real, imaginary, roots[5], lanes, rows, block * lanes, factor, out)


@jitable
def one_by_one(x, out, work, middle, roots, inverse):
    """The transform of 2^k complex numbers, `SHORTEST` or more, or its inverse; whether it is sound."""
    rows, lanes = roots[6].shape
    _from_columns(x, 0, x.size // rows // lanes, work[0], middle, roots, inverse)
    _from_rows(0, rows // lanes, middle, roots, inverse, out)
    return sound(x)


@jitable(parallel=True)
def on_threads(x, out, work, middle, roots, inverse):
    """The same in parts on all cores: first the columns, then the rows."""
    parts = len(work)
    rows, lanes = roots[6].shape
    failed = 0
    for part in prange(parts):
        first, last = part_of(x.size, parts, part)
        failed += not sound(x[first:last], parts)
        first, last = part_of(x.size // rows // lanes, parts, part)
        _from_columns(x, first, last, work[part], middle, roots, inverse)
    for part in prange(parts):
        first, last = part_of(rows // lanes, parts, part)
        _from_rows(first, last, middle, roots, inverse, out)
    return failed == 0


def scratch(n, parts):
    """Shapes of scratch space for so many parts: of a block of columns each, and of all numbers between the steps."""
    rows, columns = shape_of(n)
    return (parts, 2, rows * _LANES + _APART), (2, rows // _LANES, columns * _LANES + _APART)
