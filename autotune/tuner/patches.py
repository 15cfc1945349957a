"""Decisions put together from parts: one that holds inside a box only, and gaps of one that another fills.

Sees sizes and leaves; knows nothing of measuring.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from ..store.record import MAX_DEPTH, Decision, Gap, Leaf, Split, reach

#: For each size, the first value inside and the first beyond.
Box = Mapping[str, tuple[int, int]]
#: A size that was measured, and what serves it.
Spot = tuple[Mapping[str, int], Leaf]


def inside(decision: Decision, box: Box) -> Decision:
    """A decision that holds in a box; outside of it nothing is known."""
    for name, (low, high) in reversed(list(box.items())):
        decision = Split(name, high, decision, Gap())
        if low > 0:
            decision = Split(name, low, Gap(), decision)
    return decision


def around(sizes: Sequence[Mapping[str, int]]) -> dict[str, tuple[int, int]]:
    """The box of some sizes and half an octave beyond the outermost."""
    ends = {name: (min(s[name] for s in sizes), max(s[name] for s in sizes)) for name in sizes[0]}
    lowest, highest = ({name: pair[end] for name, pair in ends.items()} for end in (0, 1))
    return {name: (reach(lowest)[name][0], reach(highest)[name][1]) for name in ends}


def filled(decision: Decision, other: Decision) -> Decision:
    """A decision whose gaps are filled by another; alone, where both together would be nested too deeply."""
    found = _filled(decision, other, {})
    return found if depth(found) <= MAX_DEPTH else decision


def _filled(decision: Decision, other: Decision, bounds: Box) -> Decision:
    if isinstance(decision, Leaf):
        return decision
    if isinstance(decision, Gap):
        return within(other, bounds)
    below, above = _halves(bounds, decision.feature, decision.at)
    return _split(decision, _filled(decision.below, other, below), _filled(decision.above, other, above))


def within(decision: Decision, bounds: Box) -> Decision:
    """The part of a decision that sizes within these bounds can reach."""
    if not isinstance(decision, Split):
        return decision
    low, high = bounds.get(decision.feature, (0, math.inf))
    if high <= decision.at:
        return within(decision.below, bounds)
    if low >= decision.at:
        return within(decision.above, bounds)
    below, above = _halves(bounds, decision.feature, decision.at)
    return _split(decision, within(decision.below, below), within(decision.above, above))


def _halves(bounds: Box, feature: str, at: int) -> tuple[Box, Box]:
    """The bounds on either side of a border; those of a product of sizes bound nothing else, and stay."""
    low, high = bounds.get(feature, (0, math.inf))
    return {**bounds, feature: (low, at)}, {**bounds, feature: (at, high)}  # type: ignore[dict-item]


def _split(split: Split, below: Decision, above: Decision) -> Decision:
    """A border, unless both sides of it are the same."""
    if below == above and not isinstance(below, Split):
        return below
    return Split(split.feature, split.at, below, above, split.low, split.high)


def depth(decision: Decision) -> int:
    """How many borders a call may have to pass."""
    return 1 + max(depth(decision.below), depth(decision.above)) if isinstance(decision, Split) else 1


def by_neighbours(spots: Sequence[Spot]) -> Decision:
    """The decision over several sizes that serves every measured one by its own winner.

    Borders lie half-way, in the logarithm, between measured sizes: each parts those of different winners best, and of
    several such the one in the widest gap.
    """
    leaves = [leaf for _, leaf in spots]
    if all(leaf == leaves[0] for leaf in leaves):
        return leaves[0]
    best: tuple[int, float, str, int, int] | None = None
    for name in spots[0][0]:
        values = sorted({size[name] for size, _ in spots})
        for low, high in itertools.pairwise(values):
            sides = [[leaf for size, leaf in spots if (size[name] <= low) == below] for below in (True, False)]
            mixed = sum(len(side) - max(side.count(leaf) for leaf in side) for side in sides)
            found = (mixed, -math.log(high / max(low, 1)), name, low, high)
            best = found if best is None else min(best, found)
    if best is None:
        return leaves[0]  # one size, measured twice: what was found first
    _, _, name, low, high = best
    at = half_way(low, high)
    below, above = (by_neighbours([spot for spot in spots if (spot[0][name] <= low) == side]) for side in (True, False))
    return Split(name, at, below, above, low + 1, high)


def half_way(low: int, high: int) -> int:
    """The border half-way between two measured sizes, in the logarithm."""
    return max(low + 1, round(math.sqrt(max(low, 1) * high)))
