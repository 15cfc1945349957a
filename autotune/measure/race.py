"""The best of several candidates at one size, by an interleaved race.

Fully sequential selection with an indifference zone (S.-H. Kim and B. L. Nelson, "A fully sequential procedure for
indifference-zone selection in simulation", ACM TOMACS 11(3), 2001), on logarithms of times paired by round, with
winsorised differences. Every round measures all candidates alive in random order, so that drift and neighbours meet
all of them alike.

Knows nothing of kernels: it sees names, some facts about each, and a source of samples.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .paired import Interval, log_ratios, paired_interval, quantile, winsorised

#: Differences below this are not worth having: the same code differs by 3-6 % between two processes.
INDIFFERENCE = 0.03
#: Chance of a wrong selection beyond the indifference zone.
ALPHA = 0.05
#: Rounds before anything is decided by statistics.
FIRST_ROUNDS = 8
MAX_ROUNDS = 40
#: After two rounds a candidate slower than the best by this factor is out.
HOPELESS = 1.7
#: A winner with threads must beat the best single-threaded candidate on its slow tail by this factor, by layer: under
#: OpenMP a busy neighbour makes it collapse, under TBB it falls to serial speed at worst (MEASUREMENT.md, section 8).
TAIL_MARGIN = {"tbb": 1.03, "omp": 1.25, "workqueue": 1.25}


@dataclass(frozen=True)
class Contestant:
    """What the race knows of a candidate."""

    name: str
    threads: int = 1
    is_reference: bool = False
    #: Rough bytes of memory used beyond inputs and outputs, for ties.
    memory_bytes: int = 0

    @property
    def merit(self) -> tuple[bool, int, int]:
        """Ties go to the reference, then to fewer threads and less memory."""
        return (not self.is_reference, self.threads, self.memory_bytes)


class Clock(Protocol):
    """Where samples come from."""

    def next_round(self) -> None:
        """Every candidate alive will be sampled once, in some order, under conditions that are the same for all."""
        ...

    def sample(self, name: str) -> float:
        """Seconds a call of the candidate, long enough to be trusted."""
        ...

    @property
    def contended(self) -> bool:
        """Whether others kept the processors from what was measured so far."""
        ...


@dataclass(frozen=True)
class Verdict:
    """The outcome of a race."""

    winner: str
    reason: str
    rounds: int
    #: Seconds a call by candidate, one for each round it took part in.
    samples: dict[str, list[float]]
    #: The best candidate that uses one thread; the winner itself if it does.
    single: str
    #: Time of the winner over time of the reference, where the reference took part.
    against_reference: Interval | None
    contended: bool
    #: Whether the race ended with one candidate left rather than by rounds or budget.
    decided: bool

    def median_s(self, name: str) -> float:
        return statistics.median(self.samples[name])


@dataclass
class Race:
    """One race.

    Parameters
    ----------
    clock : Clock
        Samples.
    seed : int
        Seeds the order within the rounds.
    layer : str
        The threading layer in use, for the tail rule.
    max_rounds, budget_s : int, float
        Where to stop; a race always runs two rounds.
    least_rounds : int
        Rounds before anybody is out by statistics; more for a border, where the difference itself counts.
    now : callable
        Seconds, for the budget.
    """

    clock: Clock
    seed: int
    layer: str = "tbb"
    max_rounds: int = MAX_ROUNDS
    budget_s: float = math.inf
    least_rounds: int = FIRST_ROUNDS
    now: Callable[[], float] = time.monotonic
    samples: dict[str, list[float]] = field(default_factory=dict, init=False)

    def run(self, contestants: Iterable[Contestant | str]) -> Verdict:
        """Race the contestants.

        Raises
        ------
        ValueError
            No contestants, or two of one name.
        """
        entered = [c if isinstance(c, Contestant) else Contestant(c) for c in contestants]
        names = [contestant.name for contestant in entered]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"a race needs contestants with names of their own, found {names}")
        threaded = {contestant.name for contestant in entered if contestant.threads > 1}
        order = random.Random(self.seed)  # noqa: S311 - an order of measuring, not a secret
        alive = list(names)
        self.samples = {name: [] for name in names}
        started, rounds = self.now(), 0
        while rounds < 2 or (rounds < self.max_rounds and self._undecided(alive, threaded)):
            order.shuffle(alive)
            self.clock.next_round()
            for name in alive:
                self.samples[name].append(self.clock.sample(name))
            rounds += 1
            if rounds >= 2:
                alive = self._not_hopeless(alive)
            if rounds >= self.least_rounds:
                alive = self._not_inferior(alive, len(names), rounds)
            if rounds >= 2 and self.now() - started > self.budget_s:
                break
        return self._verdict(entered, alive, rounds)

    def _undecided(self, alive: list[str], threaded: set[str]) -> bool:
        """Whether to go on: several are left, or one whose slow tail has not been seen, or looks too slow.

        The 90th percentile of eight rounds is nearly their slowest: one that was disturbed must not decide.
        """
        if len(alive) > 1:
            return True
        if alive[0] not in threaded:
            return False
        singles = [statistics.median(found) for name, found in self.samples.items() if name not in threaded]
        rounds = len(self.samples[alive[0]])
        return rounds < FIRST_ROUNDS or bool(singles and self._tail(alive[0]) >= self._allowed_tail(min(singles)))

    def _tail(self, name: str) -> float:
        return quantile(self.samples[name], 0.9)

    def _allowed_tail(self, single_s: float) -> float:
        """What the tail of a winner with threads must stay below, beside the best candidate with one thread."""
        return single_s / TAIL_MARGIN.get(self.layer, max(TAIL_MARGIN.values()))

    def _not_hopeless(self, alive: list[str]) -> list[str]:
        best = min(min(self.samples[name]) for name in alive)
        return [name for name in alive if min(self.samples[name]) <= best * HOPELESS]

    def _not_inferior(self, alive: list[str], entered: int, rounds: int) -> list[str]:
        """The screening of Kim and Nelson, section 3.1, with c = 1."""
        eta = ((2 * ALPHA / max(entered - 1, 1)) ** (-2 / (FIRST_ROUNDS - 1)) - 1) / 2
        h2 = 2 * eta * (FIRST_ROUNDS - 1)
        kept = []
        for name in alive:
            inferior = False
            for rival in alive:
                if rival == name:
                    continue
                differences = winsorised(self.differences(name, rival))
                variance = statistics.variance(differences)
                bound = INDIFFERENCE / (2 * rounds) * (h2 * variance / INDIFFERENCE**2 - rounds)
                if statistics.fmean(differences) > max(0.0, bound):
                    inferior = True
                    break
            if not inferior:
                kept.append(name)
        return kept or alive

    def differences(self, name: str, rival: str) -> list[float]:
        """log(time of `name` / time of `rival`) for every round in which both ran."""
        return log_ratios(self.samples[name], self.samples[rival])

    def _verdict(self, entered: list[Contestant], alive: list[str], rounds: int) -> Verdict:
        by_name = {contestant.name: contestant for contestant in entered}
        ranking = sorted(by_name, key=lambda name: (name not in alive, statistics.median(self.samples[name])))
        singles = [name for name in ranking if by_name[name].threads == 1]
        best_single = self._settle_tie(singles, by_name) if singles else ranking[0]
        best = self._settle_tie(ranking, by_name)
        winner, reason = best, "fastest" if len(alive) == 1 else "fastest so far"
        if by_name[best].threads > 1 and singles:
            tail, needed = self._tail(best), self._allowed_tail(statistics.median(self.samples[best_single]))
            if tail >= needed:
                winner = best_single
                reason = f"{best}: slow tail {tail * 1e6:.0f} µs, needs < {needed * 1e6:.0f} µs"
        reference = next((name for name in ranking if by_name[name].is_reference), None)
        against = None
        if reference is not None:
            if winner != reference and not self._beats(winner, reference):
                self._meet_again(winner, reference)
            if winner != reference and not self._beats(winner, reference):
                reason = f"{winner} is not faster than the reference by {INDIFFERENCE:.0%} with 95 % confidence"
                winner = reference
            against = self.interval(winner, reference)
        if winner == reference and winner == best and len(ranking) > 1 and reason == "fastest":
            reason = "fastest, or a tie, which the reference wins"
        return Verdict(
            winner=winner,
            reason=reason,
            rounds=rounds,
            samples=self.samples,
            single=winner if by_name[winner].threads == 1 else best_single,
            against_reference=against,
            contended=self.clock.contended,
            decided=len(alive) == 1,
        )

    def _settle_tie(self, ranking: Sequence[str], by_name: dict[str, Contestant]) -> str:
        """The first of those that nobody can tell from the fastest.

        The whole indifference zone is given for the reference, fewer threads and less memory; for a name, which is
        worth only that the same one wins each time, half of it: otherwise what is truly 3.1 % slower, and measured as
        2.9 %, would win by its name.
        """
        tied = self._within(INDIFFERENCE, ranking)
        favoured = min(by_name[name].merit for name in tied)
        alike = [name for name in tied if by_name[name].merit == favoured]
        return min(self._within(INDIFFERENCE / 2, alike))

    def _within(self, zone: float, ranking: Sequence[str]) -> list[str]:
        """The first of a ranking, and those within a zone (in log time) of it."""
        best = ranking[0]
        found = [best]
        for name in ranking[1:]:
            differences = self.differences(name, best)
            if len(differences) >= min(FIRST_ROUNDS, len(self.samples[best])) and (
                abs(statistics.median(differences)) < zone
            ):
                found.append(name)
        return found

    def _beats(self, name: str, reference: str) -> bool:
        differences = self.differences(name, reference)
        if len(differences) < FIRST_ROUNDS:  # out early: either hopeless or the budget was short
            return max(differences) < -math.log(HOPELESS) / 2
        return statistics.median(differences) <= -math.log1p(INDIFFERENCE) and self.interval(name, reference).high < 1

    def _meet_again(self, name: str, reference: str) -> None:
        """More rounds of a winner and the reference, where this was out so early that one disturbed round decides."""
        if len(self.samples[name]) < FIRST_ROUNDS:
            return  # there was no time
        for _ in range(FIRST_ROUNDS - len(self.samples[reference])):
            self.clock.next_round()
            for each in (name, reference):
                self.samples[each].insert(0, self.clock.sample(each))  # at the front, where pairs begin

    def interval(self, name: str, rival: str) -> Interval:
        """Time of `name` over time of `rival` with its 95 % interval."""
        return paired_interval(self.samples[name], self.samples[rival])
