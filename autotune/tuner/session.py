"""Calibrating one signature: verify, race over sizes, find thresholds, check once more, make the record.

Runs in the worker, or in this process where a worker cannot find the kernel. Knows nothing of processes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compile.clock import compiling
from ..compile.layers import expected_layer
from ..kernel.model import REFERENCE, Candidate, Kernel, Variant
from ..kernel.signature import Signature
from ..machine import fingerprint
from ..measure import arguments as make
from ..measure.gate import Case, Gate
from ..measure.race import HOPELESS
from ..search import crossover
from ..store.record import Choice, Decision, HeldOut, Leaf, Pick, Record, leaves, lookup
from . import cases, decide, grid
from .contest import Contest
from .effort import Effort
from .entrants import entrants, uses_compiler
from .extent import Extent, text, volume
from .heat import Announce
from .hints import Hint, warm
from .recording import facts_of, make_record
from .regimes import Regimes

#: A decision that loses more than this at a held-out size is refined (issue figure: 95 % of sizes within 5 %).
MAX_REGRET = 0.05
#: Rounds of a duel; what it says is weighed with what others say of the same border (`search.bisection`).
DUEL_ROUNDS = 12
#: A winner is verified again where the work is this many times that at which it was verified last.
VERIFY_AGAIN = 4


@dataclass
class Session:
    """One signature being calibrated.

    Parameters
    ----------
    problem : Problem
    effort : Effort
    numerics : str
        The loosest class that may win.
    announce : callable
        Told of every risky step, and of progress.
    failures : mapping
        Candidates known to fail, with the reason.
    budget_s : float
        Sizes that do not fit any more are skipped, and named.
    """

    problem: grid.Problem
    effort: Effort
    numerics: str
    announce: Announce
    failures: Mapping[str, str]
    #: Sizes that are left out, as text, with the reason: a worker was lost there with the reference.
    too_long: Mapping[str, str] = field(default_factory=dict)
    budget_s: float = math.inf
    #: Settings that won elsewhere.
    hints: Sequence[Hint] = ()
    skipped: list[str] = field(default_factory=list, init=False)
    #: Variants that there was no time for.
    untried: list[str] = field(default_factory=list, init=False)
    raced: list[decide.Raced] = field(default_factory=list, init=False)
    _verified: dict[str, int] = field(default_factory=dict, init=False)
    extent: Extent = field(default_factory=Extent, init=False)
    #: What was decided over one size so far, and the races that decided at sizes of the grid.
    _decided: Decision | None = field(default=None, init=False)
    _leads: dict[crossover.Doubt, float] = field(default_factory=dict, init=False)

    def run(self) -> Record:
        """Measure and decide.

        Raises
        ------
        CalibrationError
            The declaration does not fit together.
        """
        started = time.monotonic()
        self.deadline_s = started + self.budget_s
        self.kernel: Kernel = self.problem.kernel
        self.signature: Signature = self.problem.signature()
        cores = fingerprint().cores.count
        about = cores, self.problem.seed, self.announce, dict(self.failures)
        self.contest = Contest(self.kernel, self.signature, *about)
        self.gate = Gate(self.kernel, self._cases())
        able = entrants(self.kernel, self.signature, numerics=self.numerics, cores=cores)
        self.admit(able.variants)
        self._race_sizes()
        decision, held_out = self._refined(self._decide())
        decision = self._checked(decision)
        raced = sorted(self.raced, key=lambda item: volume(item.size))
        return make_record(
            self.contest, decision, raced, numerics=self.numerics, excluded=dict(able.excluded), untried=self.untried,
            skipped=self.skipped, held_out=held_out, origin="calibrate", effort=self.effort.name,
            spent_s=time.monotonic() - started, budget_s=None if math.isinf(self.budget_s) else self.budget_s,
            compiled=any(map(uses_compiler, able.variants)),
            ranges={name: (given.lo, given.hi) for name, given in self.problem.ranges.items()},
        )  # fmt: skip

    def admit(self, variants: Iterable[Variant]) -> None:
        """Compile and verify what takes part."""
        for variant in variants:
            self.contest.admit(variant, self.gate, self._edges)

    def _cases(self) -> list[Case]:
        return cases.from_inputs(self.kernel, self.signature, self.problem.largest, self.problem.arguments)

    def _edges(self, candidate: Candidate) -> Iterable[Case]:
        limit = max(self.problem.largest.values(), default=0)
        return cases.block_edges(
            self.kernel, self.signature, self.problem.names, self.problem.arguments, candidate, limit
        )

    # -- sizes

    def _points(self) -> list[dict[str, int]]:
        ranges = self.problem.ranges
        if not ranges:
            return [{}]
        if len(ranges) == 1:
            name, given = next(iter(ranges.items()))
            return [{name: size} for size in grid.grid(given, self.effort.factor, self.problem.seed)]
        return sorted(grid.design(ranges, self.effort.points, self.problem.seed), key=volume)  # judged by those before

    def _race_sizes(self) -> None:
        points = self._points()
        for index, point in enumerate(points):
            reason = self.too_long.get(text(point)) or self._left_out(point)
            if reason is not None:
                self.skipped.append(f"{text(point)}: {reason}")
                continue
            self.announce("progress", done=index, of=len(points), size=text(point))
            self._race_if_possible(point, index)

    def _left_out(self, point: Mapping[str, int]) -> str | None:
        """Why a point is left out; the first one never is."""
        if not self.raced:
            return None
        if time.monotonic() > self.deadline_s:
            return "the budget is spent"
        return self.extent.beyond(point, self.effort.point_s)

    def _race_if_possible(self, point: Mapping[str, int], index: int) -> None:
        started = time.monotonic()
        with compiling() as compiled:  # some code is reached from a certain size on
            try:
                self._race_point(point, index)
            except MemoryError as error:
                self.skipped.append(f"{text(point)}: not enough memory: {error}")
        self.extent.took(point, time.monotonic() - started - compiled.seconds)

    def _race_point(self, point: Mapping[str, int], index: int) -> None:
        draws = self.problem.draws(point)
        values = draws[0]
        self.extent.weighed(point, make.total_bytes(values))
        size = self.problem.size(point, values)
        case = Case(text(point), values)
        names = self._worth_trying(size)
        for variant in self.contest.searched:
            left_s = self.deadline_s - time.monotonic()
            names += self.contest.search(variant, values, self.gate, self._edges, self.warm(variant, size), left_s)
        first = self.raced[-1].verdict.winner if self.raced else REFERENCE
        while True:
            regimes = self._regimes(
                draws, dict.fromkeys(names), first, cold=self.effort.cold, budget_s=self.effort.race_s, salt=index
            )
            verdict = regimes.settled(self.facts().threaded)
            if all(
                self._right_at(name, case, volume(size)) for name in dict.fromkeys((verdict.winner, verdict.single))
            ):
                break
            names = [name for name in names if name in self.contest.admitted]
            first = REFERENCE
        self.raced.append(decide.Raced(size, regimes, verdict, point=point))
        self.extent.timed(point, verdict.median_s(REFERENCE))

    def _regimes(
        self, draws: Sequence[make.Arguments], names: Iterable[str], first: str, *, cold: bool, **how: Any
    ) -> Regimes:
        """Race candidates on warm data and, where it can matter, on cold data."""
        warm = self.contest.race(draws, names=names, first=first, **how)
        return Regimes(warm, self.contest.race_cold(draws, warm, **how) if cold else None)

    def _right_at(self, name: str, case: Case, work: int) -> bool:
        """The gate also stands at the sizes that are measured, at ever larger ones; whether a candidate passes."""
        if work < VERIFY_AGAIN * self._verified.get(name, 0):
            return True
        self._verified[name] = work
        return self.contest.verify(name, case)

    def warm(self, variant: Variant, size: Mapping[str, int]) -> list[Candidate]:
        """Settings to try first: the best of the neighbouring sizes, then those known from elsewhere."""
        return warm(variant, size, self.raced, self.hints, self.facts().candidates)

    def _worth_trying(self, size: Mapping[str, int]) -> list[str]:
        """Admitted candidates, but for those that would take long at this size and fell behind at smaller ones."""
        names = [n for n in self.contest.admitted if self.contest.admitted[n].candidate.variant not in self._searched()]
        smaller = [item for item in self.raced if all(item.size[name] <= size[name] for name in size)]
        smaller.sort(key=lambda item: volume(item.size))
        return [name for name in names if name == REFERENCE or not decide.left_behind(name, smaller, volume(size))]

    def _searched(self) -> set[str]:
        return {variant.name for variant in self.contest.searched}

    # -- the decision

    def facts(self) -> decide.Facts:
        return facts_of(self.contest)

    def _decide(self) -> Decision:
        self._race_again()
        facts, layer = self.facts(), expected_layer()
        if not self.raced:
            return Leaf(Pick(REFERENCE))
        name = decide.only_size(self.raced, self.problem.names)
        if name is not None:
            self._decided = decide.by_segments(name, self.raced, facts, layer, self._duel, self._decided, self._leads)
            return self._decided
        return decide.by_tree(self.raced, facts, layer)

    def _race_again(self) -> None:
        """Run the races again in which somebody was among the best who turned out to be wrong since."""
        while doubtful := [item for item in self.raced if not item.best <= self.contest.admitted.keys()]:
            self.raced = [item for item in self.raced if item.best <= self.contest.admitted.keys()]
            for index, item in enumerate(doubtful):
                if not self.raced or time.monotonic() < self.deadline_s:
                    self._race_if_possible(item.point, index)

    # -- held-out sizes

    def _refined(self, decision: Decision) -> tuple[Decision, list[HeldOut]]:
        """Try a decision at random sizes; where it fails, reach it anew with what was measured there, and so on.

        The last sizes were not used for deciding, so that their regret may stand in the record.
        """
        rng = np.random.default_rng(self.problem.seed + 1)
        tried: list[HeldOut] = []
        for left in range(self.effort.refinements, -1, -1):
            begun = len(self.raced)
            count = self.effort.held_out * (2 if len(self.problem.ranges) > 1 else 1)
            measured = [item.point or item.size for item in self.raced]
            for point in grid.random_points(self.problem.ranges, count, rng, without=measured):
                if time.monotonic() < self.deadline_s and self._left_out(point) is None:
                    self.announce("progress", size=f"held out: {text(point)}")
                    self._race_if_possible(point, begun)
            tried = [self._held_out(decision, item) for item in self.raced[begun:]]
            failed = any(found.regret > MAX_REGRET for found in tried)
            if not failed or not left or time.monotonic() > self.deadline_s:
                break
            decision = self._decide()
        if {
            str(pick) for leaf in leaves(decision) for pick in (leaf.winner, leaf.single)
        } & self.contest.failures.keys():
            decision = self._decide()  # at the last sizes somebody turned out to be wrong
        return decision, tried

    def _held_out(self, decision: Decision, item: decide.Raced) -> HeldOut:
        facts = self.facts()
        costs = item.costs(facts, expected_layer())
        leaf = lookup(decision, dict(item.size))
        chosen = facts.choice(REFERENCE) if leaf is None else Choice(leaf.winner.variant, leaf.winner.params)
        best = min(costs.values())
        cost = next((cost for name, cost in costs.items() if facts.choice(name) == chosen), math.inf)
        regret = round(cost / best - 1, 4) if math.isfinite(cost) else HOPELESS - 1  # at least: it was not measured
        return HeldOut(dict(item.size), chosen, facts.choice(item.verdict.winner), max(0.0, regret))

    def _duel(self, size: int, names: Sequence[str]) -> crossover.Outcome:
        """The fastest of some candidates at a size in between."""
        self.announce("progress", size=f"threshold near {size:,}")
        name = self.problem.names[0]
        nearest = sorted(self.raced, key=lambda item: abs(math.log(max(item.size[name], 1) / max(size, 1))))[:2]
        regimes = self._regimes(
            self.problem.draws({name: size}), names, names[0],
            cold=any(item.regimes.cold is not None for item in nearest),
            budget_s=self.effort.duel_s, salt=size, least_rounds=DUEL_ROUNDS,
        )  # fmt: skip
        losses = {name: loss for name, loss in regimes.worst_losses().items() if name in names}
        return crossover.Outcome(losses, regimes.settled(self.facts().threaded).winner)

    def _checked(self, decision: Decision) -> Decision:
        """Verify the winners once more, on fresh data and at the largest size they serve that was measured; decide
        again without one that fails.
        """
        middle = {name: grid.middle(given) for name, given in self.problem.ranges.items()}
        by_choice = {str(self.facts().choice(name)): name for name in self.contest.admitted}
        wanted: dict[tuple[int, ...], set[str]] = {}
        for leaf in leaves(decision):
            names = {by_choice[str(choice)] for choice in (leaf.winner, leaf.single) if str(choice) in by_choice}
            served = [item.size for item in self.raced if lookup(decision, dict(item.size)) is leaf]
            largest = max(served, key=volume, default=middle)
            for point in (middle, largest):
                if point.keys() >= middle.keys():
                    wanted.setdefault(tuple(point[name] for name in middle), set()).update(names)
        for values, names in wanted.items():
            point = dict(zip(middle, values, strict=True))
            case = Case(f"{text(point)}, fresh data", self.problem.arguments(point, fresh=1))
            if not all(self.contest.verify(name, case) for name in sorted(names)):
                return self._checked(self._decide())
        return decision
