"""The price of an option by Monte Carlo, on the last price or on an average, under geometric Brownian motion.

All variants see the same random numbers, add payoffs within fixed blocks of paths, and add the blocks in order: the
same bits for any number of threads. They cover Python's numbers. Markets whose prices may overflow or hardly vary are
left to NumPy; so is every call while somebody watches for underflows.
"""

import math
from operator import index

import numpy as np

from autotune import Range, jitable, prange, tunable, workspace
from kernels import vecmath
from kernels.floats import ANY_ORDER, underflows_are_watched
from kernels.montecarlo.stream import SEEDS, checked_seed, draw, draws

_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_UNIT = 2.0**-32
_ANGLE = 2 * math.pi * _UNIT

# A whole number below 2^52 with these bits above it is a float64 of that much more than 2^52.
_AS_FLOAT = np.uint64(0x4330000000000000)
_OFFSET = 2.0**52

# Pairs of paths that are followed together: six arrays of this length fill half of L1.
_BLOCK = 512
# Blocks are dealt to so many tasks: several a core on common machines, so that none waits long for the last.
_TASKS = 64
# Pairs that NumPy follows together: its dozen arrays stay in L2.
_REFERENCE_BLOCK = 1 << 13

# The largest normal number of 32 bits: √(2·33·ln 2).
_LARGEST_NORMAL = 6.77
# Beyond exp(±600) prices, their sums and the squares of these may overflow or underflow.
_LARGEST_EXPONENT = 300.0
# With less volatility up to maturity, rounding errors of prices show in the standard error.
_LEAST_SPREAD = 1e-3


@tunable(
    size={"count": "paths", "days": "dates"},
    inputs=lambda rng, count, days: (100.0, float(rng.uniform(90, 110)), 0.05, 0.2, 1.0, count, days, 1),
    calibrate={"count": Range(100, 1_000_000), "days": Range(1, 64)},
    tolerance=(
        1e4,
        "relative errors of a price, a product of up to 100 factors, show in its difference from the strike",
    ),
)
def option_price(spot, strike, rate, volatility, maturity, paths, dates=1, seed=0, call=True):
    """Price a European or an arithmetic-average Asian option by simulation.

    Parameters
    ----------
    spot, strike : float
        Price of the underlying today, and the price that is agreed on.
    rate, volatility : float
        Continuous interest rate, and volatility of the underlying, both per year (√year).
    maturity : float
        Years until the option expires.
    paths : int
        Number of simulated paths, at least 2.
    dates : int, optional
        Number of dates, equally spaced up to maturity, of which the average price counts: 1, the last price alone, for
        a European option.
    seed : int, optional
        Of the random stream, 0 ≤ seed < 2^64: equal seeds give equal paths.
    call : bool, optional
        The right to buy (the average less the strike is paid, if positive) or to sell.

    Returns
    -------
    price, error : float
        Mean of the discounted payoffs, and its standard error.

    Raises
    ------
    ValueError
        There are fewer than two paths, no dates, or there is no such seed.
    TypeError
        `paths`, `dates` or `seed` is no whole number.

    Notes
    -----
    Glasserman 2003, Monte Carlo Methods in Financial Engineering, sections 1.1 and 3.2. Number q·dates + t of the
    stream gives the normal numbers (Box & Muller 1958, The Annals of Mathematical Statistics 29(2)) of date t for two
    paths, number q of either half: the upper 32 bits the radius, the lower ones the angle.
    """
    paths, dates, seed = index(paths), index(dates), checked_seed(seed)
    if paths < 2 or dates < 1:
        raise ValueError(f"at least 2 paths and 1 date are needed, found {paths} and {dates}")
    drift, scale = _motion(rate, volatility, maturity / dates)
    payoffs = np.empty((2, (paths + 1) // 2))
    for first in range(0, payoffs.shape[1], _REFERENCE_BLOCK):
        part = payoffs[:, first : first + _REFERENCE_BLOCK]
        price, total = np.full(part.shape, float(spot)), np.zeros(part.shape)
        for date in range(dates):
            z = draws(seed, first * dates + date, part.shape[1], dates)
            radius = np.sqrt(-2 * np.log(((z >> _HALF) + 0.5) * _UNIT))
            angle = ((z & _LOW_HALF) + 0.5) * _ANGLE
            price[0] *= np.exp(drift + scale * (radius * np.cos(angle)))
            price[1] *= np.exp(drift + scale * (radius * np.sin(angle)))
            total += price
        total /= dates
        np.maximum(total - strike if call else strike - total, 0, out=part)
    paid = payoffs.reshape(-1)[:paths]
    discount = math.exp(-rate * maturity)
    return float(discount * paid.mean()), float(discount * paid.std(ddof=1) / math.sqrt(paths))


def _motion(rate, volatility, years):
    """Mean and standard deviation of the logarithm of growth over a time."""
    return (rate - volatility * volatility / 2) * years, volatility * math.sqrt(years)


@jitable(forceinline=True)
def _normals(seed, first, dates, date, left, right):
    """The normal numbers of one date for the pairs of paths from `first` on."""
    for p in range(left.size):
        z = draw(seed, (first + p) * dates + date)
        upper = np.uint64((z >> _HALF) | _AS_FLOAT).view(np.float64) - _OFFSET
        lower = np.uint64((z & _LOW_HALF) | _AS_FLOAT).view(np.float64) - _OFFSET
        radius = np.sqrt(-2 * vecmath.log_f64((upper + 0.5) * _UNIT))
        angle = (lower + 0.5) * _ANGLE
        left[p] = radius * vecmath.cos_f64(angle)
        right[p] = radius * vecmath.sin_f64(angle)


@jitable(forceinline=True)
def _move(drift, scale, normals, price, total):
    for p in range(price.size):
        price[p] *= vecmath.exp_f64(drift + scale * normals[p])
        total[p] += price[p]


@jitable(forceinline=True, fastmath=ANY_ORDER)
def _sums(total, dates, strike, sign, origin):
    """Sums of the payoffs less `origin`, and of their squares."""
    first = second = 0.0
    for p in range(total.size):
        difference = max(sign * (total[p] / dates - strike), 0.0) - origin
        first += difference
        second += difference * difference
    return first, second


@jitable
def _follow(seed, block, paths, dates, spot, drift, scale, strike, sign, origin, scratch, sums):
    """Follow one block of pairs of paths; write the sums of their payoffs."""
    first = block * _BLOCK
    left = min(_BLOCK, (paths + 1) // 2 - first)
    right = min(_BLOCK, paths - (paths + 1) // 2 - first)  # of an odd number of paths, the last has no other
    scratch[2:4] = spot
    scratch[4:6] = 0.0
    for date in range(dates):
        _normals(seed, first, dates, date, scratch[0, :left], scratch[1, :left])
        _move(drift, scale, scratch[0, :left], scratch[2, :left], scratch[4, :left])
        _move(drift, scale, scratch[1, :left], scratch[3, :left], scratch[5, :left])
    left_first, left_second = _sums(scratch[4, :left], dates, strike, sign, origin)
    right_first, right_second = _sums(scratch[5, :right], dates, strike, sign, origin)
    sums[0, block] = left_first + right_first
    sums[1, block] = left_second + right_second


@jitable
def _all(seed, paths, dates, spot, drift, scale, strike, sign, origin, scratch, sums):
    for block in range(sums.shape[1]):
        _follow(seed, block, paths, dates, spot, drift, scale, strike, sign, origin, scratch[0], sums)


@jitable(parallel=True)
def _all_threads(seed, paths, dates, spot, drift, scale, strike, sign, origin, scratch, sums):
    tasks = len(scratch)
    for task in prange(tasks):
        for block in range(task, sums.shape[1], tasks):
            _follow(seed, block, paths, dates, spot, drift, scale, strike, sign, origin, scratch[task], sums)


def _calm(*market):
    """Whether prices can neither overflow nor underflow, and vary enough."""
    spot, strike, rate, volatility, maturity, dates = market
    if not (all(isinstance(value, float | int) for value in market) and 0 < maturity < math.inf and volatility > 0):
        return False
    drift, scale = _motion(rate, volatility, maturity / dates)
    furthest = dates * (abs(drift) + scale * _LARGEST_NORMAL)
    return (
        math.exp(-_LARGEST_EXPONENT) < spot < math.exp(_LARGEST_EXPONENT)
        and abs(strike) < math.exp(_LARGEST_EXPONENT)
        and furthest < _LARGEST_EXPONENT
        and abs(rate * maturity) < _LARGEST_EXPONENT
        and volatility * math.sqrt(maturity) > _LEAST_SPREAD
        and not underflows_are_watched()
    )


def _price(core, tasks, spot, strike, rate, volatility, maturity, paths, dates, seed, call):
    """By `core`, or by the reference where it raises, may warn, or would have to be more exact."""
    whole = paths.__class__ is dates.__class__ is seed.__class__ is int and paths >= 2 and dates >= 1
    if not (whole and 0 <= seed < SEEDS and _calm(spot, strike, rate, volatility, maturity, dates)):
        return option_price.reference(spot, strike, rate, volatility, maturity, paths, dates, seed, call)
    drift, scale = _motion(rate, volatility, maturity / dates)
    sign = 1.0 if call else -1.0
    origin = max(sign * (spot - strike), 0.0)  # near the mean, so that the squares keep their digits
    blocks = ((paths + 1) // 2 + _BLOCK - 1) // _BLOCK
    sums = np.empty((2, blocks))
    scratch = workspace.take((min(tasks, blocks), 6, _BLOCK), np.float64)
    core(np.uint64(seed), paths, dates, float(spot), drift, scale, float(strike), sign, float(origin), scratch, sums)
    workspace.give(scratch)
    first, second = sums.sum(axis=1).tolist()
    discount = math.exp(-rate * maturity)
    variance = max(second - first * first / paths, 0.0) / (paths - 1)
    return discount * (origin + first / paths), discount * math.sqrt(variance / paths)


@option_price.variant(kind="blocked")
def in_registers(spot, strike, rate, volatility, maturity, paths, dates=1, seed=0, call=True):
    """A block of paths is drawn and followed in L1, in vector registers: no arrays of all paths."""
    return _price(_all, 1, spot, strike, rate, volatility, maturity, paths, dates, seed, call)


@option_price.variant(kind="parallel", threads=True)
def blocks_on_threads(spot, strike, rate, volatility, maturity, paths, dates=1, seed=0, call=True):
    """The same blocks on all cores: pays off from some ten thousand steps of paths on."""
    return _price(_all_threads, _TASKS, spot, strike, rate, volatility, maturity, paths, dates, seed, call)
