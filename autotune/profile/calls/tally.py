"""Counts of the calls of one signature: by size, exactly for the hottest, in octaves of the sizes for the rest.

Memory is bounded whatever a program calls. Which sizes are kept exactly is decided as in Metwally, Agrawal and El
Abbadi's *Space-Saving* (2005), by time: every size that takes more than 1/64 of a signature's time is among them. What
is given up goes to the bucket of its size, so that no call is lost. Knows nothing of how calls are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..workload import Argument, Calls, step_s, time_step

if TYPE_CHECKING:
    from .part import Look

#: Sizes of a signature that are kept exactly, and buckets for the others.
MAX_EXACT = 64
MAX_BUCKETS = 64
#: The share of calls that are faster than the tail.
TAIL = 0.99

Size = tuple[tuple[str, int], ...]


class Tally:
    """Sums over calls."""

    __slots__ = ("allocated", "argument", "calls", "example", "highest", "hottest", "known", "lowest", "priority",
                 "sampled", "served", "times", "total_s", "warm")  # fmt: skip

    def __init__(self) -> None:
        self.calls = self.total_s = self.allocated = self.argument = self.warm = 0.0
        self.sampled = 0
        #: The calls of which it is known whether their arguments were warm.
        self.known = 0.0
        #: Its place among the sizes that are kept exactly: its time, and that of what it took the place of.
        self.priority = 0.0
        self.times: dict[int, float] = {}
        self.served: dict[str, float] = {}
        self.example: Mapping[str, Argument] = {}
        self.hottest: tuple[float, Size] = (-1.0, ())
        self.lowest: dict[str, int] = {}
        self.highest: dict[str, int] = {}

    def add(self, look: Look) -> None:
        """Count a call that was looked at, for all those that it stands for."""
        weight = look.weight
        self.calls += weight
        self.sampled += not look.again
        self.total_s += weight * look.took_s
        self.priority += weight * look.took_s
        self.allocated += weight * look.allocated_bytes
        self.argument += weight * look.argument_bytes
        if look.warm >= 0:
            self.known += weight
            self.warm += weight * look.warm
        step = time_step(look.took_s)
        self.times[step] = self.times.get(step, 0.0) + weight
        self.served[look.served] = self.served.get(look.served, 0.0) + weight
        self._span(look.size, look.size, weight * look.took_s)
        if not self.example:
            self.example = look.example

    def join(self, other: Tally, weight: float = 1.0) -> None:
        """Add the calls of another tally, each `weight` times."""
        self.calls += weight * other.calls
        self.sampled += other.sampled
        self.total_s += weight * other.total_s
        self.priority += weight * other.total_s
        self.allocated += weight * other.allocated
        self.argument += weight * other.argument
        self.known += weight * other.known
        self.warm += weight * other.warm
        for step, calls in other.times.items():
            self.times[step] = self.times.get(step, 0.0) + weight * calls
        for candidate, calls in other.served.items():
            self.served[candidate] = self.served.get(candidate, 0.0) + weight * calls
        time_s, size = other.hottest
        hotter = weight * time_s > self.hottest[0]
        self._span(other.lowest, other.highest, weight * time_s, size)
        if not self.example or (hotter and other.example):
            self.example = other.example

    def _span(self, lowest: Mapping[str, int], highest: Mapping[str, int], time_s: float, size: Size = ()) -> None:
        for name, value in lowest.items():
            self.lowest[name] = min(value, self.lowest.get(name, value))
        for name, value in highest.items():
            self.highest[name] = max(value, self.highest.get(name, value))
        if time_s > self.hottest[0]:
            self.hottest = (time_s, size or tuple(lowest.items()))

    def calls_of(self) -> Calls:
        """The tally as it stands in a workload."""
        total = self.calls or 1.0
        exact = self.lowest == self.highest
        return Calls(
            size=dict(self.hottest[1]),
            calls=round(self.calls, 3),
            sampled=self.sampled,
            total_s=self.total_s,
            median_s=quantile(self.times, 0.5),
            tail_s=quantile(self.times, TAIL if self.sampled >= 100 else 1.0),
            ranges={} if exact else {name: (self.lowest[name], self.highest[name]) for name in self.lowest},
            times={step: round(calls, 3) for step, calls in sorted(self.times.items())},
            served={name: round(calls, 3) for name, calls in sorted(self.served.items(), key=lambda item: -item[1])},
            allocated_bytes=round(self.allocated / total, 1),
            argument_bytes=round(self.argument / total, 1),
            warm=round(self.warm / (self.known or 1.0), 4),
            example=dict(self.example),
        )

    @staticmethod
    def of(calls: Calls) -> Tally:
        """The tally that stands in a workload as `calls`."""
        tally = Tally()
        tally.calls, tally.sampled, tally.total_s, tally.priority = (
            calls.calls, calls.sampled, calls.total_s, calls.total_s,
        )  # fmt: skip
        tally.allocated, tally.argument = calls.calls * calls.allocated_bytes, calls.calls * calls.argument_bytes
        tally.known, tally.warm = calls.calls, calls.calls * calls.warm
        tail = calls.calls * (1 - TAIL)
        tally.times = dict(calls.times) or {time_step(calls.median_s): calls.calls - tail}
        if not calls.times:
            tally.times[time_step(calls.tail_s)] = tally.times.get(time_step(calls.tail_s), 0.0) + tail
        tally.served, tally.example = dict(calls.served), calls.example
        tally.hottest = (calls.total_s, tuple(calls.size.items()))
        tally.lowest = {name: calls.ranges.get(name, (value, value))[0] for name, value in calls.size.items()}
        tally.highest = {name: calls.ranges.get(name, (value, value))[1] for name, value in calls.size.items()}
        return tally


class Sizes:
    """The calls of one signature."""

    def __init__(self) -> None:
        self.exact: dict[Size, Tally] = {}
        self.buckets: dict[Size, Tally] = {}
        #: Sizes are told apart by so many octaves.
        self._octaves = 1

    def add(self, look: Look) -> None:
        """Count a call that was looked at."""
        self._exact(tuple(look.size.items())).add(look)

    def join(self, calls: Iterable[Calls], weight: float = 1.0) -> None:
        """Add calls of a workload, each `weight` times."""
        for each in calls:
            tally = Tally.of(each)
            place = self._bucket(each.size) if each.ranges else self._exact(tuple(each.size.items()))
            place.join(tally, weight)

    def all_calls(self) -> list[Calls]:
        """Everything, hottest first."""
        tallies = [*self.exact.values(), *self.buckets.values()]
        return [tally.calls_of() for tally in sorted(tallies, key=lambda tally: -tally.total_s)]

    @property
    def total_s(self) -> float:
        return sum(tally.total_s for tally in (*self.exact.values(), *self.buckets.values()))

    def _exact(self, size: Size) -> Tally:
        known = self.exact.get(size)
        if known is not None:
            return known
        tally = Tally()
        if len(self.exact) >= MAX_EXACT:
            coldest = min(self.exact, key=lambda each: self.exact[each].priority)
            given_up = self.exact.pop(coldest)
            self._bucket(dict(coldest)).join(given_up)
            tally.priority = given_up.priority
        self.exact[size] = tally
        return tally

    def _bucket(self, size: Mapping[str, int]) -> Tally:
        key = self._key(size)
        if key not in self.buckets and len(self.buckets) >= MAX_BUCKETS:
            self._coarsen()
            key = self._key(size)
        return self.buckets.setdefault(key, Tally())

    def _key(self, size: Mapping[str, int]) -> Size:
        return tuple((name, value.bit_length() // self._octaves) for name, value in size.items())

    def _coarsen(self) -> None:
        """Tell sizes apart half as finely, until there is room."""
        tallies = list(self.buckets.values())
        while len(self.buckets) >= MAX_BUCKETS:
            self._octaves *= 2
            self.buckets = {}
            for tally in tallies:
                self.buckets.setdefault(self._key(dict(tally.hottest[1])), Tally()).join(tally)


def quantile(times: Mapping[int, float], share: float) -> float:
    """The time in seconds that this share of calls does not exceed: the middle of its step."""
    left = share * sum(times.values())
    step = 0
    for step in sorted(times):
        left -= times[step]
        if left <= 1e-9 * max(1.0, times[step]):
            break
    return step_s(step)
