"""From races to a decision: one function that says what serves which size.

Strategies propose and races measure; the choice is made here. Knows nothing of clocks or disk.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..kernel.boxes import Handling
from ..kernel.model import REFERENCE, Candidate
from ..measure.paired import quantile
from ..measure.race import INDIFFERENCE, TAIL_MARGIN, Verdict
from ..search import crossover, surface, tree
from ..store.record import Cell, Choice, Decision, Gap, Leaf, Measurement, Pick, Split, reach
from . import borders
from .extent import volume
from .regimes import Regimes

#: Measured sizes that agree are joined across a gap of at most this many octaves (DESIGN.md, "Miss").
JOIN_OCTAVES = 2.0
#: Points at which surfaces are asked for a tree: some ten an axis of three sizes.
FILLED = 1000
#: A candidate this much slower than the best at the size before, and not catching up, is not measured at the next.
LEFT_BEHIND = 4.0
#: … but only where its calls would take longer than this; shorter ones cost nothing to try.
LONG_CALL_S = 5e-3
#: Samples of a candidate from which its own spread about the median can be told.
FEW = 4


@dataclass(frozen=True)
class Facts:
    """What is known of the candidates, by name."""

    candidates: Mapping[str, Candidate]
    handling: Mapping[str, Handling]
    threaded: frozenset[str]

    def choice(self, name: str) -> Choice:
        candidate = self.candidates[name]
        return Choice(candidate.variant, dict(candidate.config))

    def pick(self, name: str) -> Pick:
        candidate, handling = self.candidates[name], self.handling.get(name, Handling())
        return Pick(candidate.variant, dict(candidate.config), handling.boxing, handling.finite)

    def leaf(self, name: str, single: str) -> Leaf:
        """A leaf for a winner and its best single-threaded runner-up."""
        return Leaf(self.pick(name), self.pick(single) if name in self.threaded else None)


@dataclass(frozen=True)
class Raced:
    """A size with the outcome of its races."""

    size: Mapping[str, int]
    regimes: Regimes
    #: For both regimes.
    verdict: Verdict
    #: What `inputs` was asked for; empty where that is not known.
    point: Mapping[str, int] = field(default_factory=dict, kw_only=True)

    @property
    def best(self) -> set[str]:
        """Candidates that won something here."""
        races = [race for race in (self.verdict, self.regimes.warm, self.regimes.cold) if race is not None]
        return {name for race in races for name in (race.winner, race.single)}

    def cell(self, facts: Facts, untried: Sequence[str] = ()) -> Cell:
        """The part of it that a record keeps."""
        verdict = self.verdict
        against = verdict.against_reference
        return Cell(
            size=dict(self.size),
            winner=facts.choice(verdict.winner),
            reason=verdict.reason,
            measurements=_measurements(verdict, facts),
            ratio=against.ratio if against else 1.0,
            ratio_low=against.low if against else 1.0,
            ratio_high=against.high if against else 1.0,
            contended=verdict.contended,
            untried=list(untried),
            cold=_measurements(self.regimes.cold, facts) if self.regimes.cold else [],
            cold_winner=facts.choice(self.regimes.cold.winner) if self.regimes.cold else None,
            warm_winner=facts.choice(self.regimes.warm.winner) if self.regimes.depends else None,
        )

    def costs(self, facts: Facts, layer: str) -> dict[str, float]:
        """Seconds a call by candidate on warm data, raised by what it loses in the regime that is worse.

        One with threads costs its slow tail where that breaks the tail rule. The 90th percentile of a few rounds is one
        round, so the tail is that of all candidates with threads together, relative to their medians.
        """
        samples = {n: s for n, s in self.verdict.samples.items() if n in facts.candidates}
        costs = {name: statistics.median(seconds) for name, seconds in samples.items()}
        singles = [seconds for name, seconds in costs.items() if name not in facts.threaded]
        margin = TAIL_MARGIN.get(layer, max(TAIL_MARGIN.values()))
        threaded = facts.threaded & set(costs)
        spread = [s / costs[name] for name in threaded if len(samples[name]) >= FEW for s in samples[name]]
        tail = quantile(spread, 0.9) * margin if spread else margin
        for name in threaded:
            if singles and costs[name] * tail >= min(singles):
                costs[name] *= tail
        surcharges = self.regimes.surcharges()
        return {name: seconds * surcharges[name] for name, seconds in costs.items()}


def left_behind(name: str, smaller: Sequence[Raced], work: int) -> bool:
    """Whether a candidate was far behind at the last two sizes it ran at, not catching up, and would take long.

    Parameters
    ----------
    smaller : sequence of Raced
        Sizes none of which is larger in any respect, by volume.
    work : int
        Volume of the size in question.
    """
    ran = [item for item in smaller if name in item.verdict.samples][-2:]
    if len(ran) < 2:
        return False
    ratios = [item.verdict.median_s(name) / item.verdict.median_s(item.verdict.winner) for item in ran]
    expected_s = ran[-1].verdict.median_s(name) * work / volume(ran[-1].size)
    return expected_s > LONG_CALL_S and ratios[-1] > LEFT_BEHIND and ratios[-1] > ratios[0] * 0.9


def _measurements(verdict: Verdict, facts: Facts) -> list[Measurement]:
    return [
        Measurement(facts.choice(name), statistics.median(samples), spread(samples), len(samples))
        for name, samples in sorted(verdict.samples.items())
        if name in facts.candidates
    ]


def spread(samples: Sequence[float]) -> float:
    """Half the distance between the quartiles, relative to the median."""
    half = (quantile(samples, 0.75) - quantile(samples, 0.25)) / 2
    return round(half / statistics.median(samples), 4)


def only_size(raced: Sequence[Raced], names: Sequence[str]) -> str | None:
    """The one size over which there are thresholds to search for, or None if there are several, or other names for it.

    A size that is the same in all that was raced (the number of results, for a sum of a whole array) is none of them.

    Parameters
    ----------
    names : sequence of str
        Sizes that `inputs` takes.
    """
    sizes = list(raced[0].size)
    if len(sizes) > 1:
        sizes = [name for name in sizes if len({item.size[name] for item in raced}) > 1]
    return names[0] if sizes == list(names) and len(names) == 1 else None


def by_segments(
    name: str,
    raced: Sequence[Raced],
    facts: Facts,
    layer: str,
    duel: crossover.Duel,
    before: Decision | None = None,
    leads: dict[crossover.Doubt, float] | None = None,
) -> Decision:
    """The decision over one size: a few segments with searched borders.

    Parameters
    ----------
    before : Decision, optional
        What was decided when fewer sizes had been measured: a border that still fits stays.
    leads : dict, optional
        As for `crossover.confirmed`.
    """
    costs = {item.size[name]: item.costs(facts, layer) for item in raced}
    winners = {item.size[name]: item.verdict.winner for item in raced}
    known = [] if before is None else borders.recorded(before, min(costs))
    gone = {segment.winner for segment in known} - set(facts.candidates)
    return from_segments(name, borders.found(costs, winners, duel, known, leads, gone), costs, facts)


def from_segments(
    name: str, found: Sequence[crossover.Segment], costs: Mapping[int, Mapping[str, float]], facts: Facts
) -> Decision:
    """The decision that segments over one size make, each with its best single-threaded runner-up."""
    sizes = sorted(costs)
    leaves = []
    for index, segment in enumerate(found):
        end = found[index + 1].start if index + 1 < len(found) else math.inf
        inside = [size for size in sizes if segment.start <= size < end] or sizes
        leaves.append(facts.leaf(segment.winner, best_single([costs[size] for size in inside], facts)))
    return _chain(name, found, leaves)


def _chain(name: str, found: Sequence[crossover.Segment], leaves: Sequence[Leaf]) -> Decision:
    """Segments as a balanced tree of splits."""
    if len(found) == 1:
        return leaves[0]
    middle = len(found) // 2
    border = found[middle]
    below, above = _chain(name, found[:middle], leaves[:middle]), _chain(name, found[middle:], leaves[middle:])
    return Split(name, border.start, below, above, border.low, border.high)


def by_tree(raced: Sequence[Raced], facts: Facts, layer: str) -> Decision:
    """The decision over several sizes: a tree of least regret over what surfaces through the measurements say."""
    costs = [item.costs(facts, layer) for item in raced]
    prefer = {name: (1 if name in facts.threaded else 0) for name in facts.candidates}
    surfaces = surface.fit([item.size for item in raced], costs)
    points = surfaces.filled(FILLED, seed=0)
    expected = surfaces.log_costs(points)
    grown = tree.grow(
        surfaces.names, points, expected, surfaces.candidates, reference=REFERENCE, prefer=prefer
    )  # fmt: skip
    expected_s = [dict(zip(surfaces.candidates, np.exp(row).tolist(), strict=True)) for row in expected]

    def convert(node: tree.Node | tree.Label) -> Decision:
        if isinstance(node, tree.Label):
            return facts.leaf(node.winner, best_single([expected_s[i] for i in node.points], facts))
        return Split(node.feature, node.at, convert(node.below), convert(node.above), node.low, node.high)

    return convert(grown)


def best_single(costs: Sequence[Mapping[str, float]], facts: Facts) -> str:
    """The single-threaded candidate with the least summed regret; the reference if nothing is clearly better."""
    common = set.intersection(*(set(c) for c in costs)) - facts.threaded
    if not common:
        return REFERENCE
    totals = {name: sum(math.log(c[name]) for c in costs) for name in common}
    best = min(totals, key=lambda name: (totals[name], name))
    if REFERENCE in totals and totals[REFERENCE] - totals[best] < INDIFFERENCE * len(costs):
        return REFERENCE
    return best


def by_points(points: Sequence[tuple[Mapping[str, int], Leaf]]) -> Decision:
    """The decision of first use: each measured size speaks for half an octave around it.

    Where two neighbours agree and are within two octaves, what lies between is filled in. Everything else is a gap.
    Earlier points come first, so that what was decided does not change.
    """
    decision: Decision = Gap()
    for size, leaf in points:
        decision = carve(decision, reach(size), leaf)
    for index, (size, leaf) in enumerate(points):
        for other, its_leaf in points[:index]:
            if its_leaf == leaf and all(_octaves(size[name], other[name]) <= JOIN_OCTAVES for name in size):
                box = {name: (min(size[name], other[name]), max(size[name], other[name]) + 1) for name in size}
                decision = carve(decision, box, leaf)
    return decision


def _octaves(a: int, b: int) -> float:
    return abs(math.log2(max(a, 1)) - math.log2(max(b, 1)))


def carve(
    decision: Decision, box: Mapping[str, tuple[int, int]], leaf: Leaf, *, instead_of: Leaf | None = None
) -> Decision:
    """The decision with the gaps inside a box filled by a leaf; what was decided stays.

    `box` gives for each size the first value inside and the first beyond. If `instead_of` is given, what is replaced
    inside the box is that leaf, not the gaps.
    """
    if isinstance(decision, Split):
        features = decision.feature.split("*")
        if len(features) > 1 or features[0] not in box:  # the box has sides along single sizes only
            return Split(
                decision.feature, decision.at,
                carve(decision.below, box, leaf, instead_of=instead_of),
                carve(decision.above, box, leaf, instead_of=instead_of),
                decision.low, decision.high,
            )  # fmt: skip
        low, high = box[decision.feature]
        below = {**box, decision.feature: (low, min(high, decision.at))}
        above = {**box, decision.feature: (max(low, decision.at), high)}
        return Split(
            decision.feature, decision.at,
            carve(decision.below, below, leaf, instead_of=instead_of) if low < decision.at else decision.below,
            carve(decision.above, above, leaf, instead_of=instead_of) if high > decision.at else decision.above,
            decision.low, decision.high,
        )  # fmt: skip
    if decision != (Gap() if instead_of is None else instead_of):
        return decision
    outside = decision
    filled: Decision = leaf
    for name, (low, high) in reversed(list(box.items())):
        filled = Split(name, high, filled, outside)
        if low > 0:
            filled = Split(name, low, outside, filled)
    return filled
