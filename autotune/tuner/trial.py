"""Tuning at one call's signature and size, within a budget: what first use runs, here or in a worker.

Candidates are tried cheapest first; what does not fit is left untried for a later process. Knows nothing of locks,
policies or the store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ..compile.build import cached
from ..kernel.model import Candidate, Kernel, Variant
from ..kernel.signature import Signature
from ..machine import fingerprint
from ..measure import arguments as make
from ..measure.gate import Gate
from ..store.record import Cell, Leaf, Record, lookup
from . import cases, decide
from .contest import Contest
from .entrants import entrants, static_count, uses_compiler
from .heat import Announce
from .recording import facts_of, make_record
from .regimes import Regimes

#: Seconds that compiling is predicted to take: serial and parallel code of some twenty lines, Numba already imported
#: (medians of the shipped kernels on a 2-core machine); from the code cache, loading.
COMPILE_S = {False: 0.4, True: 1.2}
LOAD_S = 0.03


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
        When to stop, by ``time.time()``.
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

    def run(self) -> Record:
        """Verify what fits in the budget, race it at this size, and join the outcome to what is known."""
        started = time.time()
        values = make.copy_arguments(self.values)
        cores = fingerprint().cores.count
        size = self.kernel.size_of(values) or {}
        known = self.known
        failures = {str(f.candidate): f.reason for f in known.variants.failures} if known is not None else {}
        contest = Contest(self.kernel, self.signature, cores, 0, self.announce, {**failures, **self.failures})
        gate = Gate(self.kernel, cases.from_call(self.kernel, self.signature, values))
        able = entrants(self.kernel, self.signature, numerics=self.numerics, cores=cores)
        untried = self._admit(contest, gate, list(able.variants))
        names = list(contest.admitted)
        for variant in contest.searched:
            half_s = (self.deadline_s - time.time()) / 2  # the rest is for the race
            names += contest.search(variant, values, gate, lambda _: (), [], half_s)
        left_s = max(self.deadline_s - time.time(), 0.05)
        verdict = contest.race([values], names=dict.fromkeys(names), budget_s=left_s)
        raced = decide.Raced(size, Regimes(verdict), verdict)
        facts = facts_of(contest)
        record = make_record(
            contest, decide.by_points([(size, facts.leaf(verdict.winner, verdict.single))]), [raced],
            numerics=self.numerics, excluded=dict(able.excluded), untried=untried, skipped=[], held_out=[],
            origin="first-use", effort="first-use", spent_s=time.time() - started, budget_s=self.budget_s,
            compiled=any(uses_compiler(variant) for variant in able.variants),
        )  # fmt: skip
        return joined(known, record) if known is not None else record

    def _admit(self, contest: Contest, gate: Gate, variants: list[Variant]) -> list[str]:
        """Admit what fits in the budget; the names of variants that did not."""
        untried = []
        compiled_any = False
        for variant in variants:
            compiles = uses_compiler(variant)
            predicted_s = self._predicted_s(variant) if compiles else 0.0
            late = time.time() + predicted_s > self.deadline_s
            # One variant is always compiled, however small the budget: the next process then finds it in the cache.
            if late and (not compiles or compiled_any):
                untried.append(variant.name)
                continue
            compiled_any = compiled_any or (compiles and predicted_s > LOAD_S)
            contest.admit(variant, gate, lambda _: ())
        return untried

    def _predicted_s(self, variant: Variant) -> float:
        if cached(self.kernel, Candidate(variant.name, variant.space.default)):
            return LOAD_S
        return COMPILE_S[variant.threads] * static_count(variant)


def joined(known: Record, new: Record) -> Record:
    """What is known of a signature after another trial.

    The new size replaces what was measured at the same one, or near it while variants were untried; the decision of
    every other size stays.
    """
    import msgspec

    size = new.cells[0].size
    keep = [cell for cell in known.cells if cell.size != size and not (cell.untried and cell.speaks_for(size))]
    points = [(cell.size, _leaf(known, cell)) for cell in keep]
    points.append((size, _leaf(new, new.cells[0])))
    return msgspec.structs.replace(new, cells=[*keep, *new.cells], decision=decide.by_points(points))


def _leaf(record: Record, cell: Cell) -> Leaf:
    found = lookup(record.decision, cell.size)
    if found is None:
        raise ValueError(f"{record.kernel}: the record decides nothing at {cell.size}, which it measured")
    return found
