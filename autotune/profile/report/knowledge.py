"""What the store says now of the kernels that a report is about, and why it says nothing of some.

A workload is a file from anywhere: nothing that it names is imported. Kernels are those of installed packages, and of
modules that the user names. Knows nothing of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ... import settings
from ...dispatch.entry import differences, missing
from ...dispatch.explanation import stale
from ...dispatch.routes import variant_hash
from ...kernel.model import REFERENCE, Kernel
from ...machine import fingerprint
from ...store import store
from ...store.store import Found
from .curves import Curves

if TYPE_CHECKING:
    from ...store.record import Record


@dataclass
class Known:
    """What is known of one kernel."""

    id: str
    found: Found
    #: The kernel as declared now; None if nothing that was imported declares it.
    kernel: Kernel | None = None
    _curves: dict[str, Curves] = field(default_factory=dict)
    #: Source hashes as declared now.
    _sources: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.id.rpartition(":")[2]

    @property
    def records(self) -> list[Record]:
        """Those of this machine."""
        return list(self.found.records.values())

    def curves(self, signature: str) -> Curves | None:
        """The times of a signature, if there is a record of it."""
        record = self.found.records.get(signature)
        if record is not None and signature not in self._curves:
            self._curves[signature] = Curves(record)
        return self._curves.get(signature)

    def decided(self, signature: str, size: Mapping[str, int]) -> tuple[str, str]:
        """The candidate, as text, that the record has serve a size, and why a run now does not take it."""
        from ...store.record import lookup

        record = self.found.records.get(signature)
        try:
            leaf = None if record is None else lookup(record.decision, dict(size))
        except KeyError:
            leaf = None
        if record is None or leaf is None:
            return "", "nothing is decided for this size"
        variant = leaf.winner.variant
        return str(leaf.winner), f"{variant} was edited since it won" if variant in self.edited(record) else ""

    def uses_threads(self, candidate: str) -> bool:
        """Whether a candidate, as text, is of a variant that uses several threads."""
        variant = self.kernel.variants.get(candidate.partition("(")[0]) if self.kernel is not None else None
        return variant is not None and bool(variant.threads)

    def edited(self, record: Record) -> list[str]:
        """Variants, the reference included, whose source is not what was measured."""
        if self.kernel is None:
            return []
        if not self._sources:
            self._sources.update({name: variant_hash(self.kernel, name) for name in (REFERENCE, *self.kernel.variants)})
        then = record.variants.sources
        return [name for name, source in self._sources.items() if then.get(name, source) != source]

    def why_not(self, signature: str) -> str:
        """Why nothing that was measured counts for a signature now; empty where something does."""
        record = self.found.records.get(signature)
        if record is None:
            return missing(signature, self.found)
        return "the reference was edited since it was measured" if REFERENCE in self.edited(record) else ""

    def notes(self, record: Record) -> list[str]:
        """What to know about a record: its quality, what makes it stale."""
        found = []
        if record.quality != "clean":
            found.append("measured beside other work: a calm calibration may find better")
        if record.signature in self.found.shipped:
            found.append("came with the package")
        found += stale(record)
        found += [f"{name} was edited since it was measured" for name in self.edited(record)]
        found += [f"{name} was not tried: the budget did not reach it" for name in record.untried]
        return found

    def left_out(self, record: Record) -> list[str]:
        """Candidates and sizes that were not measured, with the reason."""
        found = [f"{failure.candidate} failed: {failure.reason}" for failure in record.variants.failures]
        found += [f"{name}: {reason}" for name, reason in record.variants.excluded.items()]
        return found + record.skipped


def known(kernels: Iterable[str], declared: Iterable[Any]) -> dict[str, Known]:
    """What is known of kernels, by id.

    Parameters
    ----------
    kernels : iterable of str
        Ids.
    declared : iterable
        Tuned objects of what was imported.
    """
    tuned = {one.__autotune__.kernel.id: one for one in declared}
    found = {}
    for name in kernels:
        one = tuned.get(name)
        numerics = one.__autotune__.dispatcher.numerics if one is not None else settings.current().numerics
        found[name] = Known(name, store.load(name, numerics=numerics), one and one.__autotune__.kernel)
    return found


def everything(declared: Iterable[Any]) -> dict[str, Known]:
    """All that the store knows on this machine: of what is declared, and of kernels that nothing declares any more."""
    declared = list(declared)
    names = [one.__autotune__.kernel.id for one in declared]
    hard = dict(fingerprint().hard)
    others = {record.kernel for record in store.load_all() if record.provenance.hard == hard} - set(names)
    return {name: one for name, one in known([*names, *sorted(others)], declared).items() if one.records}


def elsewhere() -> str:
    """Whether the store holds records of other machines, and in what the nearest differs; empty if it holds none."""
    others = [(differences(record), record) for record in store.load_all()]
    others = [pair for pair in others if pair[0]]
    if not others:
        return ""
    fields, _ = min(others, key=lambda pair: len(pair[0]))
    return f"{len(others)} records are of other machines, the nearest for {'; '.join(fields)}"
