"""Timing for the audit: its loops, rounds and intervals share nothing with `autotune.measure`, so that a fault there
cannot hide here. Knows nothing of kernels.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Name = TypeVar("Name", bound=Hashable)

#: A sample lasts this long or one call, whichever is longer: five times what the tuner asks for.
SAMPLE_S = 100e-6


@dataclass(frozen=True)
class Ratio:
    """A paired ratio of times: its median and its 95 % bounds by the sign test."""

    median: float
    low: float
    high: float


class Stopwatch:
    """Times one function on arguments of its own.

    Parameters
    ----------
    function : callable
        Takes the arguments by position.
    arguments : callable
        Makes them: once, or before every call if `changes` says that calls change them.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: Callable[[], Sequence[object]], *, changes: bool
    ) -> None:
        self._function = function
        self._make = arguments
        self._arguments = tuple(arguments())
        self._changes = changes
        self._loops = 1

    def once(self) -> float:
        """Seconds of the second call: the first may load or compile."""
        self._seconds(1)
        return self._seconds(1)

    def at_first_sight(self) -> float:
        """Seconds a call, roughly; chooses how many calls make a sample."""
        while not self._changes and (seconds := self._seconds(self._loops)) < SAMPLE_S:
            self._loops = max(2 * self._loops, math.ceil(self._loops * SAMPLE_S / max(seconds, 1e-9)))
        return min(self.sample() for _ in range(3))

    def sample(self) -> float:
        """Seconds a call."""
        return self._seconds(self._loops) / self._loops

    def _seconds(self, loops: int) -> float:
        function, arguments = self._function, tuple(self._make()) if self._changes else self._arguments
        counter = range(loops)
        start = time.perf_counter()
        for _ in counter:
            function(*arguments)
        return time.perf_counter() - start


def interleaved(watches: Mapping[Name, Stopwatch], rounds: int, order: random.Random) -> dict[Name, list[float]]:
    """Samples of every watch, one in each round, the rounds in random order."""
    found: dict[Name, list[float]] = {name: [] for name in watches}
    names = list(watches)
    for _ in range(rounds):
        order.shuffle(names)
        for name in names:
            found[name].append(watches[name].sample())
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
