"""A Monte-Carlo pricer, plain and tuned: Asian calls of several strikes, and how they move with the market.

`kernels.option_price` draws its own random stream, by seed. So a price with the spot a little higher sees the same
paths, and the difference of the two is a good estimate of the derivative; and plain and tuned see the same paths too.
"""

import time

import numpy as np

from kernels import option_price

SPOT, RATE, VOLATILITY, MATURITY = 100.0, 0.03, 0.25, 1.0
PATHS, DATES, SEED = 50_000, 12, 2026
STRIKES = (80.0, 90.0, 95.0, 100.0, 105.0, 110.0, 120.0)
STEP = 0.5  # of the spot, for differences


def book(price):
    """Price, its standard error, delta and gamma of each strike."""
    rows = []
    for strike in STRIKES:
        below, (here, error), above = (
            price(spot, strike, RATE, VOLATILITY, MATURITY, PATHS, DATES, SEED)[: 2 if spot == SPOT else 1]
            for spot in (SPOT - STEP, SPOT, SPOT + STEP)
        )
        rows.append((here, error, (above[0] - below[0]) / (2 * STEP), (above[0] - 2 * here + below[0]) / STEP**2))
    return np.array(rows)


def timed(price):
    began = time.perf_counter()
    result = book(price)
    return time.perf_counter() - began, result


def main():
    call = (SPOT, STRIKES[0], RATE, VOLATILITY, MATURITY, PATHS, DATES, SEED)
    began = time.perf_counter()
    if option_price.decision(*call).source == "none":
        option_price.tune(*call, budget=20)
    option_price(*call)  # loads what was compiled
    print(f"tuning, or looking up what was tuned: {time.perf_counter() - began:.2f} s")

    plain_s, plain = timed(option_price.reference)
    tuned_s, tuned = timed(option_price)
    chosen = option_price.decision(*call)

    print(f"\n{len(STRIKES)} strikes, three spots each, {PATHS:,} paths of {DATES} dates")
    print("strike     price    error    delta    gamma")
    for strike, row in zip(STRIKES, tuned, strict=True):
        print(f"{strike:6.0f} {row[0]:9.4f} {row[1]:8.4f} {row[2]:8.4f} {row[3]:8.4f}")
    print(f"plain NumPy   {plain_s:7.3f} s")
    print(f"tuned         {tuned_s:7.3f} s   ({chosen.variant}, from the {chosen.source})")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    print(f"largest difference of a price: {np.abs(tuned - plain)[:, 0].max():.1e}")


if __name__ == "__main__":
    main()
