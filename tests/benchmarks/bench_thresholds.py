"""Thresholds found on recorded noise: how much time the worst size loses.

Run as ``python -m tests.benchmarks.bench_thresholds [SEED]``. Two or three candidates with fixed and growing costs
cross somewhere; races and duels are those of a calibration, on replayed noise instead of a clock. Beside it, what a
benchmark script does: bisection on the means of a few calls.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
from collections.abc import Sequence

from autotune.measure.race import FIRST_ROUNDS, Race
from autotune.search import crossover
from autotune.tuner import borders
from autotune.tuner.session import DUEL_ROUNDS
from tests.benchmarks.bench_race import ReplayedClock, Trace
from tests.benchmarks.noise.record import NAMES, load
from tests.benchmarks.timing import report, seed_of, verdict

CROSSOVERS = 200
LOWEST, HIGHEST, FACTOR = 1, 10_000_000, 4
#: What the worst size may lose.
LIMIT = 0.03
#: Calls of each candidate at each step of the naive bisection, and the bracket at which it stops.
IN_TURN = 10
NARROW = 2 ** (1 / 16)

Costs = dict[str, tuple[float, float]]


def candidates(rng: random.Random) -> Costs:
    """(fixed seconds, seconds an element): each faster one costs more to start; the last crosses within the range."""
    costs = {"plain": (rng.uniform(0.5e-6, 2e-6), rng.uniform(0.5e-9, 4e-9))}
    for name in ("compiled", "threads")[: rng.choice((1, 2))]:
        fixed, slope = list(costs.values())[-1]
        gain = rng.uniform(1.3, 4.0)
        crossing = 10 ** rng.uniform(2.5, 5.5)
        costs[name] = (fixed + crossing * slope * (1 - 1 / gain), slope / gain)
    return costs


def seconds(costs: Costs, size: int) -> dict[str, float]:
    return {name: fixed + slope * size for name, (fixed, slope) in costs.items()}


def grid() -> list[int]:
    return [LOWEST * FACTOR**i for i in range(int(math.log(HIGHEST / LOWEST, FACTOR)) + 1)] + [HIGHEST]


def tuned(costs: Costs, trace: Trace, seed: int) -> list[tuple[int, str]]:
    """(first size, winner) of each segment, as a calibration finds them."""

    def race(size: int, least_rounds: int) -> Race:
        clock = ReplayedClock(trace, seconds(costs, size))
        return Race(clock, seed=seed + size, now=lambda: 0.0, least_rounds=least_rounds)

    medians, winners = {}, {}
    for size in grid():
        found = race(size, FIRST_ROUNDS).run(list(costs))
        medians[size] = {name: statistics.median(samples) for name, samples in found.samples.items()}
        winners[size] = found.winner

    def duel(size: int, names: Sequence[str]) -> crossover.Outcome:
        found = race(size, DUEL_ROUNDS).run(list(names))
        return crossover.Outcome({name: found.median_s(name) for name in names}, found.winner)

    return [(segment.start, segment.winner) for segment in borders.found(medians, winners, duel)]


def naive(costs: Costs, trace: Trace, seed: int) -> list[tuple[int, str]]:
    """The first and the last candidate, and a bisection between them on means."""
    first, *_, last = costs
    low, high = LOWEST, HIGHEST
    while high > low * NARROW and high > low + 1:
        middle = round(math.sqrt(low * high))
        means = {
            name: statistics.fmean(trace.call(seconds(costs, middle)[name]) for _ in range(IN_TURN))
            for name in (first, last)
        }
        low, high = (middle, high) if means[first] < means[last] else (low, middle)
    return [(LOWEST, first), (high, last)]


def worst_regret(costs: Costs, segments: list[tuple[int, str]]) -> float:
    """The largest loss over sizes between the lowest and the highest, a tenth of an octave apart."""
    worst, size = 0.0, float(LOWEST)
    while size <= HIGHEST:
        at = round(size)
        times = seconds(costs, at)
        chosen = [name for start, name in segments if start <= at][-1]
        worst = max(worst, times[chosen] / min(times.values()) - 1)
        size *= 2**0.1
    return worst


def main() -> int:
    rows = []
    for name in NAMES:
        for label, method in (("ours", tuned), ("bisection on means", naive)):
            durations, rng = load(name), random.Random(seed_of(sys.argv, 20260202))
            regrets = []
            for number in range(CROSSOVERS):
                costs = candidates(rng)
                trace = Trace(durations, rng.randrange(len(durations)))
                regrets.append(worst_regret(costs, method(costs, trace, number)))
            regrets.sort()
            p95, worst = regrets[int(0.95 * len(regrets))], regrets[-1]
            limit = [f"{LIMIT:.0%}", verdict(worst <= LIMIT)] if method is tuned else ["", ""]
            rows.append(
                [f"{name} machine", label, f"{statistics.fmean(regrets):.2%}", f"{p95:.1%}", f"{worst:.1%}", *limit]
            )
    report(
        f"Loss at the worst size over {CROSSOVERS} simulated crossovers on recorded noise",
        ["noise", "method", "mean", "p95", "worst", "limit", ""], rows,
    )  # fmt: skip
    return 0 if all(row[-1] in ("met", "") for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
