"""What the reductions share: which calls their variants take, their sizes, and arrays to try them on.

Knows nothing of any one reduction.
"""

from autotune import Choice, Range

_FLOATS = "a.ndim > 0 and a.dtype.char in 'fd'"
_WHOLE = "(axis is None or (a.ndim == 1 and axis is not False and (axis == 0 or axis == -1)))"
CONTIGUOUS = f"{_FLOATS} and a.flags.c_contiguous and {_WHOLE}"
NOT_CONTIGUOUS = f"{_FLOATS} and not a.flags.c_contiguous and {_WHOLE}"
# NumPy takes no truth value for an axis
_AXIS = "a.ndim > 1 and a.dtype.char in 'fd' and a.flags.c_contiguous and axis is not True and axis is not False"
LAST = f"{_AXIS} and (axis == -1 or axis == a.ndim - 1)"
FIRST = f"{_AXIS} and (axis == 0 or axis == -a.ndim)"

# `inner` elements make one of `outer` results.
SIZE = {
    "outer": "1 if axis is None else a.size // max(1, a.shape[axis])",
    "inner": "a.size if axis is None else a.shape[axis]",
}
_DTYPES = Choice("float32", "float64")
_ALL = {"inner": Range(10, 10_000_000), "dtype": _DTYPES}
_ALONG = {"outer": Range(2, 10_000), "inner": Range(2, 2_000), "dtype": _DTYPES}
CALIBRATE_ROWS = (_ALL, {"axis": Choice(-1), **_ALONG})
CALIBRATE = (_ALL, {"axis": Choice(-1, 0), **_ALONG})


def normal(rng, dtype, inner, outer=1, axis=None):
    shape = {None: inner, -1: (outer, inner), 0: (inner, outer)}[axis]
    return (rng.standard_normal(shape).astype(dtype),), {} if axis is None else {"axis": axis}
