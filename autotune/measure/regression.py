"""Whether code became slower: what paired runs of fresh processes say (MEASUREMENT.md, section 7).

A run is a fresh process; its result is the logarithm of the median time of many calls. Between two runs of the same
code that median moves by some percent, because memory lies elsewhere and the machine is in another state, so that
calls of one run say little: runs are what is counted. Knows nothing of processes, clocks, or what was run.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .paired import Interval, around, interval, t95, winsorised

#: Pairs of runs in one set, and the slowdown that is reported (MEASUREMENT.md, section 7).
PAIRS = 7
LIMIT = 0.05
#: Two pairs have no interval that says anything: Student's t with one degree of freedom is 12.7.
FEWEST_PAIRS = 3
#: Sets that a function gets whose runs differ so much that fewer say nothing. Of functions that allocate, runs differ
#: by 9 %: after seven pairs a slowdown of 8 % is found in a third of the cases, after 28 in nine of ten.
SETS = 4

Run = TypeVar("Run")


@dataclass(frozen=True)
class Pair:
    """The logarithms of two runs, one after the other."""

    old: float
    new: float


@dataclass(frozen=True)
class Verdict:
    """What became of the time of one function."""

    #: ``slower``, ``faster`` or ``same``.
    change: str
    #: New over old, and again in other runs where the first looked slower.
    first: Interval
    second: Interval | None = None

    @property
    def ratio(self) -> Interval:
        """The ratio to quote: the second was not selected for what it says."""
        return self.second or self.first


class Trial(Generic[Run]):
    """The judgement of one function while its runs come in, set by set.

    It is reported as slower where the ratio is above the limit, its lower 95 % bound is above nothing, and other runs
    say so again. While an interval leaves open whether there is such a slowdown or none, it wants another set.

    Parameters
    ----------
    ratio : callable
        New over old, of runs.
    limit : float
        Share of the time by which a function may become slower unreported.
    most : int
        Sets after which what is still open is not slower.
    """

    def __init__(self, ratio: Callable[[Sequence[Run]], Interval], limit: float = LIMIT, most: int = SETS) -> None:
        self._ratio, self._limit, self._most = ratio, limit, most
        self._first: list[Run] = []
        self._second: list[Run] = []
        self._sets = {"first": 0, "second": 0}

    def add(self, runs: Sequence[Run]) -> None:
        """One more set."""
        again = self.suspected
        (self._second if again else self._first).extend(runs)
        self._sets["second" if again else "first"] += 1

    @property
    def suspected(self) -> bool:
        """Whether it looks slower, so that further sets are to confirm it."""
        return bool(self._first) and is_slower(self._ratio(self._first), self._limit)

    @property
    def wants(self) -> bool:
        """Whether another set is needed for a verdict."""
        if self.suspected:
            return self._open(self._second, self._sets["second"])
        return self._open(self._first, self._sets["first"])

    def _open(self, runs: Sequence[Run], sets: int) -> bool:
        if not runs:
            return True
        found = self._ratio(runs)
        return sets < self._most and not is_slower(found, self._limit) and found.high > 1 + self._limit

    @property
    def verdict(self) -> Verdict:
        """The verdict; valid once nothing more is wanted."""
        first = self._ratio(self._first)
        if self._second:
            second = self._ratio(self._second)
            return Verdict("slower" if is_slower(second, self._limit) else "same", first, second)
        return Verdict("faster" if is_faster(first, self._limit) else "same", first)


def change(pairs: Sequence[Pair]) -> Interval:
    """Time of new over old, paired and winsorised, with its 95 % interval."""
    return interval([pair.new - pair.old for pair in pairs])


def unpaired(old: Sequence[float], new: Sequence[float]) -> Interval:
    """Time of new over old from runs that were not paired, winsorised (Welch 1947, for unequal variances)."""
    sets = [winsorised(values) for values in (old, new)]
    difference = statistics.fmean(sets[1]) - statistics.fmean(sets[0])
    if min(map(len, sets)) < 2:
        return around(difference, math.inf)
    shares = [statistics.variance(values) / len(values) for values in sets]
    total = sum(shares)
    if total == 0:
        return around(difference, 0.0)
    parts = [(share / total) ** 2 / (len(values) - 1) for share, values in zip(shares, sets, strict=True)]
    degrees = 1 / sum(parts)
    return around(difference, t95(max(1, math.floor(degrees))) * math.sqrt(total))


def is_slower(found: Interval, limit: float = LIMIT) -> bool:
    """Whether one set says that new is slower by more than the limit."""
    return found.ratio > 1 + limit and found.low > 1


def is_faster(found: Interval, limit: float = LIMIT) -> bool:
    """Whether one set says that old was slower than new by more than the limit."""
    return found.ratio < 1 / (1 + limit) and found.high < 1


def orders(sides: tuple[str, str], count: int, seed: int) -> list[tuple[str, str]]:
    """For so many pairs, which side runs first: at random."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    return [sides if rng.random() < 0.5 else (sides[1], sides[0]) for _ in range(count)]
