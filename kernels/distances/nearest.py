"""The nearest of some centres for each point of a block: always the centre that the reference finds.

Which centre is nearest shows in |c|²/2 - x·c, one operation for each feature where the reference needs three. Where the
two least of these are nearer to each other than rounding in both ways may have moved them, the reference's own sums
decide, for that point alone. Points and centres are taken less the mean of the centres: rounding is in proportion to
what is left. Points are in the vector lanes. Knows nothing of what the labels are for.
"""

import numpy as np

from autotune import jitable
from kernels.floats import FUSED

# Side of the square that is transposed in registers. Unsigned: an index that cannot be negative needs no correction.
_SIDE = np.uint64(4)


def nearest_scratch(x, centers, parts, block):
    """Scratch space of `nearest_of` for a block of points in each of `parts`, labels as wide as distances, so that
    lanes correspond; and the centres as it takes them, for `shift`.
    """
    k, d = centers.shape
    shifted, lanes = np.empty((k + k % 2 + 1, d + 1), x.dtype), np.empty((parts, d + 5, block), x.dtype)
    return shifted, lanes, np.empty((parts, block), f"i{x.itemsize}")


@jitable
def shift(centers, shifted):
    """Fill `shifted`: in each row the mean of the centres less one of them, and half its square; then a centre out of
    reach if their number is odd; then the mean and the largest square.
    """
    k, d = centers.shape
    middle, largest = shifted[-1], shifted.dtype.type(0)
    for t in range(d):
        total = shifted.dtype.type(0)
        for j in range(k):
            total += centers[j, t]
        middle[t] = total / shifted.dtype.type(k)
    for j in range(k):
        row, square = shifted[j], shifted.dtype.type(0)
        for t in range(d):
            row[t] = middle[t] - centers[j, t]
            square += row[t] * row[t]
        row[d] = shifted.dtype.type(0.5) * square
        largest = square if not square <= largest else largest  # NaN stays
    if k % 2:
        shifted[k] = 0
        shifted[k, d] = np.inf
    middle[d] = largest


@jitable(forceinline=True)
def _lay_out(x, start, middle, lanes, size):
    """Points less the mean of the centres, a feature in each row of the lanes; four by four at a time."""
    points, features, begin = np.uint64(size), np.uint64(x.shape[1]), np.uint64(start)
    full_points, full_features = points // _SIDE * _SIDE, features // _SIDE * _SIDE
    for p in range(np.uint64(0), full_points, _SIDE):
        for t in range(np.uint64(0), full_features, _SIDE):
            for j in range(_SIDE):
                for i in range(_SIDE):
                    lanes[t + j, p + i] = x[begin + p + i, t + j] - middle[t + j]
        for i in range(p, p + _SIDE):
            for t in range(full_features, features):
                lanes[t, i] = x[begin + i, t] - middle[t]
    for p in range(full_points, points):
        for t in range(features):
            lanes[t, p] = x[begin + p, t] - middle[t]


@jitable(fastmath=FUSED, forceinline=True)
def _add_squares(lanes, d, squares):
    for p in range(squares.size):
        squares[p] = 0
    t = 0
    while t + 4 <= d:
        row_a, row_b, row_c, row_d = lanes[t], lanes[t + 1], lanes[t + 2], lanes[t + 3]
        for p in range(squares.size):
            squares[p] += row_a[p] * row_a[p] + row_b[p] * row_b[p] + row_c[p] * row_c[p] + row_d[p] * row_d[p]
        t += 4
    while t < d:
        row = lanes[t]
        for p in range(squares.size):
            squares[p] += row[p] * row[p]
        t += 1


@jitable(fastmath=FUSED, forceinline=True)
def _scores_of_two(lanes, d, one, other, scores, others):
    """|c|²/2 - x·c of two centres, four features at a time: 8 operations for 8 accesses, in 14 registers."""
    for p in range(scores.size):
        scores[p] = one[d]
        others[p] = other[d]
    t = 0
    while t + 4 <= d:
        a_1, b_1, c_1, d_1 = one[t], one[t + 1], one[t + 2], one[t + 3]
        a_2, b_2, c_2, d_2 = other[t], other[t + 1], other[t + 2], other[t + 3]
        row_a, row_b, row_c, row_d = lanes[t], lanes[t + 1], lanes[t + 2], lanes[t + 3]
        for p in range(scores.size):
            x_a, x_b, x_c, x_d = row_a[p], row_b[p], row_c[p], row_d[p]
            scores[p] += x_a * a_1 + x_b * b_1 + x_c * c_1 + x_d * d_1
            others[p] += x_a * a_2 + x_b * b_2 + x_c * c_2 + x_d * d_2
        t += 4
    while t < d:
        value_1, value_2, row = one[t], other[t], lanes[t]
        for p in range(scores.size):
            scores[p] += row[p] * value_1
            others[p] += row[p] * value_2
        t += 1


@jitable(forceinline=True)
def _keep_least(scores, others, label, least, second, labels):
    """Take over the scores of two centres where they are below the least ones, or below the second."""
    kind = labels.dtype.type
    one, other = kind(label), kind(label + 1)
    for p in range(scores.size):
        score, another, top = scores[p], others[p], least[p]
        low = score if score < another else another
        high = another if another > score else score
        beaten = low if low > top else top
        nearer = high if high < beaten else beaten
        labels[p] = (one if score < another else other) if low < top else labels[p]
        least[p] = low if low < top else top
        second[p] = nearer if nearer < second[p] else second[p]


@jitable(forceinline=True)
def _doubts(least, second, squares, largest, share, bounds):
    """Write what rounding may be; whether no distance overflows, and whether some points are in doubt."""
    most = np.finfo(squares.dtype).max / 8  # no distance is above twice the sum of both squares
    smallest = np.finfo(squares.dtype).tiny  # what underflows is off by less
    finite = True
    doubt = False
    for p in range(squares.size):
        size = squares[p] + largest
        finite &= size < most
        bounds[p] = least[p] + (share * size + smallest)
        doubt |= not second[p] > bounds[p]
    return finite, doubt


@jitable
def _by_reference(point, centers):
    """The first of the nearest centres by the sums of `by_feature`."""
    nearest, label = np.inf, 0
    for j in range(len(centers)):
        square = point.dtype.type(0)
        for t in range(point.size):
            square = square + (point[t] - centers[j, t]) ** 2
        if square < nearest:
            nearest, label = square, j
    return label


@jitable
def nearest_of(x, centers, shifted, start, lanes, labels):
    """Labels of the points from `start` on, of equally near centres the first; whether all distances are finite."""
    (k, d), size = centers.shape, labels.size
    kind = lanes.dtype.type
    scores, others, squares = lanes[d, :size], lanes[d + 1, :size], lanes[d + 2, :size]
    least, second = lanes[d + 3, :size], lanes[d + 4, :size]
    middle = shifted[-1]
    _lay_out(x, start, middle, lanes, size)
    _add_squares(lanes, d, squares)
    least[:] = np.inf
    second[:] = np.inf
    labels[:] = 0
    for j in range(0, k, 2):
        _scores_of_two(lanes, d, shifted[j], shifted[j + 1], scores, others)
        _keep_least(scores, others, j, least, second, labels)
    # With u = eps / 2, |x| and |c| less the mean: scores err by less than (d + 4)·u·(3/2·|x|² + 2·|c|²), half distances
    # of the reference by as much (Higham 2002, section 3.1), and so both together; twice, and again for safety.
    share = kind(4 * (d + 4) * np.finfo(lanes.dtype).eps)
    finite, doubt = _doubts(least, second, squares, middle[d], share, scores)
    if doubt:
        for p in range(size):
            if not second[p] > scores[p]:
                labels[p] = _by_reference(x[start + p], centers)
    return finite
