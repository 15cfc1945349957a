"""Timing for the audit: its loops, rounds and intervals share nothing with `autotune.measure`, so that a fault there
cannot hide here. Knows nothing of kernels.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Name = TypeVar("Name", bound=Hashable)

#: A sample lasts this long or one call, whichever is longer: five times what the tuner asks for.
SAMPLE_S = 100e-6
#: Rounds at a time, and at most: the normal approximation of the sign test needs some twenty.
ROUNDS, MAX_ROUNDS = 25, 200
#: An interval of this width tells 1 % from 2 %, the limit of the mean; seconds that waiting for it may take.
NARROW, PATIENCE_S = 0.02, 1.5


@dataclass(frozen=True)
class Ratio:
    """A paired ratio of times: its median and its 95 % bounds by the sign test."""

    median: float
    low: float
    high: float

    def times(self, factor: float) -> Ratio:
        return Ratio(self.median * factor, self.low * factor, self.high * factor)


class Stopwatch:
    """Times one function on arguments that lie at several places.

    Parameters
    ----------
    function : callable
        Takes the arguments by position.
    places : sequence of sequences
        The arguments, once for each place; watches that are compared share them.
    fresh : callable, optional
        Makes arguments before every call, for functions that change theirs.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        places: Sequence[Sequence[object]],
        fresh: Callable[[], Sequence[object]] | None = None,
    ) -> None:
        self._function = function
        self._places = places
        self._fresh = fresh
        self._here = places[0]
        self._loops = 1

    def once(self) -> float:
        """Seconds of the second call: the first may load or compile."""
        self._seconds(1)
        return self._seconds(1)

    def at_first_sight(self) -> float:
        """Seconds a call, roughly; chooses how many calls make a sample."""
        while self._fresh is None and (seconds := self._seconds(self._loops)) < SAMPLE_S:
            self._loops = max(2 * self._loops, math.ceil(self._loops * SAMPLE_S / max(seconds, 1e-9)))
        return min(self.sample(0) for _ in range(3))

    def sample(self, number: int) -> float:
        """Seconds a call in the round of that number."""
        here = self._places[number % len(self._places)]
        if here is not self._here:
            self._here = here
            self._seconds(1)  # brings the place into the caches
        return self._seconds(self._loops) / self._loops

    def sample_on(self, arguments: Sequence[object]) -> float:
        """Seconds of one call on other arguments."""
        function, clock = self._function, time.perf_counter
        start = clock()
        function(*arguments)
        return clock() - start

    def _seconds(self, loops: int) -> float:
        function, arguments = self._function, self._here if self._fresh is None else self._fresh()
        counter = range(loops)
        start = time.perf_counter()
        for _ in counter:
            function(*arguments)
        return time.perf_counter() - start


def interleaved(watches: Mapping[Name, Stopwatch], rounds: int, order: random.Random) -> dict[Name, list[float]]:
    """Samples of every watch, one in each round, the rounds in random order."""
    found: dict[Name, list[float]] = {name: [] for name in watches}
    add_rounds(found, watches, rounds, order)
    return found


def add_rounds(
    found: dict[Name, list[float]], watches: Mapping[Name, Stopwatch], rounds: int, order: random.Random
) -> None:
    """More of the same."""
    names = list(watches)
    for number in range(rounds):
        order.shuffle(names)
        for name in names:
            found[name].append(watches[name].sample(number))


def cold_rounds(
    watches: Mapping[Name, Stopwatch], rotation: Iterator[Sequence[object]], rounds: int, order: random.Random
) -> dict[Name, list[float]]:
    """Samples of every watch, in each round the shorter of two calls, every call on arguments of its own."""
    found: dict[Name, list[float]] = {name: [] for name in watches}
    names = list(watches)
    for _ in range(rounds):
        order.shuffle(names)
        for name in names:
            found[name].append(min(watches[name].sample_on(next(rotation)) for _ in range(2)))
    return found


def until_narrow(
    watches: Mapping[Name, Stopwatch], one: Name, others: Sequence[Name], order: random.Random
) -> dict[Name, list[float]]:
    """Samples until the intervals of one's ratios to the others are narrow, or patience is at its end."""
    found: dict[Name, list[float]] = {name: [] for name in watches}
    begun = time.perf_counter()
    while True:
        add_rounds(found, watches, ROUNDS, order)
        ratios = [ratio(found[one], found[other]) for other in others]
        narrow = all(r.high / r.low < 1 + NARROW for r in ratios)
        if narrow or len(found[one]) >= MAX_ROUNDS or time.perf_counter() - begun > PATIENCE_S:
            return found


def ratio(samples: Sequence[float], others: Sequence[float]) -> Ratio:
    """Samples over those of the same round.

    The bounds are order statistics: the binomial distribution with one half, in its normal approximation (Conover,
    Practical Nonparametric Statistics, 3rd ed., section 3.2).
    """
    ratios = sorted(a / b for a, b in zip(samples, others, strict=True))
    reach = math.ceil(0.98 * math.sqrt(len(ratios)))
    middle = len(ratios) // 2
    return Ratio(
        statistics.median(ratios), ratios[max(0, middle - reach)], ratios[min(len(ratios) - 1, middle + reach)]
    )
