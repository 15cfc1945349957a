"""Borders over one size: few segments that serve the measured sizes best; those that are known already stay.

Sees sizes, names and costs, and duels; knows nothing of kernels or disk.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence

from ..search import crossover
from ..search.crossover import Doubt, Duel, Segment
from ..store.record import Decision, Leaf, Split

#: Stands for the winner of sizes at which nothing is decided.
NOTHING = ""


def recorded(decision: Decision, start: int) -> list[Segment]:
    """The segments of a decision over one size, the first from `start` on."""
    if isinstance(decision, Split):
        above = recorded(decision.above, decision.at)
        border = Segment(decision.at, above[0].winner, decision.low, decision.high)
        return [*recorded(decision.below, start), border, *above[1:]]
    return [Segment(start, str(decision.winner) if isinstance(decision, Leaf) else NOTHING)]


def serving(segments: Sequence[Segment], size: int) -> str:
    """The winner of the segment that a size lies in."""
    found = segments[0].winner
    for segment in segments[1:]:
        if segment.start <= size:
            found = segment.winner
    return found


def found(
    costs: Mapping[int, Mapping[str, float]],
    winners: Mapping[int, str],
    duel: Duel,
    known: Sequence[Segment] = (),
    leads: dict[Doubt, float] | None = None,
    gone: Collection[str] = (),
) -> list[Segment]:
    """The few segments that serve the measured sizes best.

    Parameters
    ----------
    costs, winners, duel
        As for `crossover.confirmed`.
    known : sequence of Segment
        Found when fewer sizes had been measured.
    leads : dict
        The same; what earlier calls have found.
    gone : collection of str
        Candidates that may not win any more.
    """
    costs, chosen = crossover.confirmed(costs, winners, duel, {} if leads is None else leads)
    return again(chosen, costs, duel, known or [Segment(min(costs), NOTHING)], gone)


def again(
    chosen: Mapping[int, str],
    costs: Mapping[int, Mapping[str, float]],
    duel: Duel,
    known: Sequence[Segment],
    fresh: Collection[str],
) -> list[Segment]:
    """The segments for the winners `chosen` at the measured sizes.

    A border is bisected only where its winners are not those of the record, or are among the candidates in `fresh`, or
    where one of these comes near enough to win between two sizes, and does in a duel at the border.

    Parameters
    ----------
    chosen : mapping
        The winner at each measured size.
    costs : mapping
        Seconds a call by size and candidate.
    duel : callable
        Decides between candidates at a size in between.
    known : sequence of Segment
        As recorded.
    fresh : collection of str
        Candidates that changed since.
    """
    sizes = sorted(chosen)
    found = [Segment(sizes[0], chosen[sizes[0]])]
    for before, after in itertools.pairwise(sizes):
        first, last = chosen[before], chosen[after]
        inside = [segment for segment in known[1:] if before < segment.start <= after]
        path = [serving(known, before), *(segment.winner for segment in inside)]
        same = (first, last) == (path[0], path[-1]) and not {NOTHING, *fresh} & set(path)
        if same and not _won_between(path, inside, (costs[before], costs[after]), duel, fresh):
            found += inside
        elif first != last:
            found += crossover.refine((before, costs[before]), (after, costs[after]), first, last, duel)
    return found


def _won_between(
    path: Sequence[str],
    inside: Sequence[Segment],
    ends: tuple[Mapping[str, float], Mapping[str, float]],
    duel: Duel,
    fresh: Collection[str],
) -> bool:
    """Whether a changed candidate wins at a recorded border."""
    for before, segment in zip(path, inside, strict=False):
        near = [n for n in crossover.near(*ends, before, segment.winner) if n in fresh]
        if near and not {before, segment.winner} & set(duel(segment.start, [before, segment.winner, *near]).tied):
            return True
    return False
