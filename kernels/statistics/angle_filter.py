"""angle_filter: which directions lie inside any of several ranges of angles."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable, workspace
from kernels.parts import part_of

_ARRAYS = (
    "angles.ndim == 1 and ranges.ndim == 2 and angles.dtype.char in 'fd' and ranges.dtype == angles.dtype and "
    "angles.flags.c_contiguous and ranges.flags.c_contiguous"
)

_TURN = 360.0
# Up to two turns away from zero, the remainder of a division by 360 takes one exact subtraction.
_TWO_TURNS = 720.0
# Angles looked at before the places of those inside are written: remainders and marks stay in L1.
_CHUNK = 512


def _directions(rng, dtype, n):
    """Directions all around, and two opposite sectors, as for the pattern of a scattering experiment."""
    return rng.uniform(-180, 180, n).astype(dtype), np.array([(-10, 10), (170, -170)], dtype)


@tunable(
    size={"n": "angles.size"},
    inputs=_directions,
    calibrate={"n": Range(10, 1_000_000), "dtype": Choice("float32", "float64")},
)
def angle_filter(angles, ranges):
    """Indices of the angles that lie inside any of several ranges.

    Parameters
    ----------
    angles : array_like of real numbers, shape (n,)
        Angles in degrees.
    ranges : array_like of real numbers, shape (k, 2)
        Ranges in degrees, (from, to) in the sense of growing angles, both ends included. Whole turns do not matter:
        (-10, 10), (350, 10) and (350, 370) are one range, of 20 degrees about zero, and -5, 355 and 715 lie inside it.
        A range whose ends are a turn or more apart, such as (-180, 180), is the whole circle.

    Returns
    -------
    ndarray of intp
        In ascending order.

    Raises
    ------
    ValueError
        If `angles` has not one dimension, or `ranges` has another shape.

    Notes
    -----
    Angles and ends are compared after ``np.mod(…, 360)``. NaN lies in no range.
    """
    angles, ranges = np.asarray(angles), np.asarray(ranges)
    if angles.ndim != 1 or ranges.ndim != 2 or ranges.shape[1] != 2:
        raise ValueError(
            f"angles of shape (n,) and ranges of shape (k, 2) are needed, not {angles.shape}, {ranges.shape}"
        )
    whole = ranges[:, 1] - ranges[:, 0] >= 360
    first, last = np.mod(ranges, 360).T
    angles = np.mod(angles, 360)
    inside = np.zeros(angles.shape, bool)
    for low, high, everything in zip(first, last, whole, strict=True):
        if everything:
            inside |= angles == angles  # all but NaN
        elif low > high:
            inside |= (angles >= low) | (angles <= high)
        else:
            inside |= (angles >= low) & (angles <= high)
    return np.flatnonzero(inside)


@jitable(forceinline=True)
def _remainder(angle, turn):
    """The same number as np.mod(angle, turn), for less than two turns."""
    angle = angle - turn if angle >= turn else angle
    angle = angle + turn if angle <= -turn else angle
    return angle + turn if angle < 0 else angle


@jitable
def _reduce(angles, remainders, marks):
    """Remainders of a chunk of angles, which are not marked yet; whether one is two turns or more from zero."""
    turn = angles.dtype.type(_TURN)
    two_turns = angles.dtype.type(_TWO_TURNS)
    far = False
    for i in range(angles.size):
        remainders[i] = _remainder(angles[i], turn)
        marks[i] = 0
        far |= abs(angles[i]) >= two_turns
    return far


@jitable
def _mark(remainders, first, last, marks):
    """Mark what lies between two ends; whether one of these is two turns or more from zero."""
    turn = remainders.dtype.type(_TURN)
    two_turns = remainders.dtype.type(_TWO_TURNS)
    low = _remainder(first, turn)
    high = _remainder(last, turn)
    if last - first >= turn:
        for i in range(remainders.size):
            marks[i] |= remainders[i] == remainders[i]  # all but NaN
    elif low > high:
        for i in range(remainders.size):
            marks[i] |= (remainders[i] >= low) | (remainders[i] <= high)
    else:
        for i in range(remainders.size):
            marks[i] |= (remainders[i] >= low) & (remainders[i] <= high)
    return (abs(first) >= two_turns) | (abs(last) >= two_turns)


@jitable
def _count(angles, ranges, first, last, remainders, marks, inside):
    """Find out which of the angles first:last are inside; how many they are, or -1 for the reference."""
    count = 0
    for start in range(first, last, _CHUNK):
        size = min(_CHUNK, last - start)
        far = _reduce(angles[start : start + size], remainders[:size], marks[:size])
        for k in range(len(ranges)):
            far |= _mark(remainders[:size], ranges[k, 0], ranges[k, 1], marks[:size])
        if far:
            return -1
        for i in range(size):
            inside[start + i] = marks[i]
            count += marks[i]
    return count


@jitable
def _write(inside, first, places):
    """Write the indices of what is inside, from `first` on, until all places are filled."""
    filled = np.uint64(0)  # unsigned: an index that cannot be negative needs no correction
    i = np.uint64(first)
    while filled < np.uint64(places.size):
        places[filled] = i
        filled += np.uint64(inside[i])
        i += np.uint64(1)


@jitable
def _count_all(angles, ranges, remainders, marks, inside):
    return _count(angles, ranges, 0, angles.size, remainders, marks, inside)


@jitable(parallel=True)
def _count_threads(angles, ranges, remainders, marks, inside, counts):
    for part in prange(counts.size):
        first, last = part_of(angles.size, counts.size, part)
        counts[part] = _count(angles, ranges, first, last, remainders[part], marks[part], inside)


@jitable(parallel=True)
def _write_threads(inside, ends, places):
    for part in prange(ends.size):
        begin = ends[part - 1] if part > 0 else 0
        first, _ = part_of(inside.size, ends.size, part)
        _write(inside, first, places[begin : ends[part]])


def _scratch(angles, shape):
    """Room for remainders and for marks; these are as wide, so that vector lanes correspond."""
    return np.empty(shape, angles.dtype), np.empty(shape, f"i{angles.itemsize}")


@angle_filter.variant(kind="vectorized", numerics="bitwise", when=_ARRAYS)
def chunks(angles, ranges):
    """All ranges for a chunk of angles while it is in L1, without division; one byte for each angle; one thread."""
    if ranges.shape[1] != 2:
        return angle_filter.reference(angles, ranges)
    inside = workspace.take(angles.shape, np.uint8)
    count = _count_all(angles, ranges, *_scratch(angles, _CHUNK), inside)
    if count < 0:
        return angle_filter.reference(angles, ranges)
    places = np.empty(count, np.intp)
    _write(inside, 0, places)
    workspace.give(inside)
    return places


@angle_filter.variant(kind="parallel", numerics="bitwise", when=_ARRAYS, params={"parts": Choice(4, 16)}, threads=True)
def parts_on_threads(angles, ranges, *, parts):
    """The chunks in `parts` on all cores, counted first, so that each task knows where to write."""
    if ranges.shape[1] != 2:
        return angle_filter.reference(angles, ranges)
    counts = np.empty(parts, np.intp)
    inside = workspace.take(angles.shape, np.uint8)
    _count_threads(angles, ranges, *_scratch(angles, (parts, _CHUNK)), inside, counts)
    if (counts < 0).any():
        return angle_filter.reference(angles, ranges)
    ends = np.cumsum(counts)
    places = np.empty(ends[-1], np.intp)
    _write_threads(inside, ends, places)
    workspace.give(inside)
    return places
