"""Records in few words, for tables and reports. Knows nothing of where they are kept."""

from __future__ import annotations

import math
from typing import Any

from ..kernel.signature import describe_key
from .record import Decision, Gap, Leaf, Record, Split


def intervals(decision: Decision) -> list[str]:
    """The winners with their ranges of sizes, smallest first: ``["n < 1,024: reference", …]``."""
    return [f"{where}: {winner}" if where else winner for where, winner in winners_by_size(decision)]


def winners_by_size(decision: Decision) -> list[tuple[str, str]]:
    """Ranges of sizes with their winners, smallest first: ``[("n < 1,024", "reference"), …]``."""
    return [(where, str(leaf.winner)) for where, leaf in leaves_by_size(decision)]


def leaves_by_size(decision: Decision) -> list[tuple[str, Leaf]]:
    """Ranges of sizes with what serves them, smallest first."""
    return _walk(decision, {})


def _walk(decision: Decision, bounds: dict[str, tuple[int, int | None]]) -> list[tuple[str, Leaf]]:
    if isinstance(decision, Split):
        low, high = bounds.get(decision.feature, (0, None))
        below = {**bounds, decision.feature: (low, decision.at if high is None else min(high, decision.at))}
        above = {**bounds, decision.feature: (max(low, decision.at), high)}
        return [*_walk(decision.below, below), *_walk(decision.above, above)]
    where = ", ".join(_bound(name, *pair) for name, pair in bounds.items())
    if isinstance(decision, Gap):
        return []
    return [(where, decision)]


def _bound(feature: str, low: int, high: int | None) -> str:
    name = feature.replace("*", "·")
    if high is None:
        return f"{name} ≥ {low:,}"
    return f"{name} < {high:,}" if low == 0 else f"{low:,} ≤ {name} < {high:,}"


def candidate_parts(candidate: str) -> tuple[str, str]:
    """A candidate as text by its variant and its setting: ``("blocked", "rows=64")``."""
    variant, _, setting = candidate.partition("(")
    return variant, setting.removesuffix(")")


def speedups(record: Record) -> list[float]:
    """Time of the reference over time of the winner, at every measured size."""
    return [1 / cell.ratio for cell in record.cells if cell.ratio > 0]


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else 1.0


def speedup_text(record: Record) -> str:
    """``"3.1 x (1.0 – 9.8)"``: geometric mean and range over the measured sizes."""
    values = speedups(record)
    if not values:
        return "–"
    return f"{geometric_mean(values):.3g} x ({min(values):.3g} – {max(values):.3g})"


def as_data(record: Record) -> dict[str, Any]:
    """The gist of a record for `--json`."""
    import msgspec

    return {
        "kernel": record.kernel,
        "signature": describe_key(record.signature),
        "intervals": intervals(record.decision),
        "speedup": round(geometric_mean(speedups(record)), 4),
        "quality": record.quality,
        "decision": msgspec.to_builtins(record.decision),
        "failures": msgspec.to_builtins(record.variants.failures),
        "skipped": record.skipped,
        "spent_s": record.provenance.spent_s,
    }
