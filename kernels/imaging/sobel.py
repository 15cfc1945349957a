"""sobel, drop-in for `scipy.ndimage.sobel`.

SciPy copies every line into a buffer of float64, and walks through the image twice. The variants read it once: three
rows give a row of the result. They cover images of float32 and float64 in C order, along either axis, with every mode
that goes by one name. A result that is not finite is left to the reference.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.imaging.borders import IMAGE, MODES, correlate_along, needs_scipy, neighbours


@tunable(
    size={"rows": "input.shape[0]", "columns": "input.shape[1]"},
    inputs=lambda rng, dtype, rows, columns: (rng.standard_normal((rows, columns)).astype(dtype),),
    calibrate={"rows": Range(4, 4000), "columns": Range(4, 4000), "dtype": Choice("float32", "float64")},
    static=("axis",),
)
def sobel(input, axis=-1, output=None, mode="reflect", cval=0.0):
    """Derivative of an image along one axis, smoothed along the others: the operator of Sobel.

    Parameters
    ----------
    input : array_like
        Of any number of axes.
    axis : int, optional
        Along which to take the derivative.
    output : ndarray or dtype, optional
        Where to put the result, or its type; by default that of `input`.
    mode : str or sequence of str, optional
        What the image continues with beyond its edges: "reflect", "constant", "nearest", "mirror", "wrap".
    cval : float, optional
        What it continues with in mode "constant".

    Returns
    -------
    ndarray
        Of the shape of `input`: its correlation with (-1, 0, 1) along `axis` and with (1, 2, 1) along every other.

    Raises
    ------
    RuntimeError
        If `mode` is not known.
    AxisError
        If `axis` is not one of the axes of `input`.
    ImportError
        If SciPy is not installed and `input` is not an array of float32 or float64, there is an `output`, or there are
        several modes.

    Notes
    -----
    `scipy.ndimage.sobel`; where SciPy is not installed, the same sums by NumPy. Sobel & Feldman 1968, as told in Duda &
    Hart 1973, Pattern classification and scene analysis, section 7.4.
    """
    try:
        from scipy import ndimage
    except ImportError:
        if output is not None or mode not in MODES or np.asarray(input).dtype.char not in "fd":
            raise needs_scipy("sobel of such an input") from None
        image = np.asarray(input)
        first = np.lib.array_utils.normalize_axis_index(axis, image.ndim)
        with np.errstate(all="ignore"):  # as SciPy
            image = correlate_along(image, np.array([-1.0, 0.0, 1.0]), first, mode, cval)
            for other in range(image.ndim):
                if other != first:
                    image = correlate_along(image, np.array([1.0, 2.0, 1.0]), other, mode, cval)
        return image
    return ndimage.sobel(input, axis, output, mode, cval)


# The sums of SciPy, in its order and in float64, so that they are the same to the last bit: a difference of two float32
# is rounded to float32 as SciPy rounds it between its two passes (Figueroa 1995, When is double rounding innocuous?,
# SIGNUM Newsletter 30(3)), and the products are exact. Where an image goes on with a constant,
# so does its derivative: `no_above` and `no_below` tell of rows that are not there, -1 of such a column.


@jitable(forceinline=True)
def _slope(before, here, after):
    return here * 0.0 + (before - after) * -1.0


@jitable(forceinline=True)
def _smooth(before, here, after):
    return here * 2.0 + (before * 1.0 + after)


@jitable(forceinline=True)
def _slope_along(row, j, left, right, constant):
    before = row[j - 1] if j > 0 else row[left] if left >= 0 else constant
    after = row[j + 1] if j + 1 < row.size else row[right] if right >= 0 else constant
    return _slope(before, row[j], after)


@jitable(forceinline=True)
def _along_rows(above, row, below, out, left, right, no_above, no_below, constant):
    """The derivative along the rows, smoothed down the columns."""
    above_1, above_2, above_3 = above[:-2], above[1:-1], above[2:]
    row_1, row_2, row_3 = row[:-2], row[1:-1], row[2:]
    below_1, below_2, below_3 = below[:-2], below[1:-1], below[2:]
    inner = out[1:-1]
    for j in range(inner.size):
        first = constant if no_above else _slope(above_1[j], above_2[j], above_3[j])
        last = constant if no_below else _slope(below_1[j], below_2[j], below_3[j])
        inner[j] = _smooth(first, _slope(row_1[j], row_2[j], row_3[j]), last)
    for j in (0, row.size - 1):
        first = constant if no_above else _slope_along(above, j, left, right, constant)
        last = constant if no_below else _slope_along(below, j, left, right, constant)
        out[j] = _smooth(first, _slope_along(row, j, left, right, constant), last)


@jitable(forceinline=True)
def _slope_down(above, row, below, j, no_above, no_below, constant):
    return _slope(constant if no_above else above[j], row[j], constant if no_below else below[j])


@jitable(forceinline=True)
def _down_columns(above, row, below, out, left, right, no_above, no_below, constant):
    """The derivative down the columns, smoothed along the rows."""
    above_1, above_2, above_3 = above[:-2], above[1:-1], above[2:]
    row_1, row_2, row_3 = row[:-2], row[1:-1], row[2:]
    below_1, below_2, below_3 = below[:-2], below[1:-1], below[2:]
    inner = out[1:-1]
    for j in range(inner.size):
        first = _slope_down(above_1, row_1, below_1, j, no_above, no_below, constant)
        here = _slope_down(above_2, row_2, below_2, j, no_above, no_below, constant)
        inner[j] = _smooth(first, here, _slope_down(above_3, row_3, below_3, j, no_above, no_below, constant))
    for j in (0, row.size - 1):
        first = last = constant
        before, after = j - 1 if j > 0 else left, j + 1 if j + 1 < row.size else right
        if before >= 0:
            first = _slope_down(above, row, below, before, no_above, no_below, constant)
        if after >= 0:
            last = _slope_down(above, row, below, after, no_above, no_below, constant)
        out[j] = _smooth(first, _slope_down(above, row, below, j, no_above, no_below, constant), last)


def _loops(filter_row):
    """Compiled loops: in one thread, and `count` rows a task on all cores; whether the result is finite."""

    @jitable
    def rows_from(image, out, edges, constant, first, last):
        rows = image.shape[0]
        top, bottom, left, right = edges
        finite = True
        for i in range(first, last):
            up, down = i - 1 if i > 0 else top, i + 1 if i + 1 < rows else bottom
            above, below = image[up if up >= 0 else i], image[down if down >= 0 else i]
            result = out[i]
            filter_row(above, image[i], below, result, left, right, up < 0, down < 0, constant)
            for j in range(result.size):
                finite &= abs(result[j]) < np.inf
        return finite

    @jitable
    def one_thread(image, out, edges, constant):
        return rows_from(image, out, edges, constant, 0, image.shape[0])

    @jitable(parallel=True)
    def all_cores(image, out, edges, constant, count):
        failed = 0
        for p in prange((image.shape[0] + count - 1) // count):
            last = min((p + 1) * count, image.shape[0])
            failed += not rows_from(image, out, edges, constant, p * count, last)
        return failed == 0

    return one_thread, all_cores


def _compute(core, image, axis, mode, cval, *count):
    """Allocate, filter by `core`, and give the call to the reference where the result is not finite."""
    if not image.size or cval.__class__ not in (int, float):
        return sobel.reference(image, axis, mode=mode, cval=cval)
    edges = (*neighbours(image.shape[0], mode), *neighbours(image.shape[1], mode))
    out = np.empty(image.shape, image.dtype)
    if core(image, out, edges, image.dtype.type(cval), *count):
        return out
    return sobel.reference(image, axis, mode=mode, cval=cval)


def _add_variants(direction, axes, filter_row):
    one_thread, all_cores = _loops(filter_row)
    when = f"{IMAGE} and mode in {MODES!r} and (axis == {axes[0]} or axis == {axes[1]})"

    @sobel.variant(kind="vectorized", numerics="bitwise", name=f"row_by_row_{direction}", when=when)
    def row_by_row(input, axis=-1, mode="reflect", cval=0.0):
        """Three rows give a row of the result, in one thread: no lines are copied."""
        return _compute(one_thread, input, axis, mode, cval)

    @sobel.variant(
        kind="parallel",
        numerics="bitwise",
        name=f"rows_on_threads_{direction}",
        when=when,
        params={"count": Choice(8, 64)},
        threads=True,
    )
    def rows_on_threads(input, axis=-1, mode="reflect", cval=0.0, *, count):
        """`count` rows a task on all cores: pays off once the work outweighs waking the threads."""
        return _compute(all_cores, input, axis, mode, cval, count)


_add_variants("along", (-1, 1), _along_rows)
_add_variants("down", (0, -2), _down_columns)
