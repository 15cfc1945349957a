"""Tuning at one call's signature and size, within a budget: what first use runs, here or in a worker.

Candidates are tried cheapest first; what does not fit is left untried for a later process. Knows nothing of locks,
policies or the store.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..dispatch.routes import candidate_of
from ..kernel.model import REFERENCE, Kernel, Variant
from ..kernel.signature import Signature
from ..machine import fingerprint
from ..measure import arguments as make
from ..measure.gate import Gate
from ..store.record import Cell, Record, lookup
from . import cases, decide
from .contest import Contest
from .entrants import affordable, cheapest_first, entrants, uses_compiler
from .heat import Announce
from .hints import Hint, promising, warm
from .joining import carried, joined, open_cell, rivals, with_trial, without
from .recording import facts_of, make_record
from .regimes import Regimes


@dataclass
class Trial:
    """One call to tune.

    Parameters
    ----------
    kernel, signature, values
        The call; its arguments are copied before anything runs on them.
    known : Record or None
        What earlier trials of this signature found.
    numerics : str
        The loosest class that may win.
    deadline_s : float
        When to stop, by ``time.monotonic()``, which is the same in a worker.
    """

    kernel: Kernel
    signature: Signature
    values: make.Arguments
    known: Record | None
    numerics: str
    budget_s: float
    deadline_s: float
    announce: Announce = lambda step, **about: None
    failures: dict[str, str] = field(default_factory=dict)
    #: What won elsewhere, which is tried first.
    hints: Sequence[Hint] = ()

    def run(self) -> Record:
        """Verify what fits in the budget, race it at this size, and join the outcome to what is known.

        Where this size has been measured, only what is new or untried there is raced, against the winner.
        """
        started = time.monotonic()
        values = make.copy_arguments(self.values)
        cores = fingerprint().cores.count
        size = self.kernel.size_of(values) or {}
        known = self.known
        cell = None if known is None else open_cell(known, size)
        failures = {str(f.candidate): f.reason for f in known.variants.failures} if known is not None else {}
        contest = Contest(self.kernel, self.signature, cores, 0, self.announce, {**failures, **self.failures})
        gate = Gate(self.kernel, cases.from_call(self.kernel, self.signature, values))
        able = entrants(self.kernel, self.signature, numerics=self.numerics, cores=cores)
        wanted = [variant for variant in able.variants if cell is None or variant.name in cell.untried]
        met = self._rivals(contest, gate, cell)
        untried: list[str] = []
        ordered = cheapest_first(wanted, promising(self.hints, size))
        for variant in affordable(self.kernel, ordered, self.deadline_s, untried):
            contest.admit(variant, gate, lambda _: ())
        names = [name for name in contest.admitted if cell is None or name in met or _is_of(contest, name, wanted)]
        for variant in contest.searched:
            half_s = (self.deadline_s - time.monotonic()) / 2  # the rest is for the race
            starts = warm(variant, size, [], self.hints, {})
            names += contest.search(variant, values, gate, lambda _: (), starts, half_s)
        left_s = max(self.deadline_s - time.monotonic(), 0.05)
        verdict = contest.race([values], names=dict.fromkeys(names), budget_s=left_s)
        facts = facts_of(contest)
        raced, leaf = decide.Raced(size, Regimes(verdict), verdict), facts.leaf(verdict.winner, verdict.single)
        if known is not None and cell is not None:
            cell = without(cell, set(contest.failures))
            fresh = {name: facts.choice(name) for name in names if name in facts.candidates and name not in met}
            done = [variant.name for variant in wanted if variant.name not in untried]
            raced = carried(joined(cell, Regimes(verdict), fresh, facts.threaded, done=done))
            before = lookup(known.decision, cell.size)
            if before is not None and raced.verdict.winner not in fresh and not cell.undecided:
                leaf = before  # the winner stays
        record = make_record(
            contest, decide.by_points([(raced.size, leaf)]), [raced],
            numerics=self.numerics, excluded=dict(able.excluded), untried=untried, skipped=[], held_out=[],
            origin="first-use", effort="first-use", spent_s=time.monotonic() - started, budget_s=self.budget_s,
            compiled=any(uses_compiler(variant) for variant in able.variants),
        )  # fmt: skip
        return with_trial(known, record, leaf) if known is not None else record

    def _rivals(self, contest: Contest, gate: Gate, cell: Cell | None) -> set[str]:
        """Admit whom new variants have to meet at a measured size; their names."""
        found = set()
        for choice in rivals(self.kernel, cell) if cell is not None else ():
            candidate = candidate_of(self.kernel, choice)
            if candidate is not None and (
                candidate.variant == REFERENCE or contest.admit_candidate(candidate, gate, lambda _: ())
            ):
                found.add(str(candidate))
        return found


def _is_of(contest: Contest, name: str, variants: list[Variant]) -> bool:
    return contest.admitted[name].candidate.variant in {variant.name for variant in variants}
