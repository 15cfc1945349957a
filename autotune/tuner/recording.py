"""Making the record of a signature from its races.

Knows nothing of how they were run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from .. import __version__
from ..dispatch.routes import variant_hash
from ..kernel.model import REFERENCE, Candidate
from ..machine import compiled_fields, fingerprint
from ..store.record import SCHEMA, Choice, Decision, Failure, HeldOut, Provenance, Record, Variants
from . import decide
from .contest import Contest


def facts_of(contest: Contest) -> decide.Facts:
    """What the decision needs to know of the admitted candidates."""
    admitted = contest.admitted
    return decide.Facts(
        candidates={name: entrant.candidate for name, entrant in admitted.items()},
        handling={name: entrant.handling for name, entrant in admitted.items()},
        threaded=frozenset(
            name
            for name, entrant in admitted.items()
            if name != REFERENCE and contest.kernel.variants[entrant.candidate.variant].threads
        ),
    )


def make_record(
    contest: Contest,
    decision: Decision,
    raced: list[decide.Raced],
    *,
    numerics: str,
    excluded: Mapping[str, str],
    untried: list[str],
    skipped: list[str],
    held_out: list[HeldOut],
    origin: str,
    effort: str,
    spent_s: float,
    budget_s: float | None,
    compiled: bool,
    ranges: Mapping[str, tuple[int, int]] | None = None,
) -> Record:
    """The record of a signature."""
    kernel, machine, facts = contest.kernel, fingerprint(), facts_of(contest)
    cells = [item.cell(facts, untried) for item in raced]
    return Record(
        schema=SCHEMA,
        kernel=kernel.id,
        signature=contest.signature.key,
        sizes=kernel.size.texts(),
        numerics=numerics,
        decision=decision,
        cells=cells,
        variants=Variants(
            sources={name: variant_hash(kernel, name) for name in (REFERENCE, *kernel.variants)},
            ulp={name: round(value, 2) for name, value in contest.ulp.items()},
            failures=[Failure(_failed(contest, name), reason) for name, reason in contest.failures.items()],
            excluded=dict(excluded),
        ),
        provenance=Provenance(
            hard=dict(machine.hard),
            soft=dict(machine.soft),
            compiled=dict(compiled_fields()) if compiled else {},
            tool=__version__,
            created_s=round(time.time(), 3),
            origin=origin,
            effort=effort,
            spent_s=round(spent_s, 3),
            budget_s=budget_s,
            label=machine.label,
            ranges=dict(ranges or {}),
        ),
        quality="contended" if 2 * sum(cell.contended for cell in cells) > len(cells) else "clean",
        skipped=skipped,
        held_out=held_out,
    )


def _failed(contest: Contest, name: str) -> Choice:
    """The choice that a failure's name stands for: a candidate, or a variant as a whole."""
    for variant in contest.kernel.variants.values():
        if name == variant.name:
            return Choice(name)
        for config in variant.space:
            if str(Candidate(variant.name, config)) == name:
                return Choice(variant.name, dict(config))
    return Choice(name)
