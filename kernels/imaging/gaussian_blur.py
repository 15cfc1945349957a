"""gaussian_blur, drop-in for `scipy.ndimage.gaussian_filter`.

SciPy copies every line into a buffer of float64 and walks through the image twice. The variants filter down the
columns into one line while it is in cache, and that line into its row of the result; the vector lanes go along the
rows both times. They cover images of float32 and float64 in C order and one sigma for both axes, with every mode that
goes by one name. A result that is not finite is left to the reference.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.floats import FUSED
from kernels.imaging.borders import IMAGE, MODES, correlate_along, needs_scipy, places


def _image(rng, dtype, rows, columns, reach):
    """An image, and the sigma that makes the kernel reach so far."""
    return rng.standard_normal((rows, columns)).astype(dtype), reach / 4


@tunable(
    size={
        "rows": "input.shape[0]",
        "columns": "input.shape[1]",
        "reach": "int(truncate * sigma + 0.5)",  # the side of the kernel is twice that and one
    },
    inputs=_image,
    calibrate={
        "rows": Range(8, 2000),
        "columns": Range(8, 2000),
        "reach": Range(1, 20),
        "dtype": Choice("float32", "float64"),
    },
    tolerance=(
        64.0,
        "two sums of up to 41 terms in the type of the image, SciPy's in float64: Higham 2002, section 4.2",
    ),
)
def gaussian_blur(
    input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None, axes=None
):
    """Convolution of an image with a Gaussian.

    Parameters
    ----------
    input : array_like
        Of any number of axes.
    sigma : float or sequence of floats
        Standard deviation of the Gaussian in elements, along all axes or each.
    order : int or sequence of ints, optional
        Which derivative of the Gaussian to convolve with.
    output : ndarray or dtype, optional
        Where to put the result, or its type; by default that of `input`.
    mode : str or sequence of str, optional
        What the image continues with beyond its edges: "reflect", "constant", "nearest", "mirror", "wrap".
    cval : float, optional
        What it continues with in mode "constant".
    truncate : float, optional
        Where the Gaussian ends, in standard deviations.
    radius : int or sequence of ints, optional
        Where it ends, in elements, instead of `truncate`.
    axes : tuple of ints, optional
        Along which axes to filter; by default all.

    Returns
    -------
    ndarray
        Of the shape of `input`.

    Raises
    ------
    RuntimeError
        If `mode` is not known.
    ImportError
        If SciPy is not installed and `input` is not an array of float32 or float64, or an argument beyond `sigma`,
        `mode`, `cval` and `truncate` is used, or one of these is a sequence.

    Notes
    -----
    `scipy.ndimage.gaussian_filter`; where SciPy is not installed, the same sums by NumPy. That a Gaussian may be
    applied axis by axis: Getreuer 2013, A survey of Gaussian convolution algorithms, Image Processing On Line 3.
    """
    try:
        from scipy import ndimage
    except ImportError:
        image = np.asarray(input)
        plain = order == 0 and output is None and radius is None and axes is None and mode in MODES
        if not plain or np.ndim(sigma) or image.dtype.char not in "fd":
            raise needs_scipy("gaussian_blur of such an input") from None
        with np.errstate(all="ignore"):  # as SciPy
            for axis in range(image.ndim):
                image = correlate_along(image, _weights(sigma, truncate), axis, mode, cval)
        return image if image.ndim else image.copy()
    return ndimage.gaussian_filter(input, sigma, order, output, mode, cval, truncate, radius=radius, axes=axes)


def _weights(sigma, truncate):
    """The Gaussian at whole numbers, its sum being 1."""
    radius = int(truncate * float(sigma) + 0.5)
    place = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * place**2)
    return weights / weights.sum()


@jitable(fastmath=FUSED, forceinline=True)
def _add_four(total, weights, k, a_0, b_0, a_1, b_1, a_2, b_2, a_3, b_3):
    w_0, w_1, w_2, w_3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
    for j in range(total.size):
        outer = (a_0[j] + b_0[j]) * w_0 + (a_1[j] + b_1[j]) * w_1
        total[j] += outer + (a_2[j] + b_2[j]) * w_2 + (a_3[j] + b_3[j]) * w_3


@jitable(fastmath=FUSED, forceinline=True)
def _add_one(total, weight, a, b):
    for j in range(total.size):
        total[j] += (a[j] + b[j]) * weight


@jitable(forceinline=True)
def _begin(total, weight, row):
    for j in range(total.size):
        total[j] = row[j] * weight


@jitable(forceinline=True)
def _row(image, at, constant):
    return image[at] if at >= 0 else constant


@jitable
def _down(image, constant, weights, at, i, total):
    """A line of the image filtered down the columns; `at` tells where the rows of the image go on."""
    radius = weights.size // 2
    _begin(total, weights[radius], image[i])
    k = 0
    while k + 4 <= radius:
        _add_four(
            total, weights, k,
            _row(image, at[i + k], constant), _row(image, at[i + 2 * radius - k], constant),
            _row(image, at[i + k + 1], constant), _row(image, at[i + 2 * radius - k - 1], constant),
            _row(image, at[i + k + 2], constant), _row(image, at[i + 2 * radius - k - 2], constant),
            _row(image, at[i + k + 3], constant), _row(image, at[i + 2 * radius - k - 3], constant),
        )  # fmt: skip
        k += 4
    while k < radius:
        _add_one(total, weights[k], _row(image, at[i + k], constant), _row(image, at[i + 2 * radius - k], constant))
        k += 1


@jitable
def _along(line, weights, total):
    """A line that goes on at both ends, filtered."""
    radius, n = weights.size // 2, total.size
    last = 2 * radius
    _begin(total, weights[radius], line[radius : radius + n])
    k = 0
    while k + 4 <= radius:
        _add_four(
            total, weights, k,
            line[k : k + n], line[last - k : last - k + n],
            line[k + 1 : k + 1 + n], line[last - k - 1 : last - k - 1 + n],
            line[k + 2 : k + 2 + n], line[last - k - 2 : last - k - 2 + n],
            line[k + 3 : k + 3 + n], line[last - k - 3 : last - k - 3 + n],
        )  # fmt: skip
        k += 4
    while k < radius:
        _add_one(total, weights[k], line[k : k + n], line[last - k : last - k + n])
        k += 1


@jitable
def _rows_from(image, out, weights, constant, row_at, column_at, line, first, last):
    """Fill the rows first:last of out; whether they are finite."""
    radius, columns = weights.size // 2, image.shape[1]
    inner = line[radius : radius + columns]
    finite = True
    for i in range(first, last):
        _down(image, constant, weights, row_at, i, inner)
        for k in range(radius):
            before, after = column_at[k], column_at[columns + radius + k]
            line[k] = inner[before] if before >= 0 else constant[0]
            line[columns + radius + k] = inner[after] if after >= 0 else constant[0]
        result = out[i]
        _along(line, weights, result)
        for j in range(columns):
            finite &= abs(result[j]) < np.inf
    return finite


@jitable
def _one_thread(image, out, weights, constant, row_at, column_at, lines, count):
    return _rows_from(image, out, weights, constant, row_at, column_at, lines[0], 0, image.shape[0])


@jitable(parallel=True)
def _all_cores(image, out, weights, constant, row_at, column_at, lines, count):
    failed = 0
    for p in prange(lines.shape[0]):
        first, last = p * count, min((p + 1) * count, image.shape[0])
        failed += not _rows_from(image, out, weights, constant, row_at, column_at, lines[p], first, last)
    return failed == 0


def _compute(core, image, sigma, mode, cval, truncate, count):
    """Allocate, filter by `core`, and give the call to the reference where the result is not finite."""
    rows, columns = image.shape
    if (
        not image.size
        or any(value.__class__ not in (int, float) for value in (sigma, cval, truncate))
        or not (1e-15 < sigma < math.inf and 0 <= truncate < math.inf)  # SciPy copies for a smaller sigma
    ):
        return gaussian_blur.reference(image, sigma, mode=mode, cval=cval, truncate=truncate)
    weights = _weights(sigma, truncate).astype(image.dtype)
    radius = len(weights) // 2
    row_at, column_at = (places(-radius, length + radius, length, mode) for length in image.shape)
    constant = np.full(columns, cval, image.dtype)
    out = np.empty(image.shape, image.dtype)
    lines = workspace.take(((rows + count - 1) // count, columns + 2 * radius), image.dtype)
    finite = core(image, out, weights, constant, row_at, column_at, lines, count)
    workspace.give(lines)
    if finite and weights[0]:  # where a weight vanishes in the type of the image, it may not in float64
        return out
    return gaussian_blur.reference(image, sigma, mode=mode, cval=cval, truncate=truncate)


_WHEN = f"{IMAGE} and mode in {MODES!r}"


@gaussian_blur.variant(kind="vectorized", when=_WHEN)
def line_by_line(input, sigma, mode="reflect", cval=0.0, truncate=4.0):
    """Down the columns into a line, along the line into the result, in one thread: the image is read once."""
    return _compute(_one_thread, input, sigma, mode, cval, truncate, len(input) or 1)


@gaussian_blur.variant(kind="parallel", when=_WHEN, params={"count": Choice(8, 64)}, threads=True)
def lines_on_threads(input, sigma, mode="reflect", cval=0.0, truncate=4.0, *, count):
    """`count` rows a task on all cores, each with a line of its own: always the same bits."""
    return _compute(_all_cores, input, sigma, mode, cval, truncate, count)
