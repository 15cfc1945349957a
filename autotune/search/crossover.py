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
#: Bisection stops when the bracket is this narrow: a sixteenth of an octave.
BRACKET = 2 ** (1 / 16)

#: A candidate that wins nowhere on the grid is still tried between two sizes of it if the chord between its costs there
#: comes this near to the best one's: costs are convex in the logarithms, so that a chord is an upper bound.
NEAR = 1.5


#: Candidates this near (in log time) are tied in a duel: a quarter of the race's indifference zone. The border is put
#: where they tie, and what the noise adds is lost too: with the whole zone 4.0 % at the worst size, with this 3.0 %.
TIE = 0.0075


@dataclass(frozen=True)
class Outcome:
    """What a duel found.

    Parameters
    ----------
    costs : mapping
        Seconds a call of each that took part.
    winner : str
        The one that may win: not always the fastest, because of slow tails.
    """

    costs: Mapping[str, float]
    winner: str

    @property
    def tied(self) -> tuple[str, ...]:
        """The winner, or several that cannot be told apart."""
        best = min(self.costs.values())
        near = tuple(name for name, cost in self.costs.items() if math.log(cost / best) < TIE)
        return near if len(near) > 1 else (self.winner,)


#: (size, names) → the fastest of two or more.
Duel = Callable[[int, Sequence[str]], Outcome]


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
        Decides between candidates at a size in between.
    """
    sizes = sorted(costs)
    chosen = runs(sizes, costs, winners)
    found = [Segment(sizes[0], chosen[0])]
    for before, after, a, b in zip(sizes, sizes[1:], chosen, chosen[1:], strict=False):
        if a != b:
            found += refine((before, costs[before]), (after, costs[after]), a, b, duel)
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


End = tuple[int, Mapping[str, float]]


def refine(lower: End, upper: End, a: str, b: str, duel: Duel) -> list[Segment]:
    """The segments between two sizes with their costs, of which `a` serves the first and `b` the second.

    The bracket is halved until a tie or a sixteenth of an octave; if a third candidate wins in between, each half is a
    bracket of its own.
    """
    (low, low_costs), (high, high_costs) = lower, upper
    while high > low + 1 and high / max(low, 1) > BRACKET:
        middle = border(low, high)
        if middle in (low, high):
            break
        outcome = duel(middle, [a, b, *near(low_costs, high_costs, a, b)])
        third = next((name for name in outcome.tied if name not in (a, b)), None)
        here = (middle, outcome.costs)
        if third is not None:
            return [*refine((low, low_costs), here, a, third, duel), *refine(here, (high, high_costs), third, b, duel)]
        if len(outcome.tied) > 1:  # either is right from here to the bracket's ends, the middle is as good as any
            low, high = max(low, math.floor(middle / BRACKET)), min(high, math.ceil(middle * BRACKET))
            break
        if outcome.tied[0] == a:
            low, low_costs = here
        else:
            high, high_costs = here
    return [Segment(border(low, high), b, low, high)]


def near(low_costs: Mapping[str, float], high_costs: Mapping[str, float], a: str, b: str) -> list[str]:
    """Third candidates that may win between two sizes."""
    chords = {name: math.sqrt(low_costs[name] * high_costs[name]) for name in low_costs.keys() & high_costs.keys()}
    best = min((chords[name] for name in (a, b) if name in chords), default=math.inf)
    return sorted(name for name, cost in chords.items() if name not in (a, b) and cost < NEAR * best)


def border(low: int, high: int) -> int:
    """The geometric middle, rounded; above `low` where there is room."""
    return max(round(math.sqrt(max(low, 1) * high)), min(low + 1, high))
