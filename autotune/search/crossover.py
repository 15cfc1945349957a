"""Thresholds over one size: where one winner hands over to the next.

The winners on a grid of sizes are first made into few runs, by dynamic programming over regret, so that a noisy
verdict in the middle of a run does not become two thresholds; then each border is bisected with duels of the two
neighbours. Sees sizes, names and costs; no clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

#: A change of winner must save at least this much (in log time, summed over sizes) to be worth a threshold: the
#: indifference zone of the race.
SWITCH_COST = 0.03
#: Bisection stops when the bracket is this narrow: an eighth of an octave.
BRACKET = 2 ** (1 / 8)

#: (size, a, b) → the faster of the two, or None for a tie.
Duel = Callable[[int, str, str], str | None]


@dataclass(frozen=True)
class Segment:
    """Sizes from `start` on, until the next segment, and the candidate for them."""

    start: int
    winner: str
    #: Between these sizes the true border lies; both 0 for the first segment.
    low: int = 0
    high: int = 0


def segments(costs: Mapping[int, Mapping[str, float]], winners: Mapping[int, str], duel: Duel) -> list[Segment]:
    """The few segments that serve the measured sizes best.

    Parameters
    ----------
    costs : mapping
        Seconds a call by size and candidate.
    winners : mapping
        The verdict of the race at each size.
    duel : callable
        Decides between two candidates at a size in between.
    """
    sizes = sorted(costs)
    chosen = runs(sizes, costs, winners)
    found = [Segment(sizes[0], chosen[0])]
    for before, after, a, b in zip(sizes, sizes[1:], chosen, chosen[1:], strict=False):
        if a != b:
            low, high = bisect(before, after, a, b, duel)
            found.append(Segment(border(low, high), b, low, high))
    return found


def runs(sizes: Sequence[int], costs: Mapping[int, Mapping[str, float]], winners: Mapping[int, str]) -> list[str]:
    """One candidate for each size: least total regret plus `SWITCH_COST` for every change.

    The winner of a size has no regret there, even if a tie rule made it the winner.
    """
    names = sorted(set(winners.values()))
    best: dict[str, tuple[float, list[str]]] = {}
    for size in sizes:
        base = costs[size].get(winners[size], math.inf)
        step: dict[str, tuple[float, list[str]]] = {}
        for name in names:
            cost = costs[size].get(name, math.inf)
            regret = 0.0 if name == winners[size] else max(0.0, math.log(cost / base)) if cost < math.inf else math.inf
            if not best:
                step[name] = (regret, [name])
                continue
            previous = min(best, key=lambda p: (best[p][0] + (SWITCH_COST if p != name else 0.0), p != name))
            total, path = best[previous]
            step[name] = (total + (SWITCH_COST if previous != name else 0.0) + regret, [*path, name])
        best = step
    return min(best.values(), key=lambda found: found[0])[1]


def bisect(low: int, high: int, a: str, b: str, duel: Duel) -> tuple[int, int]:
    """The bracket in which `a` hands over to `b`: narrowed until a tie or an eighth of an octave."""
    while high > low + 1 and high / max(low, 1) > BRACKET:
        middle = border(low, high)
        if middle in (low, high):
            break
        faster = duel(middle, a, b)
        if faster is None:  # a tie: either is right from here to the bracket's ends, the middle is as good as any
            return max(low, math.floor(middle / BRACKET)), min(high, math.ceil(middle * BRACKET))
        low, high = (middle, high) if faster == a else (low, middle)
    return low, high


def border(low: int, high: int) -> int:
    """The geometric middle, rounded; above `low` where there is room."""
    return max(round(math.sqrt(max(low, 1) * high)), min(low + 1, high))
