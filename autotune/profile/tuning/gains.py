"""What measuring a size may bring: the best time there over that of what served, and where that is known from.

In this order: a record of this machine at that size, a record of the nearest other machine or one that was shipped,
what the kernel gains at other sizes, and what kernels gain as a rule. Knows nothing of what measuring costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...kernel.model import REFERENCE
from ...kernel.signature import describe_key
from ...store.record import Cell, Record, lookup
from ...tuner import hints
from ...tuner.extent import text
from ...value import Value

#: As a rule: what three of four measured sizes of the shipped records gain at least, by the time of the reference
#: (488 sizes of 22 signatures on a 2-core EPYC, Zen 3; quartiles of winner over reference: 1.00, 0.58, 0.29, 0.19).
RULE = ((2e-6, 1.0), (10e-6, 0.58), (100e-6, 0.29), (math.inf, 0.19))
#: A measured size tells of others that are within so many octaves, summed over the sizes: what a grid of factor 4 is
#: calibrated for.
NEAR_OCTAVES = 1.0
#: A size of another machine's record tells of others that are within so many.
FAR_OCTAVES = 2.0


class Gain(Value):
    """The best time over that of what served, as far as is known."""

    ratio: float
    source: str


def of_cell(cell: Cell, served: Mapping[str, float], chosen: str | None = None) -> float | None:
    """Time of the winner, or of another candidate, over that of what served; None where one was not measured.

    Parameters
    ----------
    served : mapping
        Candidate as text -> calls.
    """
    if chosen in (None, str(cell.winner)) and set(served) == {REFERENCE} and cell.ratio < 1:
        return cell.ratio  # paired by round
    times = {str(measured.candidate): measured.median_s for measured in cell.measurements if measured.median_s > 0}
    now = times.get(str(cell.winner) if chosen is None else chosen)
    before = over_served(times, served)
    return None if now is None or before is None else now / before


def over_served(times: Mapping[str, float], served: Mapping[str, float]) -> float | None:
    """The mean time of what served, by its calls; None where some of it was not measured."""
    calls = sum(served.values())
    if not calls or not served.keys() <= times.keys():
        return None
    return sum(count * times[name] for name, count in served.items()) / calls


def nearest(cells: Iterable[Cell], size: Mapping[str, int], within: float) -> list[Cell]:
    """Cells near a size, the nearest first."""
    found = [(hints.octaves(cell.size, size), index, cell) for index, cell in enumerate(cells)]
    return [cell for distance, _, cell in sorted(found, key=lambda item: item[:2]) if distance <= within]


def from_records(
    records: Sequence[Record], size: Mapping[str, int], served: Mapping[str, float], within: float
) -> tuple[float, Cell, Record] | None:
    """The gain at the nearest size of the first record that has one."""
    for record in records:
        for cell in nearest(record.cells, size, within):
            ratio = None if cell.undecided or cell.untried else of_cell(cell, served)
            if ratio is not None:
                return ratio, cell, record
    return None


class Sources:
    """What is known of one signature of a kernel.

    Parameters
    ----------
    own : Record or None
        Of this machine, as far as it holds.
    siblings : sequence of Record
        Of this machine, for other signatures of the kernel.
    elsewhere : sequence of Record
        Of the nearest other machine.
    """

    def __init__(self, own: Record | None, siblings: Sequence[Record] = (), elsewhere: Sequence[Record] = ()) -> None:
        self.own, self.siblings, self.elsewhere = own, list(siblings), list(elsewhere)

    def best(self, key: str, size: Mapping[str, int], served: Mapping[str, float], median_s: float) -> Gain:
        """The best time at a size over that of what served.

        Parameters
        ----------
        key : str
            `Signature.key`.
        served : mapping
            Candidate as text -> calls.
        median_s : float
            What a call took.
        """
        own = [] if self.own is None else [self.own]
        found = from_records(own, size, served, NEAR_OCTAVES)
        if found is not None:
            return Gain(min(found[0], 1.0), f"measured at {text(found[1].size)}")
        found = from_records(
            sorted(self.elsewhere, key=lambda record: record.signature != key), size, served, FAR_OCTAVES
        )
        if found is not None:
            ratio, cell, record = found
            return Gain(min(ratio, 1.0), f"{text(cell.size)} on {record.provenance.label or 'another machine'}")
        cells = [(of_cell(cell, served), cell, record) for record in [*own, *self.siblings] for cell in record.cells]
        known = [(ratio, cell, record) for ratio, cell, record in cells if ratio is not None]
        if known:
            ratio, cell, record = min(known, key=lambda item: item[0])
            also = "" if record.signature == key else f" [{describe_key(record.signature)}]"
            return Gain(min(ratio, 1.0), f"the best of its other sizes: {text(cell.size)}{also}")
        if set(served) - {REFERENCE}:
            return Gain(1.0, "a tuned variant served")
        return Gain(next(ratio for limit, ratio in RULE if median_s < limit), "as a rule")

    def now(self, size: Mapping[str, int], served: Mapping[str, float], best: Gain) -> float | None:
        """The time of what would serve a size now over that of what served; None where nothing is decided."""
        leaf = None if self.own is None else lookup(self.own.decision, dict(size))
        if self.own is None or leaf is None:
            return None
        name = str(leaf.winner)
        for cell in nearest(self.own.cells, size, NEAR_OCTAVES):
            found = of_cell(cell, served, name)
            if found is not None:
                return found
        return 1.0 if set(served) == {name} else best.ratio


def weighed(here: Mapping[str, Any], served: Mapping[str, float], warm: float) -> tuple[float, float, float] | None:
    """Time of what serves now over that of what served, with its interval; warm and cold as often as in the program.

    Parameters
    ----------
    here : mapping
        ``warm`` and ``cold``: candidate -> ratio with its interval.
    """
    ratios = [_over(here["warm"], served)]
    shares = [1.0]
    if here["cold"] and (cold := _over(here["cold"], served)) is not None:
        ratios, shares = [*ratios, cold], [warm, 1 - warm]
    if any(ratio is None for ratio in ratios):
        return None
    low, middle, high = (
        math.fsum(share * ratio[index] for share, ratio in zip(shares, ratios, strict=True) if ratio is not None)
        for index in (1, 0, 2)
    )
    return middle, low, high


def _over(ratios: Mapping[str, Sequence[float]], served: Mapping[str, float]) -> tuple[float, ...] | None:
    """The harmonic mean over what served: calls of all of them take the sum of their times."""
    calls = math.fsum(served.values())
    if not calls or not served.keys() <= ratios.keys():
        return None
    return tuple(
        calls / math.fsum(count / max(ratios[name][index], 1e-9) for name, count in served.items())
        for index in range(3)
    )


def seconds_now(here: Mapping[str, Any], served: Mapping[str, float], warm: float) -> float | None:
    """What a call of what served takes now, in the mean; warm and cold as often as in the program."""
    hot = over_served(here["seconds"], served)
    cold = over_served(here["cold_seconds"], served)
    return hot if hot is None or cold is None else warm * hot + (1 - warm) * cold
