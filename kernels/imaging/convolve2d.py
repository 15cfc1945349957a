"""convolve2d, drop-in for `scipy.signal.convolve2d`.

SciPy looks up each element of the image anew for each of the kernel. The variants lay the image out once as it goes on
beyond its edges, and add shifted rows, four at a time; the vector lanes go along the rows. They cover an image and a
kernel of one precision, float32 or float64, in C order, with every mode and boundary; a kernel that is larger than the
image, and a result that is not finite, are left to the reference.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.floats import FUSED
from kernels.imaging.borders import needs_scipy, places

_MODES = ("full", "valid", "same")
#: By the boundary: what `borders` calls it.
_BOUNDARIES = {"fill": "constant", "wrap": "wrap", "symm": "reflect"}


@tunable(
    size={
        "rows": "in1.shape[0]",
        "columns": "in1.shape[1]",
        "side": "max(in2.shape[0], in2.shape[1])",
    },
    inputs=lambda rng, dtype, rows, columns, side: (
        rng.standard_normal((rows, columns)).astype(dtype),
        rng.standard_normal((side, side)).astype(dtype),
        "same",
    ),
    calibrate={
        "rows": Range(15, 1000),  # where SciPy is not installed, no less than the kernel's
        "columns": Range(15, 1000),
        "side": Range(2, 15),
        "dtype": Choice("float32", "float64"),
    },
)
def convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """Convolution of two matrices.

    Parameters
    ----------
    in1, in2 : array_like, of two axes
    mode : {"full", "valid", "same"}, optional
        All of the convolution; what does not depend on what is beyond the edges of the larger one; the middle, of
        the shape of `in1`.
    boundary : {"fill", "wrap", "symm"}, optional
        What `in1` continues with beyond its edges: `fillvalue`, its other side, its mirror image.
    fillvalue : number, optional

    Returns
    -------
    ndarray
        Of the common type of `in1` and `in2`.

    Raises
    ------
    ValueError
        If an argument has not two axes, `mode` or `boundary` is not known, for "valid" neither of the two is at
        least as large as the other along both axes, or for "wrap" and "symm" `in1` is empty (SciPy 1.17 divides by
        zero there, and that ends the process).
    ImportError
        If SciPy is not installed and the two are not arrays of float32 or float64, or one of them has no elements, or
        `in2` is larger than `in1`.

    Notes
    -----
    `scipy.signal.convolve2d`; where SciPy is not installed, the same sums by NumPy.
    """
    if boundary in ("wrap", "symm") and 0 in np.shape(in1):
        raise ValueError(f"convolve2d: boundary={boundary!r} needs elements to go on with; found an empty array")
    try:
        from scipy import signal
    except ImportError:
        image, kernel = np.asarray(in1), np.asarray(in2)
        plain = image.ndim == 2 and image.dtype.char in "fd" and kernel.dtype == image.dtype
        if not plain or mode not in _MODES or boundary not in _BOUNDARIES or not _fits(image, kernel):
            raise needs_scipy("convolve2d of such arguments") from None
        kernel, row_at, column_at = _plan(image, kernel, mode, boundary)
        padded = np.where((row_at < 0)[:, None] | (column_at < 0), image.dtype.type(fillvalue),
                          image[row_at][:, column_at])  # fmt: skip
        windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
        with np.errstate(all="ignore"):  # as SciPy
            return np.einsum("ijkl,kl->ij", windows, kernel)
    return signal.convolve2d(in1, in2, mode, boundary, fillvalue)


def _fits(image, kernel):
    """Whether a kernel is no larger than an image along either axis, and has elements."""
    return kernel.ndim == 2 and kernel.size and all(k <= n for k, n in zip(kernel.shape, image.shape, strict=True))


def _plan(image, kernel, mode, boundary):
    """The kernel turned round, and which rows and columns of the image it meets."""
    at = []
    for n, k in zip(image.shape, kernel.shape, strict=True):
        before = {"full": k - 1, "same": k // 2, "valid": 0}[mode]  # elements of the kernel that begin off the edge
        length = {"full": n + k - 1, "same": n, "valid": n - k + 1}[mode]
        at.append(places(-before, length + k - 1 - before, n, _BOUNDARIES[boundary]))
    return np.ascontiguousarray(kernel[::-1, ::-1]), *at


@jitable
def _lay_out(image, row_at, column_at, before, constant, out):
    """Write the image with what is around it; `before` columns are before its first."""
    columns = image.shape[1]
    for i in range(out.shape[0]):
        target = out[i]
        if row_at[i] < 0:
            target[:] = constant
            continue
        source = image[row_at[i]]
        middle = target[before : before + columns]
        for j in range(columns):
            middle[j] = source[j]
        for j in range(before):
            target[j] = source[column_at[j]] if column_at[j] >= 0 else constant
        for j in range(before + columns, target.size):
            target[j] = source[column_at[j]] if column_at[j] >= 0 else constant


@jitable(fastmath=FUSED, forceinline=True)
def _add_four(total, a, w_a, b, w_b, c, w_c, d, w_d):
    for j in range(total.size):
        total[j] += a[j] * w_a + b[j] * w_b + c[j] * w_c + d[j] * w_d


@jitable(forceinline=True)
def _shifted(image, i, t, width, n):
    """The row that element t of a kernel of that width meets for row i of the result."""
    return image[i + t // width, t % width : t % width + n]


@jitable(fastmath=FUSED)
def _rows_from(image, kernel, out, first, last):
    """Fill the rows first:last of out; whether they are finite."""
    width, n = kernel.shape[1], out.shape[1]
    weights = kernel.reshape(kernel.size)
    finite = True
    for i in range(first, last):
        total = out[i]
        for j in range(n):
            total[j] = 0
        t = 0
        while t + 4 <= weights.size:
            _add_four(
                total,
                _shifted(image, i, t, width, n), weights[t],
                _shifted(image, i, t + 1, width, n), weights[t + 1],
                _shifted(image, i, t + 2, width, n), weights[t + 2],
                _shifted(image, i, t + 3, width, n), weights[t + 3],
            )  # fmt: skip
            t += 4
        while t < weights.size:
            row, weight = _shifted(image, i, t, width, n), weights[t]
            for j in range(n):
                total[j] += row[j] * weight
            t += 1
        for j in range(n):
            finite &= abs(total[j]) < np.inf
    return finite


@jitable
def _one_thread(image, kernel, out):
    return _rows_from(image, kernel, out, 0, out.shape[0])


@jitable(parallel=True)
def _all_cores(image, kernel, out, count):
    failed = 0
    for p in prange((out.shape[0] + count - 1) // count):
        failed += not _rows_from(image, kernel, out, p * count, min((p + 1) * count, out.shape[0]))
    return failed == 0


def _compute(core, in1, in2, mode, boundary, fillvalue, *count):
    """Lay out the image, convolve by `core`, and leave to the reference what it raises or is not finite."""
    if not _fits(in1, in2) or fillvalue.__class__ not in (int, float) or not abs(fillvalue) < np.inf:
        return convolve2d.reference(in1, in2, mode, boundary, fillvalue)
    kernel, row_at, column_at = _plan(in1, in2, mode, boundary)
    around = in1
    if mode != "valid":
        around = workspace.take((row_at.size, column_at.size), in1.dtype)
        before = in2.shape[1] - 1 if mode == "full" else in2.shape[1] // 2
        _lay_out(in1, row_at, column_at, before, in1.dtype.type(fillvalue), around)
    out = np.empty((row_at.size - in2.shape[0] + 1, column_at.size - in2.shape[1] + 1), in1.dtype)
    finite = core(around, kernel, out, *count)
    if around is not in1:
        workspace.give(around)
    return out if finite else convolve2d.reference(in1, in2, mode, boundary, fillvalue)


_WHEN = (
    "in1.ndim == 2 and in2.ndim == 2 and in1.dtype.char in 'fd' and in2.dtype == in1.dtype and "
    f"in1.flags.c_contiguous and in2.flags.c_contiguous and mode in {_MODES} and boundary in {tuple(_BOUNDARIES)}"
)


@convolve2d.variant(kind="vectorized", when=_WHEN)
def shifted_rows(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """Rows of the image, shifted, added four at a time to a row of the result, in one thread; costs a copy."""
    return _compute(_one_thread, in1, in2, mode, boundary, fillvalue)


@convolve2d.variant(kind="parallel", when=_WHEN, params={"count": Choice(4, 32)}, threads=True)
def rows_on_threads(in1, in2, mode="full", boundary="fill", fillvalue=0, *, count):
    """`count` rows of the result a task on all cores: pays off once the work outweighs waking the threads."""
    return _compute(_all_cores, in1, in2, mode, boundary, fillvalue, count)
