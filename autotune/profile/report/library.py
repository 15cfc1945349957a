"""All that the store knows on this machine, in few numbers: gains by kernel, and how good the decisions are.

Knows nothing of how it is shown.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ... import quantity
from ...kernel.signature import describe_key
from ...store import summary
from .knowledge import Known
from .possible import ALLOWED_REGRET

#: Sizes with the largest regret that are named.
WORST = 12


@dataclass(frozen=True)
class Gain:
    """What tuning gains on one kernel: decimal logarithms of speed-ups."""

    about: Known
    low: float
    middle: float
    high: float
    sizes: int

    @property
    def text(self) -> str:
        return quantity.factor(10**self.middle)

    @property
    def extremes(self) -> str:
        return f"{quantity.factor(10**self.low)} – {quantity.factor(10**self.high)}"


@dataclass(frozen=True)
class Held:
    """A size at which a decision was tried."""

    kernel: str
    arguments: str
    size: Mapping[str, int]
    chosen: str
    best: str
    regret: float


@dataclass(frozen=True)
class Library:
    """Kernels with records of this machine."""

    kernels: tuple[Known, ...]
    #: Largest gain first.
    gains: tuple[Gain, ...]
    held: tuple[Held, ...]

    @property
    def mean_speedup(self) -> float | None:
        """Geometric mean over the kernels, each with its own mean."""
        if not self.gains:
            return None
        return float(10 ** (sum(gain.middle for gain in self.gains) / len(self.gains)))

    def worst(self) -> list[Held]:
        """The sizes that lose most, if they lose anything."""
        ordered = sorted((held for held in self.held if held.regret > 0), key=lambda held: -held.regret)
        return ordered[:WORST]

    def audited(self) -> str:
        """How good the decisions are, in a sentence."""
        if not self.held:
            return "No decision was tried at sizes that were not used for it: calibrate with --effort standard."
        regrets = sorted(held.regret for held in self.held)
        over = sum(regret > ALLOWED_REGRET for regret in regrets)
        return (
            f"Decisions were tried at {len(regrets)} sizes that were not used for reaching them. Regret is the time of "
            f"what is chosen over that of the fastest, minus one: {quantity.share(sum(regrets) / len(regrets))} on "
            f"average, {quantity.share(regrets[int(0.95 * (len(regrets) - 1))])} at the 95th percentile, "
            f"{quantity.share(regrets[-1])} at worst; {over} of them over {quantity.percent(ALLOWED_REGRET)}."
        )

    def figures(self) -> list[tuple[str, str, str]]:
        """(what, how much, about it)."""
        records = [record for about in self.kernels for record in about.records]
        cells = sum(len(record.cells) for record in records)
        contended = sum(record.quality != "clean" for record in records)
        regrets = [held.regret for held in self.held]
        mean = sum(regrets) / len(regrets) if regrets else None
        middle = statistics.median(regrets) if regrets else None
        return [
            ("kernels", str(len(self.kernels)), f"{len(records)} signatures"),
            ("speed-up", quantity.factor(self.mean_speedup), "geometric mean of the kernels"),
            ("sizes measured", quantity.count(cells), quantity.duration(sum(r.provenance.spent_s for r in records))),
            ("mean regret", quantity.share(mean), f"median {quantity.share(middle)}, {len(regrets)} held-out sizes"),
            ("clean records", str(len(records) - contended), f"of {len(records)}; others beside other work"),
        ]


def survey(known: Sequence[Known]) -> Library:
    """The library as the store knows it."""
    gains = []
    held = []
    for about in known:
        values = [v for r in about.records for v in summary.speedups(r) if math.isfinite(v) and v > 0]
        if values:
            logs = [math.log10(value) for value in values]
            gains.append(Gain(about, min(logs), sum(logs) / len(logs), max(logs), len(logs)))
        held += [
            Held(about.name, describe_key(record.signature), one.size, str(one.chosen), str(one.best), one.regret)
            for record in about.records for one in record.held_out if math.isfinite(one.regret)
        ]  # fmt: skip
    return Library(tuple(known), tuple(sorted(gains, key=lambda gain: -gain.middle)), tuple(held))
