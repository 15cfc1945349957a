"""What candidates take at a size, between the sizes at which a record measured them.

One varying size: straight lines between neighbours, times and sizes in logarithms. Several: a straight trend through
all points, with what it leaves weighed by the inverse square of the distance (D. Shepard, A two-dimensional
interpolation function for irregularly-spaced data, 1968); it goes through every measured point. Beyond what was
measured nothing is said, but for an octave. Knows nothing of clocks or disk.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ...kernel.model import REFERENCE

if TYPE_CHECKING:
    from ...store.record import Decision, Record

#: How far beyond the measured sizes the outermost times are still believed to scale, in octaves.
MARGIN_OCTAVES = 1.0


class Curves:
    """The times of one record, by candidate as text.

    Attributes
    ----------
    varying : tuple of str
        Sizes of which more than one value was measured.
    eligible : frozenset of str
        Candidates that the policy lets win: winners of a race, those of the decision, and the reference.
    """

    def __init__(self, record: Record) -> None:
        from ...store.record import leaves

        self.cells = [cell for cell in record.cells if cell.measurements]
        names = list(self.cells[0].size) if self.cells else []
        self.varying = tuple(n for n in names if len({cell.size.get(n) for cell in self.cells}) > 1)
        winners = {str(cell.winner) for cell in self.cells}
        decided = {str(pick) for leaf in leaves(record.decision) for pick in (leaf.winner, leaf.single) if pick}
        self.eligible = frozenset(winners | decided | {REFERENCE})
        self._points: dict[str, list[tuple[tuple[float, ...], float]]] = {}
        for cell in self.cells:
            at = self._place(cell.size)
            if at is None:
                continue
            for measured in cell.measurements:
                if measured.median_s > 0 and math.isfinite(measured.median_s):
                    self._points.setdefault(str(measured.candidate), []).append((at, math.log(measured.median_s)))

    def _place(self, size: Mapping[str, int]) -> tuple[float, ...] | None:
        """Logarithms, base 2, of the varying sizes; None if one is missing."""
        if not all(name in size for name in self.varying):
            return None
        return tuple(math.log2(max(size[name], 1)) for name in self.varying)

    def reaches(self, size: Mapping[str, int]) -> bool:
        """Whether a size is among those measured, or an octave beyond them; sizes that never differed must be equal."""
        at = self._place(size)
        if at is None or not self.cells:
            return False
        if any(size.get(n) != v for n, v in self.cells[0].size.items() if n not in self.varying):
            return False
        places = [place for cell in self.cells if (place := self._place(cell.size)) is not None]
        return all(
            min(column) - MARGIN_OCTAVES <= value <= max(column) + MARGIN_OCTAVES
            for value, column in zip(at, zip(*places, strict=True), strict=True)
        )

    def at(self, size: Mapping[str, int]) -> dict[str, float]:
        """Seconds a call by candidate; empty for a size that `reaches` does not hold for."""
        at = self._place(size)
        if at is None or not self.reaches(size):
            return {}
        found = {}
        for name, points in self._points.items():
            value = _between(points, at[0]) if len(at) == 1 else _around(points, at)
            if value is not None:
                found[name] = math.exp(value)
        return found

    def best(self, size: Mapping[str, int], without: Collection[str] = ()) -> tuple[str, float] | None:
        """The fastest eligible candidate with its time, some variants left out; None where nothing is known."""
        times = {
            name: seconds for name, seconds in self.at(size).items()
            if name in self.eligible and name.partition("(")[0] not in without
        }  # fmt: skip
        return min(times.items(), key=lambda item: item[1]) if times else None


def _between(points: list[tuple[tuple[float, ...], float]], at: float) -> float | None:
    """On the line through the two measured neighbours, or through the outermost two, up to the margin."""
    ordered = sorted({place[0]: value for place, value in points}.items())
    if len(ordered) < 2:
        return ordered[0][1] if ordered and abs(ordered[0][0] - at) <= MARGIN_OCTAVES else None
    if not ordered[0][0] - MARGIN_OCTAVES <= at <= ordered[-1][0] + MARGIN_OCTAVES:
        return None
    (x0, y0), (x1, y1) = next(
        (pair for pair in itertools.pairwise(ordered) if at <= pair[1][0]), (ordered[-2], ordered[-1])
    )
    return y0 + (y1 - y0) * (at - x0) / (x1 - x0)


def _around(points: list[tuple[tuple[float, ...], float]], at: tuple[float, ...]) -> float | None:
    """The trend and the weighed rest; the mean in place of the trend where there are too few points for one."""
    places = np.array([place for place, _ in points]).reshape(len(points), len(at))
    values = np.array([value for _, value in points])
    if not len(values):
        return None
    basis = np.ones((len(values), 1))
    here = np.ones(1)
    if len(values) > len(at) + 1:
        basis, here = np.concatenate([basis, places], axis=1), np.concatenate([here, at])
    trend, *_ = np.linalg.lstsq(basis, values, rcond=None)
    rest = values - basis @ trend
    distances = np.sum((places - np.array(at)) ** 2, axis=1)
    nearest = int(np.argmin(distances))
    if distances[nearest] < 1e-12:
        return float(values[nearest])
    weights = 1 / distances
    return float(here @ trend + np.sum(weights * rest) / np.sum(weights))


def thresholds(decision: Decision, name: str, fixed: Mapping[str, int]) -> list[tuple[float, float, float]]:
    """Where a decision looks at one size, the others fixed: (at, low, high) in that size, lowest first."""
    from ...store.record import Split

    if not isinstance(decision, Split):
        return []
    factors = decision.feature.split("*")
    found = [*thresholds(decision.below, name, fixed), *thresholds(decision.above, name, fixed)]
    if factors.count(name) == 1:
        others = math.prod(max(1, fixed.get(other, 1)) for other in factors if other != name)
        low, high = (decision.low, decision.high) if decision.high else (decision.at, decision.at)
        found.append((decision.at / others, low / others, high / others))
    return sorted(found)
