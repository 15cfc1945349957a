"""Calibrating again after some variants were added, edited or removed: only these are measured.

Every recorded size is kept, with what was measured of the others; the changed variants pass the gate and are raced
there, paired, against the current winner (DESIGN.md, section 5). Runs where `Session` runs. Knows nothing of processes.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..compile.layers import expected_layer
from ..dispatch.revision import Changes, revised
from ..dispatch.routes import candidate_of
from ..kernel.model import REFERENCE, Variant
from ..machine import fingerprint
from ..measure import arguments as make
from ..measure.gate import Case
from ..search import crossover
from ..store.record import Choice, Decision, HeldOut, Leaf, Pick, Record, Split, leaves, lookup
from . import borders, decide, grid
from .effort import EFFORTS, Effort
from .extent import text, volume
from .joining import Carried, carried, joined, rivals, without
from .session import MAX_REGRET, Session


@dataclass
class Update(Session):
    """One recorded signature being brought up to date.

    Parameters
    ----------
    known : Record
        As far as it still holds: what `revision.revised` leaves of it.
    changes : Changes
        What is to be measured.
    decided : Decision
        The decision of the record as it was written.
    """

    known: Record = field(kw_only=True)
    changes: Changes = field(kw_only=True)
    decided: Decision = field(kw_only=True)
    #: Sizes that the decision was tried at without being used for it.
    apart: list[decide.Raced] = field(default_factory=list, init=False)

    def run(self) -> Record:
        """Measure what changed and decide again where that matters.

        Raises
        ------
        CalibrationError
            The declaration does not fit together.
        """
        made, before = super().run(), self.known
        return msgspec.structs.replace(
            made,
            variants=msgspec.structs.replace(made.variants, ulp={**before.variants.ulp, **made.variants.ulp}),
            provenance=msgspec.structs.replace(
                made.provenance, spent_s=round(before.provenance.spent_s + made.provenance.spent_s, 3),
                budget_s=before.provenance.budget_s,
            ),
            skipped=list(dict.fromkeys([*before.skipped, *made.skipped])),
        )  # fmt: skip

    def admit(self, variants: Iterable[Variant]) -> None:
        """Only what changed; the others follow where they are needed as rivals."""
        for failure in self.known.variants.failures:
            self.contest.failures.setdefault(str(failure.candidate), failure.reason)
        super().admit(variant for variant in variants if variant.name in self.changes.measured)

    def _enter(self, choices: Iterable[Choice]) -> list[str]:
        """Names of the candidates among these that may take part, verified as they are needed."""
        names = []
        for choice in choices:
            candidate = candidate_of(self.kernel, choice)
            if candidate is not None and (
                candidate.variant == REFERENCE or self.contest.admit_candidate(candidate, self.gate, self._edges)
            ):
                names.append(str(candidate))
        return names

    def _rivals(self, item: decide.Raced) -> list[Choice]:
        return rivals(self.kernel, item.recorded) if isinstance(item, Carried) else []

    # -- sizes

    def _race_sizes(self) -> None:
        held_out = [found.size for found in self.known.held_out]
        for index, cell in enumerate(self.known.cells):
            point = {name: cell.size[name] for name in self.problem.names}
            reason = self.too_long.get(text(point))
            if time.monotonic() > self.deadline_s:
                reason = "the budget is spent"
            item = carried(cell)
            self.extent.timed(point, item.verdict.median_s(REFERENCE))
            if reason is None and (cell.untried or cell.undecided):
                self.announce("progress", done=index, of=len(self.known.cells), size=text(point))
                item = self._again(item, index)
            (self.apart if cell.size in held_out else self.raced).append(item)
        if not self.raced:
            self._rejoin()

    def _again(self, item: Carried, salt: int) -> Carried:
        """A recorded size with the changed variants raced against its winner."""
        cell = item.recorded
        point = {name: cell.size[name] for name in self.problem.names}
        draws = self.problem.draws(point)
        values = draws[0]
        self.extent.weighed(point, make.total_bytes(values))
        case = Case(text(point), values)
        smaller = [other for other in self.raced if all(other.size[n] <= cell.size[n] for n in cell.size)]
        smaller.sort(key=lambda other: volume(other.size))
        fresh = [
            name for name in self.contest.admitted
            if self._fresh(name) and not decide.left_behind(name, smaller, volume(cell.size))
        ]  # fmt: skip
        for variant in self.contest.searched:
            starts, left_s = self.warm(variant, cell.size), self.deadline_s - time.monotonic()
            fresh += self.contest.search(variant, values, self.gate, self._edges, starts, left_s)
        if not fresh and not cell.undecided:
            left = [name for name in cell.untried if name not in self.changes.measured]
            return carried(msgspec.structs.replace(cell, untried=left))
        while True:
            cell = without(cell, set(self.contest.failures))
            names = [*self._enter(rivals(self.kernel, cell)), *fresh]
            first = names[0] if cell.undecided else str(cell.winner)
            regimes = self._regimes(
                draws, dict.fromkeys(names), first, cold=bool(cell.cold), budget_s=self.effort.race_s, salt=salt
            )
            verdict = regimes.settled(self.facts().threaded)
            if str(cell.winner) in self.contest.admitted and all(
                self.contest.verify(name, case) for name in (verdict.winner, verdict.single)
            ):
                break
            fresh = [name for name in fresh if name in self.contest.admitted]
        choices, threaded = self.facts(), self.facts().threaded
        changed = {name: choices.choice(name) for name in fresh if name in self.contest.admitted}
        return carried(joined(cell, regimes, changed, threaded, done=self.changes.measured))

    def _fresh(self, name: str) -> bool:
        """Whether an admitted candidate is of a variant that changed, and is not searched for at each size."""
        variant = self.contest.admitted[name].candidate.variant
        return variant in self.changes.measured and variant not in self._searched()

    # -- the decision

    def _decide(self) -> Decision:
        """The recorded decision, unless some winner is another one; then only what that concerns is found anew."""
        self._mend(self.raced)
        moved = self._moved()
        one_size = decide.only_size(self.raced, self.problem.names) is not None
        if not moved and not one_size:
            return self.decided
        for item in self.raced:
            self._enter(self._rivals(item))
        self._enter(_picks(self.known.decision))
        self._mend(self.raced)
        facts, layer = self.facts(), expected_layer()
        decision = self._segments(facts, layer, moved) if one_size else decide.by_tree(self.raced, facts, layer)
        return decision if decision == self.decided else _with_picks(decision, _picks(self.known.decision))

    def _mend(self, items: list[decide.Raced]) -> None:
        """Race again where a winner has turned out to be wrong since."""
        for index, item in enumerate(items):
            if not isinstance(item, Carried):
                continue
            winner = item.recorded.winner
            if {str(winner), winner.variant} & set(self.contest.failures):
                items[index] = self._again(carried(without(item.recorded, {str(winner)})), index)

    def _segments(self, facts: decide.Facts, layer: str, moved: bool) -> Decision:
        name = self.problem.names[0]
        costs = {item.size[name]: item.costs(facts, layer) for item in self.raced}
        winners = {item.size[name]: item.verdict.winner for item in self.raced}
        sizes = sorted(costs)
        known = borders.recorded(self.known.decision, sizes[0])
        if moved:
            chosen = dict(zip(sizes, crossover.runs(sizes, costs, winners), strict=True))
        else:
            chosen = {size: borders.serving(known, size) for size in sizes}
        fresh = {name for name in facts.candidates if facts.candidates[name].variant in self.changes.measured}
        found = borders.again(chosen, costs, self._duel, known, fresh)
        if not moved and found == known:
            return self.decided
        return decide.from_segments(name, found, costs, facts)

    def _moved(self) -> bool:
        """Whether the recorded decision does not fit its sizes any more."""
        if self.known.decision != self.decided or not all(isinstance(item, Carried) for item in self.raced):
            return True  # a winner or runner-up is gone, or the decision failed and more sizes were measured
        before = {tuple(cell.size.items()): cell for cell in self.known.cells}
        now = [item.recorded for item in self.raced if isinstance(item, Carried)]
        picks = {name for pick in _picks(self.decided) for name in (str(pick), pick.variant)}
        return bool(picks & set(self.contest.failures)) or any(
            cell.winner != before[tuple(cell.size.items())].winner or cell.undecided for cell in now
        )

    def _refined(self, decision: Decision) -> tuple[Decision, list[HeldOut]]:
        """Try the decision at the sizes kept apart; where it fails there, at new ones, as any other decision."""
        if not any(cell.untried or cell.undecided for cell in self.known.cells) and decision == self.decided:
            self._rejoin()
            return decision, self.known.held_out
        for item in self.apart:
            leaf = lookup(decision, dict(item.size))
            self._enter([*self._rivals(item), *([leaf.winner] if leaf is not None else [])])
        self._mend(self.apart)
        tried = [self._held_out(decision, item) for item in self.apart]
        self._rejoin()
        before = {tuple(found.size.items()): found.regret for found in self.known.held_out}
        # Where the recorded decision failed, and was refined as far as its effort goes, it may fail as it did.
        failed = any(found.regret > max(MAX_REGRET, before[tuple(found.size.items())]) for found in tried)
        if tried and (not failed or not self.effort.refinements or time.monotonic() > self.deadline_s):
            return decision, tried
        # Other sizes than those that are in the record already.
        self.problem = dataclasses.replace(self.problem, seed=self.problem.seed + len(self.raced))
        largest = max(self.raced, key=lambda item: volume(item.size)).size
        point = {name: largest[name] for name in self.problem.names}
        self.extent.weighed(point, make.total_bytes(self.problem.arguments(point)))
        return super()._refined(self._decide() if failed else decision)

    def _rejoin(self) -> None:
        """The sizes kept apart are part of the record like any other."""
        self.raced += self.apart
        self.apart = []


def _picks(decision: Decision) -> list[Pick]:
    return [pick for leaf in leaves(decision) for pick in (leaf.winner, leaf.single) if pick is not None]


def _with_picks(decision: Decision, recorded: Sequence[Pick]) -> Decision:
    """A decision in which unchanged candidates keep what is recorded of how their results are handled."""
    known = {str(pick): pick for pick in recorded}

    def kept(pick: Pick) -> Pick:
        before = known.get(str(pick), pick)
        return pick if pick.finite and not before.finite else before  # what was seen anywhere holds

    if isinstance(decision, Split):
        below, above = _with_picks(decision.below, recorded), _with_picks(decision.above, recorded)
        return msgspec.structs.replace(decision, below=below, above=above)
    if not isinstance(decision, Leaf):
        return decision
    return Leaf(kept(decision.winner), None if decision.single is None else kept(decision.single))


def session_for(problem: grid.Problem, known: Record | None, *, effort: Effort, **about: Any) -> Session:
    """The session that a signature needs: of what changed since a record was made, or of everything.

    Parameters
    ----------
    known : Record or None
        A record that is good but for some variants.
    effort : Effort
        For a record that is brought up to date, its own counts.
    **about
        As `Session` takes them.
    """
    if known is None:
        return Session(problem, effort, **about)
    cores = fingerprint().cores.count
    revision = revised(problem.kernel, problem.signature(), known, cores=cores)
    return Update(
        problem, EFFORTS[known.provenance.effort], **about,
        known=revision.record, changes=revision.changes, decided=known.decision,
    )  # fmt: skip


def refusal(known: Record, names: Sequence[str], able: Sequence[str], changes: Changes) -> str | None:
    """Why a record has to be measured anew as a whole, or None if bringing it up to date is enough.

    Parameters
    ----------
    names : sequence of str
        Sizes that are calibrated.
    able : sequence of str
        Variants that may win now.
    """
    if not set(able) - set(changes.measured):
        return "nothing that was measured is left but the reference"
    if not known.cells:
        return "nothing was measured"
    for cell in known.cells:
        if not set(names) <= set(cell.size):
            return "its sizes are not those that are calibrated"
        times = [measured.median_s for measured in cell.measurements]
        if not any(measured.candidate.variant == REFERENCE for measured in cell.measurements):
            return "the reference was not measured"
        if not all(0 < seconds < math.inf for seconds in times):
            return "what was measured is no time"
    return None
