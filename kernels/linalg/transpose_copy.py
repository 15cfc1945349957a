"""transpose_copy: the transpose of a matrix, contiguous in memory (NumPy's `transpose` is a view, and stays one).

NumPy copies element by element along the rows of one array, which are the columns of the other: every access touches
another cache line, and where the rows are a power of two apart all of them compete for the same few places in the
cache. The variants cover C-contiguous matrices of float32 or float64.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable

_MATRIX = (
    "x.ndim == 2 and x.dtype.char in 'fd' and x.flags.c_contiguous and not x.flags.f_contiguous and "
    "(out is None or (out.ndim == 2 and out.dtype == x.dtype and out.flags.c_contiguous))"
)

# Side of the square that is transposed in registers: a cache line of float64. Unsigned, as all indices in the loops
# around it, because an index that may be negative is corrected, and then LLVM does not vectorise: 2.6 times slower.
_SIDE = np.uint64(8)


@tunable(
    size={"m": "x.shape[0]", "n": "x.shape[1]"},
    inputs=lambda rng, dtype, m, n: (rng.standard_normal((m, n)).astype(dtype),),
    calibrate={"m": Range(8, 4096), "n": Range(8, 4096), "dtype": Choice("float32", "float64")},
    mutates=("out",),
)
def transpose_copy(x, out=None):
    """Transpose of an array, contiguous in C order.

    Parameters
    ----------
    x : ndarray
        Of any shape; two dimensions are what the variants are for.
    out : ndarray, optional
        Where to put the result, as by ``np.copyto(out, x.T)``: the transpose must broadcast to its shape, and its
        values are cast by the rule ``same_kind``. It may overlap `x`.

    Returns
    -------
    ndarray
        `out` if given, else ``np.ascontiguousarray(x.T)``: as there, data already in that order (a Fortran array, a
        single row) are not copied.

    Raises
    ------
    ValueError
        If the transpose cannot be broadcast to the shape of `out`, or `out` is read-only.
    TypeError
        If the values cannot be cast to the type of `out`.
    """
    if out is None:
        return np.ascontiguousarray(x.T)
    np.copyto(out, x.T)
    return out


@jitable
def _transpose_rectangle(x, out, first_row, last_row, first_column, last_column):
    full_rows = first_row + (last_row - first_row) // _SIDE * _SIDE
    full_columns = first_column + (last_column - first_column) // _SIDE * _SIDE
    for row in range(first_row, full_rows, _SIDE):
        for column in range(first_column, full_columns, _SIDE):
            for j in range(_SIDE):
                for i in range(_SIDE):
                    out[column + j, row + i] = x[row + i, column + j]
    for column in range(full_columns, last_column):
        for row in range(first_row, full_rows):
            out[column, row] = x[row, column]
    for row in range(full_rows, last_row):
        for column in range(first_column, last_column):
            out[column, row] = x[row, column]


@jitable
def _transpose_tile(x, out, tile, t):
    """Transpose tile number t, counted row by row."""
    rows, columns = np.uint64(x.shape[0]), np.uint64(x.shape[1])
    side, number = np.uint64(tile), np.uint64(t)
    across = (columns + side - np.uint64(1)) // side
    row, column = number // across * side, number % across * side
    _transpose_rectangle(x, out, row, min(row + side, rows), column, min(column + side, columns))


@jitable
def _tiles(x, tile):
    return ((x.shape[0] + tile - 1) // tile) * ((x.shape[1] + tile - 1) // tile)


@jitable
def _transpose(x, out, tile):
    for t in range(_tiles(x, tile)):
        _transpose_tile(x, out, tile, t)


@jitable(parallel=True)
def _transpose_threads(x, out, tile):
    for t in prange(_tiles(x, tile)):
        _transpose_tile(x, out, tile, t)


def _transposed_by(core, x, out, tile):
    """Allocate, and give the call to the reference where it copies nothing or raises."""
    rows, columns = x.shape
    if out is None and rows > 1 and columns > 1:
        out = np.empty((columns, rows), x.dtype)
    elif out is None or out.shape != (columns, rows) or not out.flags.writeable:
        return transpose_copy.reference(x, out)
    core(x, out, tile)
    return out


@transpose_copy.variant(kind="blocked", numerics="bitwise", when=_MATRIX, params={"tile": Choice(32, 128, 512)})
def tiles(x, out=None, *, tile):
    """Squares in registers within tiles in cache: every cache line is read and written once; NumPy's loop strides."""
    return _transposed_by(_transpose, x, out, tile)


@transpose_copy.variant(
    kind="parallel", numerics="bitwise", when=_MATRIX, params={"tile": Choice(32, 128, 512)}, threads=True
)
def tiles_threads(x, out=None, *, tile):
    """The tiles on all cores: also shares out the first touch of a new array's pages, half of the time when large."""
    return _transposed_by(_transpose_threads, x, out, tile)
