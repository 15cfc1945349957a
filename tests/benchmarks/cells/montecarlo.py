"""Monte-Carlo methods. Their arguments are numbers: both precisions are the same."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import PLAIN, Bench, each


def _pi_estimate(n, seed):
    inside = 0
    for _ in prange(n):
        inside += np.random.random() ** 2 + np.random.random() ** 2 < 1
    return 4 * inside / n


def _generator():
    """As a user would write it, with NumPy's generator."""

    def pi_estimate(n, seed):
        x, y = np.random.default_rng(seed).random((2, n))
        return 4 * np.count_nonzero(x * x + y * y < 1) / n

    return pi_estimate


def _option_price(spot, strike, rate, volatility, maturity, paths, dates, seed):
    step = maturity / dates
    drift, scale = (rate - volatility**2 / 2) * step, volatility * np.sqrt(step)
    first = second = 0.0
    for _ in prange(paths):
        price, total = spot, 0.0
        for _date in range(dates):  # Numba: another name than that of the loop outside
            price *= np.exp(drift + scale * np.random.normal())
            total += price
        payoff = max(total / dates - strike, 0.0)
        first += payoff
        second += payoff * payoff
    discount, mean = np.exp(-rate * maturity), first / paths
    return discount * mean, discount * np.sqrt((second / paths - mean * mean) / paths)


def _all_at_once():
    """As a user would write it, with NumPy's generator and a table of all paths."""

    def option_price(spot, strike, rate, volatility, maturity, paths, dates, seed):
        step = maturity / dates
        steps = np.random.default_rng(seed).standard_normal((paths, dates))
        steps *= volatility * np.sqrt(step)
        steps += (rate - volatility**2 / 2) * step
        prices = spot * np.exp(np.cumsum(steps, axis=1, out=steps), out=steps)
        payoffs = np.exp(-rate * maturity) * np.maximum(prices.mean(axis=1) - strike, 0)
        return payoffs.mean(), payoffs.std(ddof=1) / np.sqrt(paths)

    return option_price


_OTHER_NUMBERS = dict.fromkeys(("NumPy's generator", PLAIN), "draws other random numbers")
BENCHES = {
    "option_price": Bench(
        each(
            lambda dtype, paths, dates: (100.0, 105.0, 0.05, 0.2, 1.0, paths, dates, 1),
            (1000, 1), (100_000, 1), (1_000_000, 1), (1000, 12), (100_000, 12), (10_000, 64),
            text="paths={} dates={}",
        ),
        rivals={"NumPy's generator": _all_at_once},
        plain=_option_price,
        unlike=_OTHER_NUMBERS,
        work=lambda *arguments: arguments[5] * arguments[6],
        work_name="paths·dates",
    ),
    "pi_estimate": Bench(
        each(lambda dtype, n: (n, 1), (100,), (1000,), (10_000,), (100_000,), (1_000_000,), (10_000_000,), text="{}"),
        rivals={"NumPy's generator": _generator},
        plain=_pi_estimate,
        unlike=_OTHER_NUMBERS,
        work=lambda n, seed: n,
        work_name="points",
    ),
}  # fmt: skip
