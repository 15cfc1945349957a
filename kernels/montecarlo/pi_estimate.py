"""The number pi, from the share of random points that lie inside a quarter of a circle.

Whether a point lies inside is decided in whole numbers, and whole numbers are counted: every variant gives the same
estimate to the last bit.
"""

from operator import index

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.montecarlo.stream import SEEDS, checked_seed, draw, draws

_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)

# Points that NumPy looks at together: 128 KiB an array stay in L2. Times of 2^12, 2^14 and 2^16: 1.4, 1.0 and 2.0.
_BLOCK = 1 << 14


@tunable(
    size={"points": "n"},
    inputs=lambda rng, points: (points, int(rng.integers(1 << 32))),
    calibrate={"points": Range(100, 20_000_000)},
)
def pi_estimate(n, seed=0):
    """Estimate pi by n random points of the unit square.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    seed : int, optional
        Of the random stream, 0 ≤ seed < 2^64: equal seeds give equal points.

    Returns
    -------
    float
        Four times the share of the points with x² + y² < 1. Its standard error is 1.64 / √n.

    Raises
    ------
    ValueError
        There is no point, or no such seed.
    TypeError
        `n` or `seed` is no whole number.

    Notes
    -----
    One number of `kernels.montecarlo.stream` makes a point: x and y are its halves, in units of 2^-32. Lattice points
    of that distance misjudge the area by less than 10^-9.
    """
    n, seed = index(n), checked_seed(seed)
    if n < 1:
        raise ValueError(f"n must be at least 1, found {n}")
    inside = 0
    for first in range(0, n, _BLOCK):
        y = draws(seed, first, min(_BLOCK, n - first))
        x = y >> _HALF
        y &= _LOW_HALF
        x *= x
        y *= y
        y += x  # modulo 2^64, which is 1: outside, the sum comes out smaller than its terms
        inside += int(np.count_nonzero(y >= x))
    return 4.0 * inside / n


@jitable
def _inside(seed, first, last):
    count = 0
    for i in range(first, last):
        z = draw(seed, i)
        x, y = z >> _HALF, z & _LOW_HALF
        x *= x
        y *= y
        count += x + y >= x
    return count


@jitable(parallel=True)
def _inside_threads(seed, n, block):
    count = 0
    for b in prange((n + block - 1) // block):
        count += _inside(seed, b * block, min((b + 1) * block, n))
    return count


def _estimate(n, seed, core, *settings):
    """By `core`, or by the reference what it raises for."""
    if not (n.__class__ is seed.__class__ is int and n > 0 and 0 <= seed < SEEDS):
        return pi_estimate.reference(n, seed)
    return 4.0 * core(np.uint64(seed), *settings) / n


@pi_estimate.variant(kind="vectorized", numerics="bitwise")
def in_registers(n, seed=0):
    """Points are drawn, judged and counted in vector registers: no arrays."""
    return _estimate(n, seed, _inside, 0, n)


@pi_estimate.variant(kind="parallel", numerics="bitwise", params={"block": Choice(1 << 14, 1 << 17)}, threads=True)
def blocks_on_threads(n, seed=0, *, block):
    """The same for `block` points a task on all cores."""
    return _estimate(n, seed, _inside_threads, n, block)
