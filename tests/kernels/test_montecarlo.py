"""Monte-Carlo methods: streams that others know, and estimates that are right within their errors."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from kernels.montecarlo.stream import draws
from tests.kernels.books import KERNELS

PI, OPTION = KERNELS["pi_estimate"], KERNELS["option_price"]


def test_the_stream_is_splitmix64():
    """Numbers that other implementations give: rosettacode.org, Pseudo-random numbers/Splitmix64."""
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]

    assert draws(np.uint64(1234567), 0, 5).tolist() == expected
    assert draws(np.uint64(1234567), 3, 2).tolist() == expected[3:]


@pytest.mark.parametrize("variant", PI.variants)
def test_every_setting_counts_the_same_points(variant):
    n = 300_007

    for setting in PI.variants[variant].space:
        for seed in (0, 1, 2**63, 2**64 - 1):
            assert PI.call(variant, n, seed, params=dict(setting)) == PI.reference(n, seed)


def test_estimates_of_pi_err_as_much_as_their_documentation_says():
    n, seeds = 10_000, 400
    errors = [(PI.call("in_registers", n, seed) - math.pi) / (1.64 / math.sqrt(n)) for seed in range(seeds)]

    assert abs(np.mean(errors)) < 4 / math.sqrt(seeds)
    assert abs(np.std(errors) - 1) < 4 / math.sqrt(2 * seeds)


def black_scholes(spot, strike, rate, volatility, maturity, *, call):
    """The price of a European option (Black & Scholes 1973, Journal of Political Economy 81(3))."""
    spread = volatility * math.sqrt(maturity)
    upper = (math.log(spot / strike) + rate * maturity) / spread + spread / 2
    sign = 1 if call else -1
    below = [math.erfc(-sign * value / math.sqrt(2)) / 2 for value in (upper, upper - spread)]
    return sign * (spot * below[0] - strike * math.exp(-rate * maturity) * below[1])


@pytest.mark.parametrize("variant", ["reference", *OPTION.variants])
@pytest.mark.parametrize("call", [True, False])
def test_european_options_have_the_price_of_black_and_scholes_within_their_errors(variant, call):
    market = (100.0, 95.0, 0.03, 0.3, 0.5)
    price = OPTION.reference if variant == "reference" else partial(OPTION.call, variant)
    found = np.array([price(*market, 2001, 1, seed, call) for seed in range(200)])
    distances = (found[:, 0] - black_scholes(*market, call=call)) / found[:, 1]

    assert abs(distances.mean()) < 4 / math.sqrt(200)
    assert abs(distances.std() - 1) < 4 / math.sqrt(2 * 200)


def test_an_average_over_dates_has_the_mean_of_the_prices():
    """Paid is the average less nothing: its mean is known, whatever the correlation of the dates."""
    spot, rate, maturity, dates = 100.0, 0.08, 2.0, 5
    mean = sum(math.exp(-rate * maturity * (1 - t / dates)) for t in range(1, dates + 1)) * spot / dates

    for seed in range(5):
        price, error = OPTION.call("in_registers", spot, 0.0, rate, 0.4, maturity, 20_000, dates, seed)

        assert abs(price - mean) < 4 * error


def test_the_tails_of_the_normal_numbers_are_there():
    """An option that pays from four standard deviations on: 3·10^-5 of the paths."""
    market = (100.0, 100 * math.exp(4 * 0.2), 0.0, 0.2, 1.0)
    price, error = OPTION.call("blocks_on_threads", *market, 4_000_000)

    assert abs(price - black_scholes(*market, call=True)) < 4 * error < price
