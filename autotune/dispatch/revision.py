"""What of a record still holds after some variants were added, edited or removed.

Everything else in it stays: only what rests on the source of a variant that differs now is taken out, so that nothing
is ever served, or compared, on the strength of code that is not there any more (DESIGN.md, section 5). Knows nothing
of measuring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import DeclarationError
from ..kernel import condemned
from ..kernel.coverage import ineligible
from ..kernel.model import REFERENCE, Kernel
from ..kernel.signature import Signature
from ..value import Value
from .routes import variant_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..store.record import Cell, Decision, Leaf, Record, Variants


class Changes(Value):
    """Variants that a record does not know as they are now."""

    added: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    #: Left out by an earlier budget, at some size at least.
    untried: tuple[str, ...] = ()

    @property
    def measured(self) -> tuple[str, ...]:
        """What is to be measured against the current winners."""
        return (*self.added, *self.edited, *self.untried)

    @property
    def gone(self) -> tuple[str, ...]:
        """Variants of which nothing that was measured counts any more."""
        return (*self.edited, *self.removed)

    def __bool__(self) -> bool:
        return bool(self.measured or self.removed)

    def __str__(self) -> str:
        parts = [
            f"{', '.join(names)} {what}"
            for names, what in ((self.added, "added"), (self.edited, "edited"), (self.removed, "removed"),
                                (self.untried, "not tried before"))
            if names
        ]  # fmt: skip
        return "; ".join(parts)


class Revision(Value):
    """A record as far as it holds, and why the rest of it does not."""

    record: Record
    changes: Changes
    #: Why leaves of the decision were taken out.
    reasons: tuple[str, ...] = ()


def revised(kernel: Kernel, signature: Signature, record: Record, *, cores: int) -> Revision:
    """A record that passed `routes.check`, as far as it holds for the variants as declared now.

    Leaves whose winner changed become gaps; a changed runner-up becomes the reference. What was measured of changed
    variants is taken out, with their failures; at sizes where a changed variant had won nothing is decided until that
    is raced again; and what is new is untried at every size.

    Parameters
    ----------
    cores : int
        Usable cores: with one, variants that use threads are not missing.
    """
    import msgspec

    changes = changes_of(kernel, signature, record, cores=cores)
    if not changes:
        return Revision(record, changes)
    gone = frozenset(changes.gone)
    reasons: dict[str, None] = {}
    decision = _without(record.decision, {name: _why(kernel, record, name) for name in gone}, reasons)
    fresh = (*changes.added, *changes.edited)
    cells = [_cell(cell, gone, fresh, changes.untried) for cell in record.cells]
    about = _about(kernel, record.variants, gone, changes.added)
    return Revision(
        msgspec.structs.replace(record, decision=decision, cells=cells, variants=about), changes, tuple(reasons)
    )


def changes_of(kernel: Kernel, signature: Signature, record: Record, *, cores: int) -> Changes:
    """How the variants that may win now differ from those of a record."""
    able = [name for name in kernel.variants if _may_win(kernel, name, signature, record.numerics, cores)]
    sources, excluded = record.variants.sources, record.variants.excluded
    added = tuple(name for name in able if name not in sources or name in excluded)
    edited = tuple(n for n in able if n not in added and sources[n] != variant_hash(kernel, n))
    removed = tuple(sorted(_named(kernel, record) - set(able) - {REFERENCE}))
    untried = tuple(name for name in record.untried if name in able and name not in (*added, *edited))
    return Changes(added, edited, removed, untried)


def _may_win(kernel: Kernel, name: str, signature: Signature, numerics: str, cores: int) -> bool:
    try:
        return ineligible(kernel, kernel.variants[name], signature, numerics=numerics, cores=cores) is None
    except DeclarationError:
        return False  # said when it is to be tuned; what is recorded of the others is served all the same


def _named(kernel: Kernel, record: Record) -> set[str]:
    """Every variant that a record says something of; that one turned out to be wrong in use says nothing."""
    from ..store.record import leaves

    wrong = {name for name, variant in kernel.variants.items() if condemned.reason_against(variant) is not None}
    names = {failure.candidate.variant for failure in record.variants.failures} - wrong
    names |= {measured.candidate.variant for cell in record.cells for measured in cell.measurements}
    for leaf in leaves(record.decision):
        names |= {pick.variant for pick in (leaf.winner, leaf.single) if pick is not None}
    return names


def _why(kernel: Kernel, record: Record, name: str) -> str:
    then = record.variants.sources.get(name, "?")
    if name not in kernel.variants:
        return f"names {name}, which is not declared any more"
    now = variant_hash(kernel, name)
    if now == then:
        against = condemned.reason_against(kernel.variants[name])
        return f"names {name}, which {'was ' + against if against else 'may not be used here'}"
    return f"recorded for source {then} of {name}, the source is now {now}"


def _without(decision: Decision, gone: Mapping[str, str], reasons: dict[str, None]) -> Decision:
    """A decision in which nothing that is gone serves; `reasons` gets why."""
    import msgspec

    from ..store.record import Gap, Leaf, Pick, Split

    if isinstance(decision, Split):
        below, above = _without(decision.below, gone, reasons), _without(decision.above, gone, reasons)
        if isinstance(below, Gap) and isinstance(above, Gap):
            return Gap()
        return msgspec.structs.replace(decision, below=below, above=above)
    if not isinstance(decision, Leaf):
        return decision
    if decision.winner.variant in gone:
        reasons[gone[decision.winner.variant]] = None
        return Gap()
    single = decision.single
    # Without a runner-up a winner with threads would serve where threads must not be used.
    return Leaf(decision.winner, Pick(REFERENCE)) if single is not None and single.variant in gone else decision


def _cell(cell: Cell, gone: frozenset[str], fresh: tuple[str, ...], untried: tuple[str, ...]) -> Cell:
    import msgspec

    from ..store.record import Choice

    left = sorted({*fresh, *(name for name in cell.untried if name in untried)})
    kept = [measured for measured in cell.measurements if measured.candidate.variant not in gone]
    if cell.winner.variant not in gone:
        return msgspec.structs.replace(cell, measurements=kept, untried=left)
    return msgspec.structs.replace(
        cell, winner=Choice(REFERENCE), measurements=kept, untried=left, undecided=True,
        reason=f"{cell.winner} had won, and is not the same any more", ratio=1.0, ratio_low=1.0, ratio_high=1.0,
    )  # fmt: skip


def _about(kernel: Kernel, about: Variants, gone: Iterable[str], added: Iterable[str]) -> Variants:
    import msgspec

    lost, new = set(gone), set(added)
    return msgspec.structs.replace(
        about,
        sources={name: variant_hash(kernel, name) for name in (REFERENCE, *kernel.variants)},
        ulp={name: value for name, value in about.ulp.items() if name not in lost},
        failures=[failure for failure in about.failures if failure.candidate.variant not in lost | new],
        excluded={name: reason for name, reason in about.excluded.items() if name not in lost | new},
    )


def holds(decision: Decision) -> bool:
    """Whether anything is decided at all."""
    from ..store.record import leaves

    first: Leaf | None = next(iter(leaves(decision)), None)
    return first is not None
