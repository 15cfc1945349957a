"""Why a call is served as it is, with the evidence: text for people, a mapping for machines.

Knows nothing of measuring; it reads what is recorded.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import quantity
from ..kernel import condemned
from ..kernel.coverage import not_covered, unavailable
from ..kernel.model import REFERENCE
from ..kernel.signature import NotCovered, signature_of

if TYPE_CHECKING:
    from ..store.record import Cell, Choice, Decision, Measurement, Record
    from .dispatcher import Dispatcher


@dataclass(frozen=True)
class Chosen:
    """What serves a call."""

    #: Name of the variant, or ``"reference"``.
    variant: str
    params: Mapping[str, Any] = field(default_factory=dict)
    #: store, shipped, first-use, calibrate, locked, or none.
    source: str = "none"
    #: Why the reference serves where nothing was decided, or the runner-up in place of a variant that uses threads.
    reason: str | None = None


def chosen(dispatcher: Dispatcher, values: Mapping[str, object]) -> Chosen:
    """What would serve a call now; nothing is tuned."""
    kernel = dispatcher.kernel
    if dispatcher.open().mode == "off":
        return Chosen(REFERENCE, reason="AUTOTUNE_MODE=off")
    signature = signature_of(kernel, values)
    if isinstance(signature, NotCovered):
        return Chosen(REFERENCE, reason=signature.reason)
    entry = dispatcher.entries.get(signature.key) or dispatcher.opened(signature)
    try:
        size = kernel.size_of(values)
    except Exception as error:  # the variant guard: such a call is served by the reference
        return Chosen(REFERENCE, reason=f"its size cannot be computed: {error}")
    if size is None:
        return Chosen(REFERENCE, reason="its size is None: not tunable")
    leaf = entry.leaf(size)
    if leaf is None:
        return Chosen(REFERENCE, reason=entry.reason or "nothing is known of this size")
    candidate, _ = entry.loader.choose(leaf)
    if candidate.variant in dispatcher.disabled:
        return Chosen(REFERENCE, source=entry.source, reason=f"{candidate.variant} was disabled in this process")
    return Chosen(candidate.variant, dict(candidate.config), entry.source, entry.loader.why_single(leaf))


@dataclass(frozen=True)
class Explanation:
    """The decision for a call, and what it rests on."""

    kernel: str
    signature: str
    size: Mapping[str, int]
    chosen: Chosen
    record: Record | None
    excluded: Mapping[str, str]
    #: What a lock file fixes.
    locked: Decision | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        import msgspec

        return {
            "kernel": self.kernel,
            "signature": self.signature,
            "size": dict(self.size),
            "variant": self.chosen.variant,
            "params": dict(self.chosen.params),
            "source": self.chosen.source,
            "reason": self.chosen.reason,
            "excluded": dict(self.excluded),
            "stale": [] if self.record is None else stale(self.record),
            "record": None if self.record is None else msgspec.to_builtins(self.record),
            "locked": None if self.locked is None else msgspec.to_builtins(self.locked),
        }

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def lines(self) -> list[str]:
        """The text, line by line."""
        at = f"  at {quantity.size(self.size)}" if self.size else ""
        settings = ", ".join(f"{name}={value}" for name, value in self.chosen.params.items())
        winner = f"{self.chosen.variant}({settings})" if settings else self.chosen.variant
        found = [f"{self.kernel}  [{self.signature}]{at}", f"  served by  {winner}"]
        if self.chosen.reason:
            found.append(f"  because    {self.chosen.reason}")
        if self.record is not None:
            found += self._evidence(self.record)
        elif self.locked is not None:
            found += ["  decided    by the lock file that AUTOTUNE_MODE=locked obeys", "  decision"]
            found += [f"    {line}" for line in decision_lines(self.locked)]
        for name, reason in self.excluded.items():
            found.append(f"  not used   {name}: {reason}")
        return found

    def _evidence(self, record: Record) -> list[str]:
        made = record.provenance
        lines = [f"  decided    by {made.origin} ({record.quality}), source: {self.chosen.source}"]
        lines += [f"  stale      {difference}" for difference in stale(record)]
        sizes = ", ".join(f"{name} = {text}" for name, text in record.sizes.items())
        lines += [f"  sizes      {sizes}", "  decision"]
        lines += [f"    {line}" for line in decision_lines(record.decision)]
        cell = nearest_cell(record, self.size)
        if cell is not None:
            lines.append(f"  measured at {quantity.size(cell.size)}: {cell.reason}")
            lines += [f"    {line}" for line in measurement_lines(cell.measurements, cell.winner)]
            if cell.cold:
                state = "with data from memory"
                if cell.warm_winner is not None:
                    state += f"; the winner depends on the caches: {cell.warm_winner} warm, {cell.cold_winner} cold"
                lines += [f"  {state}", *(f"    {line}" for line in measurement_lines(cell.cold, cell.winner))]
        return lines


def explain(dispatcher: Dispatcher, values: Mapping[str, object]) -> Explanation:
    """The explanation of a call; nothing is tuned."""
    kernel = dispatcher.kernel
    decided = chosen(dispatcher, values)
    signature = signature_of(kernel, values)
    if isinstance(signature, NotCovered):
        return Explanation(kernel.name, signature.reason, {}, decided, None, {})
    entry = dispatcher.entries.get(signature.key) or dispatcher.opened(signature)
    try:
        size = kernel.size_of(values) or {}
    except Exception:  # the variant guard: `chosen` has already said why
        size = {}
    excluded: dict[str, str] = {}
    for name, variant in kernel.variants.items():
        reason = condemned.reason_against(variant) or unavailable(variant) or not_covered(kernel, variant, signature)
        if reason is not None:
            excluded[name] = reason
    if entry.record is not None:
        about = entry.record.variants
        excluded.update(about.excluded)
        excluded.update({str(failure.candidate): f"failed: {failure.reason}" for failure in about.failures})
        untried = {
            name for cell in entry.record.cells if cell.untried and cell.speaks_for(size) for name in cell.untried
        }
        excluded.update(dict.fromkeys(sorted(untried), "not tried yet: the budget did not reach it"))
    locked = entry.decision if entry.source == "locked" else None
    return Explanation(kernel.name, str(signature), size, decided, entry.record, excluded, locked)


def stale(record: Record) -> list[str]:
    """Soft fields in which this process differs from the one that made the record; it is used all the same."""
    from ..machine import fingerprint

    now, then = fingerprint().soft, record.provenance.soft
    differing = [name for name in now if then.get(name, now[name]) != now[name]]
    return [f"made with {name} {then[name]}, this process has {now[name]}" for name in differing]


def decision_lines(decision: Decision, prefix: str = "") -> list[str]:
    """A decision as an indented tree."""
    from ..store.record import Leaf, Split

    if isinstance(decision, Split):
        feature, at = decision.feature.replace("*", "·"), f"{decision.at:,}"
        border = f"   (between {decision.low:,} and {decision.high:,})" if decision.high else ""
        return [
            f"{prefix}{feature} < {at}{border}",
            *decision_lines(decision.below, prefix + "  "),
            f"{prefix}{feature} >= {at}",
            *decision_lines(decision.above, prefix + "  "),
        ]
    if isinstance(decision, Leaf):
        single = f"   (one thread: {decision.single})" if decision.single is not None else ""
        return [f"{prefix}{decision.winner}{single}"]
    return [f"{prefix}not measured"]


def measurement_lines(measurements: Sequence[Measurement], winner: Choice) -> list[str]:
    """The candidates of a race, fastest first, beside the reference."""
    reference = next((m.median_s for m in measurements if m.candidate.variant == REFERENCE), None)
    lines = []
    for measured in sorted(measurements, key=lambda m: m.median_s):
        ratio = f"{reference / measured.median_s:8.2f} x" if reference else ""
        mark = "->" if measured.candidate == winner else "  "
        lines.append(
            f"{mark} {measured.candidate!s:32} {quantity.duration(measured.median_s):>10} ±{measured.spread:4.0%}"
            f" {ratio}  {measured.rounds} rounds"
        )
    return lines


def nearest_cell(record: Record, size: Mapping[str, int]) -> Cell | None:
    """The measured size nearest to a size, in logarithms."""

    def distance(cell: Cell) -> float:
        shared = set(cell.size) & set(size)
        return sum(abs(math.log((cell.size[name] + 1) / (size[name] + 1))) for name in shared)

    return min(record.cells, key=distance, default=None)
