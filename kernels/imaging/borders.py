"""What images continue with beyond their edges, by the names that `scipy.ndimage` has for it.

Knows nothing of any one filter.
"""

import numpy as np

#: The names for which the variants of the filters have been tried.
MODES = ("reflect", "grid-mirror", "constant", "grid-constant", "nearest", "mirror", "wrap", "grid-wrap")
#: The condition for an image named `input`.
IMAGE = "input.ndim == 2 and input.dtype.char in 'fd' and input.flags.c_contiguous"


def places(first, last, length, mode):
    """Which element stands at each place first:last of a line of `length` that goes on; -1 for the constant.

    Parameters
    ----------
    first, last : int
        Places; those below 0 and from `length` on are beyond the ends.
    length : int
        At least 1.
    mode : str
        One of `MODES`.

    Returns
    -------
    ndarray of int64
    """
    place = np.arange(first, last)
    if mode in ("reflect", "grid-mirror"):  # c b a | a b c | c b a
        place %= 2 * length
        return np.minimum(place, 2 * length - 1 - place)
    if mode == "mirror":  # c b | a b c | b a
        period = max(1, 2 * length - 2)
        place %= period
        return np.minimum(place, period - place) if length > 1 else place
    if mode == "nearest":  # a a | a b c | c c
        return np.clip(place, 0, length - 1)
    if mode in ("wrap", "grid-wrap"):  # b c | a b c | a b
        return place % length
    return np.where((place < 0) | (place >= length), -1, place)


def neighbours(length, mode):
    """Which element stands before the first of a line, and which behind the last; -1 for the constant."""
    last = length - 1
    beyond = {
        "constant": (-1, -1),
        "grid-constant": (-1, -1),
        "mirror": (min(1, last), max(0, last - 1)),
        "wrap": (last, 0),
        "grid-wrap": (last, 0),
    }
    return beyond.get(mode, (0, last))


def correlate_along(image, weights, axis, mode, cval):
    """The correlation of an array with a line of an odd number of weights along one axis, by NumPy alone.

    Sums in the order of `scipy.ndimage`, in float64, rounded to the type of the array.
    """
    radius = len(weights) // 2
    length = image.shape[axis]
    at = places(-radius, length + radius, length, mode)
    lines = np.moveaxis(image, axis, 0).astype(np.float64)[at]
    lines[at < 0] = cval
    result = lines[radius : radius + length] * weights[radius]
    antisymmetric = weights[0] == -weights[-1] != 0
    for k in range(radius):
        left, right = lines[k : k + length], lines[2 * radius - k : 2 * radius - k + length]
        result += ((left - right) if antisymmetric else (left + right)) * weights[k]
    return np.moveaxis(result, 0, axis).astype(image.dtype, order="C")


def needs_scipy(what):
    """The error of a reference that finds no SciPy for a call that it cannot answer by NumPy alone."""
    return ImportError(f"{what} needs SciPy, which is not installed: pip install scipy")
