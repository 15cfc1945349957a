"""Races simulated on recorded noise: how often a wrong candidate wins, and how many calls a race takes.

Run as ``python -m tests.benchmarks.bench_race [SEED]``. No clock is read: the noise is that of
`tests.benchmarks.noise`, the race is the one that calibrates. Beside it, what a benchmark script does: each candidate
in turn, the smaller mean wins.
"""

from __future__ import annotations

import math
import random
import sys
from dataclasses import dataclass

import numpy as np

from autotune.measure.race import Race
from autotune.measure.timer import MIN_SAMPLE_S, REPEATS
from tests.benchmarks.noise.record import NAMES, load
from tests.benchmarks.timing import report, seed_of, verdict

RACES, CANDIDATES = 1000, 6
#: A winner is wrong if it is slower than the best by more than the indifference zone (MEASUREMENT.md, section 2).
WRONG = 0.03
#: Limits: share of wrong races, and calls of a race on average.
WRONG_SHARE, CALLS = 0.005, 130
#: A call up to this much slower ran on a slower processor (its clock, a neighbour on the same core), which stretches
#: calls of any length alike; beyond, it was taken off the processor, which delays them.
SLOW = 4.0
#: Calls of each candidate when they are measured one after the other.
IN_TURN = 100


@dataclass
class Trace:
    """Noise replayed from a random place on: each call takes its true time, stretched or delayed as recorded."""

    durations_ns: np.ndarray
    start: int
    calls: int = 0

    def __post_init__(self) -> None:
        self.usual_ns = float(np.median(self.durations_ns))

    def call(self, true_s: float) -> float:
        """Seconds that a call of `true_s` seconds takes here."""
        seen = float(self.durations_ns[(self.start + self.calls) % len(self.durations_ns)])
        self.calls += 1
        if seen < SLOW * self.usual_ns:
            return true_s * seen / self.usual_ns
        return true_s + (seen - self.usual_ns) * 1e-9


@dataclass
class ReplayedClock:
    """The race's clock over a trace, with the sampler's loops and repeats."""

    trace: Trace
    true_s: dict[str, float]
    contended: bool = False

    def next_round(self) -> None:
        pass

    def sample(self, name: str) -> float:
        true_s = self.true_s[name]
        inner = max(1, math.ceil(MIN_SAMPLE_S / true_s))
        repeats = next(count for limit, count in REPEATS if true_s < limit)
        return min(sum(self.trace.call(true_s) for _ in range(inner)) / inner for _ in range(repeats))


def candidates(rng: random.Random) -> dict[str, float]:
    """True times from 25 to 100 µs, with two close neighbours of the best."""
    best = rng.uniform(25e-6, 50e-6)
    factors = [1.0, rng.uniform(1.0, 1.08), rng.uniform(1.0, 1.15)]
    factors += [rng.uniform(1.0, 2.0) for _ in range(CANDIDATES - len(factors))]
    rng.shuffle(factors)
    return {f"candidate {number}": best * factor for number, factor in enumerate(factors)}


def race(true_s: dict[str, float], trace: Trace, seed: int) -> str:
    return Race(ReplayedClock(trace, true_s), seed=seed, now=lambda: 0.0).run(list(true_s)).winner


def in_turn(true_s: dict[str, float], trace: Trace, seed: int) -> str:
    means = {name: sum(trace.call(t) for _ in range(IN_TURN)) / IN_TURN for name, t in true_s.items()}
    return min(means, key=means.__getitem__)


def simulate(name: str, method) -> tuple[float, float, float]:
    """Share of races that are wrong, calls on average, and the worst loss."""
    durations, rng = load(name), random.Random(seed_of(sys.argv, 20260101))
    wrong = calls = 0
    worst = 0.0
    for seed in range(RACES):
        true_s = candidates(rng)
        trace = Trace(durations, rng.randrange(len(durations)))
        loss = true_s[method(true_s, trace, seed)] / min(true_s.values()) - 1
        wrong += loss > WRONG
        calls += trace.calls
        worst = max(worst, loss)
    return wrong / RACES, calls / RACES, worst


def main() -> int:
    rows = []
    for name in NAMES:
        for label, method in (("our race", race), (f"{IN_TURN} calls in turn, means", in_turn)):
            share, calls, worst = simulate(name, method)
            ours = method is race
            limits = [f"{WRONG_SHARE:.1%}", str(CALLS), verdict(share < WRONG_SHARE and calls <= CALLS)]
            wrong_limit, calls_limit, met = limits if ours else ["", "", ""]
            rows.append([
                f"{name} machine", label, f"{share:.1%}", wrong_limit, f"{calls:.0f}", calls_limit, f"{worst:.1%}", met,
            ])  # fmt: skip
    report(
        f"{RACES} races of {CANDIDATES} candidates on recorded noise; wrong is a winner more than {WRONG:.0%} slower",
        ["noise", "method", "wrong", "limit", "calls", "limit", "worst loss", ""], rows,
    )  # fmt: skip
    return 0 if all(row[-1] in ("met", "") for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
