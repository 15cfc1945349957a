"""Thresholds over one size: where one winner hands over to the next.

The winners on a grid of sizes are first made into few runs, by dynamic programming over regret, so that a noisy
verdict in the middle of a run does not become two thresholds; then each border is bisected with duels of the two
neighbours. Sees sizes, names and costs; no clock.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .bisection import Border

#: A change of winner must save at least this much (in log time, summed over sizes) to be worth a threshold: the
#: indifference zone of the race.
SWITCH_COST = 0.03
#: A size beside a change of winner is raced again, unless one of the two is slower than the other by this factor, in
#: log time: then the race itself lets it go after two rounds.
HOPELESS = math.log(1.7)
#: Sizes beside a change that this brings about are raced again too, at most so many times.
CONFIRMATIONS = 3
#: A border is searched until it is known to an eighth of an octave, or this many duels were fought, or more than so
#: many of them ended in a tie: then either candidate is right all around.
BRACKET = 2 ** (1 / 8)
MAX_DUELS = 12
MAX_TIES = 2

#: A candidate that wins nowhere on the grid is still tried between two sizes of it if the chord between its costs there
#: comes this near to the best one's: costs are convex in the logarithms, so that a chord is an upper bound.
NEAR = 1.5


#: Candidates this near (in log time) are tied in a duel: half of the race's indifference zone.
TIE = 0.015
#: A third candidate gets sizes of its own between two others if it is faster than both by half of that zone.
AHEAD = TIE
#: … but not where what is left to search is narrower than this: a quarter of an octave.
NARROWEST = 2 ** (1 / 4)
#: The race's indifference zone: within it its rules for ties decide.
ZONE = 0.03


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

    def lead(self, name: str, rival: str) -> float:
        """How much faster `name` is than `rival`, in log time; 0 if it is, but may not win by a tie rule."""
        lead = math.log(self.costs.get(rival, math.inf) / self.costs[name]) if name in self.costs else -math.inf
        barred = self.winner in (name, rival) and (lead > 0) != (self.winner == name)
        if not barred:
            return lead
        if abs(lead) < ZONE:
            return 0.0
        return ZONE if self.winner == name else -ZONE

    def ahead_of(self, *names: str) -> str | None:
        """The winner, if it is none of these and clearly faster than all of them."""
        rivals = [self.costs[name] for name in names if name in self.costs]
        if self.winner in names or not rivals or math.log(min(rivals) / self.costs[self.winner]) < AHEAD:
            return None
        return self.winner


#: (size, names) → the fastest of two or more.
Duel = Callable[[int, Sequence[str]], Outcome]


#: A size, and two candidates in the order of their names.
Doubt = tuple[int, str, str]


@dataclass(frozen=True)
class Segment:
    """Sizes from `start` on, until the next segment, and the candidate for them."""

    start: int
    winner: str
    #: Between these sizes the true border lies; both 0 for the first segment.
    low: int = 0
    high: int = 0


def confirmed(
    costs: Mapping[int, Mapping[str, float]], winners: Mapping[int, str], duel: Duel, leads: dict[Doubt, float]
) -> tuple[dict[int, Mapping[str, float]], dict[int, str]]:
    """The costs and the candidate for each size, after the sizes on which a change of winner hangs were raced again.

    The first race took milliseconds, in which a candidate may have been slow for reasons of its own; the second comes
    seconds later. Where they disagree a third decides.

    Parameters
    ----------
    costs : mapping
        Seconds a call by size and candidate.
    winners : mapping
        The verdict of the race at each size.
    duel : callable
        Decides between candidates at a size.
    leads : dict
        What such races have found so far, by how much the second candidate is faster in log time; more is added.
    """
    sizes = sorted(costs)
    known, fastest = dict(costs), dict(winners)
    chosen = runs(sizes, known, fastest)
    seen: set[Doubt] = set()
    for _ in range(CONFIRMATIONS):
        doubts = [doubt for doubt in doubtful(sizes, known, chosen) if doubt not in seen]
        if not doubts:
            break
        for size, a, b in doubts:
            if (size, a, b) not in leads:
                leads[size, a, b] = _lead_again(known[size], size, a, b, duel)
            lead = leads[size, a, b]
            known[size] = {**known[size], b: known[size][a] * math.exp(-lead)}
            if fastest[size] in (a, b) and abs(lead) > ZONE:  # nearer ones stay with the race's rules for ties
                fastest[size] = a if lead < 0 else b
        seen.update(doubts)
        chosen = runs(sizes, known, fastest)
    return known, dict(zip(sizes, chosen, strict=True))


def _lead_again(costs: Mapping[str, float], size: int, a: str, b: str, duel: Duel) -> float:
    """How much faster `b` is than `a`, in log time: the median of the first race and those of now."""
    leads = [math.log(costs[a] / costs[b])]
    while len(leads) < 2 or (len(leads) < 3 and leads[0] * leads[1] <= 0):
        leads.append(duel(size, [a, b]).lead(b, a))
    return statistics.median(leads)


def doubtful(sizes: Sequence[int], costs: Mapping[int, Mapping[str, float]], chosen: Sequence[str]) -> list[Doubt]:
    """The sizes beside a change of winner, and both winners where neither is hopeless at that size."""
    found = []
    for (before, after), (a, b) in zip(itertools.pairwise(sizes), itertools.pairwise(chosen), strict=True):
        for size in (before, after):
            if a != b and {a, b} <= costs[size].keys() and abs(math.log(costs[size][a] / costs[size][b])) < HOPELESS:
                found.append((size, min(a, b), max(a, b)))
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

    Duels at the middle of what is known of the border narrow it down; if a third candidate wins in between, each half
    is a bracket of its own.
    """
    low, high = lower[0], upper[0]
    known = Border(low, high)
    measured = {low: lower[1], high: upper[1]}
    ties = 0
    for _ in range(MAX_DUELS):
        least, most = known.interval
        middle = min(known.median, high - 1)
        if ties > MAX_TIES or most <= least * BRACKET or middle <= low:
            break
        below = max(size for size in measured if size <= middle)
        above = min(size for size in measured if size >= middle)
        others = near(measured[below], measured[above], a, b) if most > least * NARROWEST else []
        outcome = duel(middle, [a, b, *others])
        measured[middle] = outcome.costs
        third = outcome.ahead_of(a, b)
        if third is not None:
            here = (middle, outcome.costs)
            return [*refine(lower, here, a, third, duel), *refine(here, upper, third, b, duel)]
        known.learn(middle, outcome.lead(b, a))
        ties += len(outcome.tied) > 1
    least, most = known.interval
    return [Segment(known.median, b, least, most)]


def near(low_costs: Mapping[str, float], high_costs: Mapping[str, float], a: str, b: str) -> list[str]:
    """Third candidates that may win between two sizes."""
    chords = {name: math.sqrt(low_costs[name] * high_costs[name]) for name in low_costs.keys() & high_costs.keys()}
    best = min((chords[name] for name in (a, b) if name in chords), default=math.inf)
    return sorted(name for name, cost in chords.items() if name not in (a, b) and cost < NEAR * best)
