"""What is known of one signature, and opening it from the store.

Knows nothing of code generation or of the public function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import events
from ..errors import DeclarationError, StaleRecord, VariantWarning, warn
from ..kernel.coverage import not_covered
from ..kernel.model import Kernel
from ..kernel.signature import Signature
from .plan import Route, Target, ToMiss, ToReference, ToVariant
from .revision import holds, revised
from .routes import Loader, Mismatch, check

if TYPE_CHECKING:
    from ..store.record import Cell, Decision, Leaf, Record
    from ..store.store import Found


class Entry:
    """One signature: its decision, where that comes from, and what serves sizes without one."""

    def __init__(self, signature: Signature, loader: Loader, decision: Decision, gap: Target) -> None:
        self.signature = signature
        self.loader = loader
        self.decision = decision
        self.record: Record | None = None
        #: store, shipped, first-use, calibrate, locked, or none.
        self.source = "none"
        #: Why there is no decision, or why the stored one is not used.
        self.reason: str | None = None
        #: What serves sizes that nothing is known of.
        self.gap = gap
        #: Test ndim and layout even before compiled code.
        self.strict = False
        #: Measured sizes at which another process left variants untried.
        self._left_over: list[Cell] = []

    def unfinished(self, size: dict[str, int]) -> bool:
        """Whether another process left variants untried at this size, which this one has not taken up yet."""
        return any(cell.speaks_for(size) for cell in self._left_over)

    def route(self) -> Route:
        tree = self.loader.tree(self.decision, self.gap)
        return Route(self.signature, tree, self.strict, undecided=self.source == "none")

    def leaf(self, size: dict[str, int]) -> Leaf | None:
        from ..store.record import lookup

        try:
            return lookup(self.decision, size)
        except KeyError:  # a lock names a size that such a call does not have
            return None

    def holds(self, target: ToVariant) -> bool:
        return any(target is loaded for loaded in self.loader.loaded())

    def use(self, record: Record, source: str) -> None:
        """Take over a record."""
        self.decision, self.record, self.source, self.reason = record.decision, record, source, None
        self.loader.use(record)
        if source in ("store", "shipped"):
            self._left_over = [cell for cell in record.cells if cell.untried]
        else:
            self._left_over = [cell for cell in self._left_over if cell in record.cells]

    def obey(self, decision: Decision, source: str) -> None:
        """Take over a decision that has no evidence here."""
        self.decision, self.source, self.reason = decision, source, None

    def differs(self, mismatch: Mismatch, leaf: Leaf) -> None:
        """Use what of the record holds in this process: what uses no threads, where only these are not as recorded."""
        if mismatch.of_threads and leaf.single is not None and self.loader.unfit is None:
            self.loader.unfit = mismatch.reason
        else:
            self._reject(mismatch.reason)

    def _reject(self, reason: str) -> None:
        """Give up the record."""
        from ..store.record import Gap

        self.decision, self.record, self.source, self.reason = Gap(), None, "none", reason


def open_entry(kernel: Kernel, signature: Signature, found: Found, disabled: set[str], *, may_tune: bool) -> Entry:
    """What the store knows of a signature, held against what is declared now."""
    from ..store.record import Gap

    loader = Loader(kernel, signature, disabled=disabled)
    gap: Target = ToMiss() if may_tune else ToReference()
    entry = Entry(signature, loader, Gap(), gap)
    record = found.records.get(signature.key)
    if not covered(kernel, signature):
        entry.gap, entry.reason = ToReference(), "no variant covers such arguments"
    elif record is None:
        entry.reason = missing(signature.key, found)
    else:
        source = "shipped" if signature.key in found.shipped else "store"
        reason = take_over(kernel, signature, entry, record, source)
        if reason is not None:
            entry.reason = reason
            text = f"{kernel.name} ({signature}): {reason}. Tune it again: autotune calibrate {kernel.name}"
            if may_tune:
                # First use is about to do it.
                events.log("stale", "%s", text, kernel=kernel.id, signature=signature.key, reason=reason)
            else:
                warn(text, StaleRecord)
    return entry


def take_over(kernel: Kernel, signature: Signature, entry: Entry, record: Record, source: str) -> str | None:
    """Use what of a record holds for the variants as declared now; why the rest does not, if there is any."""
    from ..machine import fingerprint

    rejected = check(kernel, signature, record)
    if rejected is not None:
        return rejected.reason
    revision = revised(kernel, signature, record, cores=fingerprint().cores.count)
    if holds(revision.record.decision) or not revision.reasons:
        entry.use(revision.record, source)
    return "; ".join(revision.reasons) or None


def covered(kernel: Kernel, signature: Signature) -> bool:
    """Whether some variant may serve calls of this signature."""
    try:
        return any(not_covered(kernel, variant, signature) is None for variant in kernel.variants.values())
    except DeclarationError as error:
        warn(f"{error}; the reference serves", VariantWarning)
        return False


def missing(signature: str, found: Found) -> str:
    """Why a key has no record: none at all, or the fields in which the nearest one differs."""
    differing = [record for record in found.foreign if record.signature == signature]
    if not differing:
        return "nothing recorded for this signature"
    nearest = min(differing, key=lambda record: len(differences(record)))
    fields = differences(nearest)
    return f"recorded for {'; '.join(fields)}" if fields else f"recorded for numerics={nearest.numerics}"


def differences(record: Record) -> list[str]:
    """The hard fields of the machine in which a record is another's, in words."""
    from ..machine import fingerprint

    here = fingerprint()
    then = record.provenance.hard
    texts = []
    for name, now in here.hard.items():
        if then.get(name) == now:
            continue
        if name == "cores":
            texts.append(f"{then.get(name)} usable cores, this process has {here.cores.count}")
        else:
            texts.append(f"{name} {then.get(name)}, this process has {now}")
    return texts
