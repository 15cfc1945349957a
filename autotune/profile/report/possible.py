"""What would be the best for some calls of a program, and what it would save, as far as the store knows.

Knows nothing of where the time of the whole program goes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...kernel.model import REFERENCE
from ...measure.race import INDIFFERENCE
from ..workload import Calls, SignatureCalls
from .knowledge import Known

#: What a decision may cost over the fastest, by the figures of `autotune verify`.
ALLOWED_REGRET = 0.05


@dataclass(frozen=True)
class Possible:
    """The fields of a spot that the record tells."""

    reason: str = ""
    best: str = ""
    best_s: float | None = None
    saving_s: float | None = None
    now: str = ""
    now_saving_s: float = 0.0
    expected_s: float | None = None


def possible(
    about: SignatureCalls, calls: Calls, known: Known, served: Mapping[str, float], total_s: float
) -> Possible:
    """What would be the best, what it would save, and why not if that is not known.

    The record tells how the candidates compare at this size; the program tells how long a call took. Their product is
    what a call would take in this program, whose data may be warmer or colder than that of the calibration. What the
    decision takes counts as the best unless it costs more than a decision may. `total_s` is without slow calls: no
    other variant saves what loading and compiling take.
    """
    if not about.signature:
        return Possible(about.untuned or "no variant covers such calls")
    curves = known.curves(about.signature)
    refused = known.why_not(about.signature)
    if curves is None or refused:
        then = about.untuned if about.untuned and about.untuned != refused else ""
        return Possible(f"{refused}; when it ran: {then}" if then else refused)
    times = curves.at(calls.size)
    best = curves.best(calls.size, without=known.edited(known.found.records[about.signature]))
    if best is None:
        return Possible("beyond the sizes that were measured")
    now, refused = known.decided(about.signature, calls.size)
    if refused:
        if not set(served) - {REFERENCE}:
            return Possible(refused)
        now = ""
    if now in times and times[now] <= best[1] * (1 + ALLOWED_REGRET):
        best = now, times[now]
    unknown = [name for name in served if name not in times]
    if unknown or not served:
        return Possible(f"{', '.join(unknown) or 'who served'}: not among what was measured", best[0], now=now)
    expected_s = sum(times[name] * sound(count) for name, count in served.items())
    everyone = sum(map(sound, served.values()))

    def part(seconds: float) -> float:
        """Time with a candidate over time as served; 1 within what a race cannot tell from noise."""
        found = ratio(seconds * everyone, expected_s)
        return found if 0 < found < 1 / (1 + INDIFFERENCE) else 1.0

    median_s, taken = sound(calls.median_s), part(best[1])
    return Possible(
        about.untuned, best[0], median_s * taken, total_s * (1 - taken), now,
        total_s * (1 - part(times[now])) if now in times else 0.0, ratio(expected_s, everyone),
    )  # fmt: skip


def sound(value: float) -> float:
    """A time or count of a file as a number to reckon with: nothing negative, nothing infinite."""
    return value if math.isfinite(value) and value > 0 else 0.0


def ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
