"""Calibrating one signature at the sizes that a program calls it with, the one where most is to be gained first.

The decision holds around these sizes and between them; about others it says nothing. Runs
where `Session` runs. Knows nothing of processes, of what is recorded already, or of what a size is worth.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..compile.layers import expected_layer
from ..kernel.model import REFERENCE, Candidate, Variant
from ..measure import arguments as make
from ..measure.gate import Case
from ..measure.paired import paired_interval
from ..measure.race import Verdict
from ..search import crossover
from ..store.record import Decision, Gap, HeldOut, Record, lookup
from . import cases, decide, patches
from .entrants import affordable, cheapest_first
from .examples import Examples
from .hints import promising
from .session import Session

Size = dict[str, int]


@dataclass
class Occurring(Session):
    """One signature being calibrated at given sizes.

    Parameters
    ----------
    points : sequence of dict
        What to ask the problem for, the most valuable size first.
    between : sequence of dict
        Other sizes at which the program calls the kernel: a border is searched where there are some about it.
    """

    points: Sequence[Size] = field(kw_only=True)
    between: Sequence[Size] = field(kw_only=True, default=())
    #: Variants that are compiled already.
    ready: Collection[str] = field(kw_only=True, default=())

    def _points(self) -> list[Size]:
        return [dict(point) for point in self.points]

    def _left_out(self, point: Mapping[str, int]) -> str | None:
        """A program has called it with this size, however long that takes."""
        if self.raced and time.monotonic() > self.deadline_s:
            return "the budget is spent"
        return None

    # -- admission

    def _cases(self) -> list[Case]:
        if isinstance(self.problem, Examples):
            return cases.from_call(self.kernel, self.signature, small(self.problem.arguments(self.points[0])))
        return super()._cases()

    def _edges(self, candidate: Candidate) -> Iterable[Case]:
        return () if isinstance(self.problem, Examples) else super()._edges(candidate)

    def admit(self, variants: Iterable[Variant]) -> None:
        """What there is time for, cheapest first, and of those what won elsewhere."""
        ordered = cheapest_first(variants, promising(self.hints, self.points[0]))
        for variant in affordable(self.kernel, ordered, self.deadline_s, self.untried, ready=self.ready):
            self.contest.admit(variant, self.gate, self._edges)

    # -- the decision

    def _decide(self) -> Decision:
        self._race_again()
        if not self.raced:
            return Gap()
        name = decide.only_size(self.raced, self.problem.names)
        facts = self.facts()
        if name is None:
            spots = [(item.size, facts.leaf(item.verdict.winner, item.verdict.single)) for item in self.raced]
            decision = patches.by_neighbours(spots)
        else:
            costs = {item.size[name]: item.costs(facts, expected_layer()) for item in self.raced}
            decision = decide.from_segments(name, self._segments(name, costs), costs, facts)
        return patches.inside(decision, patches.around([item.size for item in self.raced]))

    def _segments(self, name: str, costs: Mapping[int, Mapping[str, float]]) -> list[crossover.Segment]:
        """The winners of the measured sizes; a border is half-way, or where duels find it if there are calls there."""
        winners = {item.size[name]: item.verdict.winner for item in self.raced}
        sizes = sorted(costs)
        chosen = crossover.runs(sizes, costs, winners)
        found = [crossover.Segment(sizes[0], chosen[0])]
        for index in range(1, len(sizes)):
            (low, high), (a, b) = sizes[index - 1 : index + 1], chosen[index - 1 : index + 1]
            if a == b:
                continue
            called = any(low < size.get(name, low) < high for size in self.between)
            if called and not isinstance(self.problem, Examples) and time.monotonic() < self.deadline_s:
                found += crossover.refine((low, costs[low]), (high, costs[high]), a, b, self._duel)
            else:
                at = patches.half_way(low, high)
                found.append(crossover.Segment(at, b, low + 1, high))
        return found

    def _duel(self, size: int, names: Sequence[str]) -> crossover.Outcome:
        """Nothing more is told apart once the time is over."""
        if time.monotonic() > self.deadline_s:
            return crossover.Outcome(dict.fromkeys(names, 1.0), names[0])
        return super()._duel(size, names)

    def _refined(self, decision: Decision) -> tuple[Decision, list[HeldOut]]:
        """Every size that matters is measured: none is held out."""
        return decision, []

    # -- what it brings

    def gains(self, record: Record, served: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
        """The time of what serves each measured size now over that of what served in the program, and that one's.

        Parameters
        ----------
        record : Record
            What is decided now.
        served : mapping
            Candidates that served in the program.
        """
        found = []
        for item in self.raced:
            leaf = lookup(record.decision, dict(item.size))
            if leaf is None:
                continue
            now, warm, cold = str(leaf.winner), item.regimes.warm, item.regimes.cold
            found.append({
                "size": dict(item.size), "now": now,
                "warm": _ratios(warm, now, served), "cold": _ratios(cold, now, served) if cold else {},
                "seconds": _seconds(warm, served), "cold_seconds": _seconds(cold, served) if cold else {},
            })  # fmt: skip
        return found


def small(values: make.Arguments) -> make.Arguments:
    """A call cut until it is quickly verified; who wins is verified on the call itself before it may serve."""
    while make.total_bytes(values) > cases.BUSY_BYTES and (lengths := make.axis_lengths(values)):
        values = make.truncated(values, lengths[0], lengths[0] // 2)
    return values


def _ratios(verdict: Verdict, now: str, served: Iterable[str]) -> dict[str, list[float]]:
    """Ratio with its interval to each candidate that took part."""
    found = {}
    for name in dict.fromkeys([*served, REFERENCE]):
        if name == now:
            found[name] = [1.0, 1.0, 1.0]
        elif name in verdict.samples and now in verdict.samples:
            interval = paired_interval(verdict.samples[now], verdict.samples[name])
            found[name] = [interval.ratio, interval.low, min(interval.high, 1e9)]
    return found


def _seconds(verdict: Verdict, served: Iterable[str]) -> dict[str, float]:
    return {name: verdict.median_s(name) for name in served if name in verdict.samples}
