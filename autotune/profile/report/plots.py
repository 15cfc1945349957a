"""Which charts a record gives, with the calls of a workload laid over them, and the tables of what they show.

Knows nothing of pages.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ... import quantity
from ...kernel.model import REFERENCE
from . import bars, chart, maps
from .axes import log10
from .curves import Curves, thresholds
from .findings import Spot
from .markup import Html

if TYPE_CHECKING:
    from ...store.record import Cell, Measurement, Record

#: Half the width of a bar for calls of one size, in decades.
BAR_DECADES = 0.035
#: Letters of an axis's name.
LONGEST_MEANING = 36


class Plots:
    """The charts of one record.

    Parameters
    ----------
    record : Record
        What was measured.
    curves : Curves
        Its times.
    spots : sequence of Spot
        Calls of the same signature, if there is a workload.
    order : sequence of str
        Variants of the kernel as `in_order` has them, so that each looks alike in all charts of the kernel.
    """

    def __init__(self, record: Record, curves: Curves, spots: Sequence[Spot], order: Sequence[str]) -> None:
        from ...store.record import leaves

        self.record = record
        self.curves = curves
        self.spots = spots
        #: Sizes along the horizontal axis, multiplied where they are several.
        self.names = curves.varying or tuple(curves.cells[0].size if curves.cells else ())
        self.fixed = {n: v for n, v in (curves.cells[0].size if curves.cells else {}).items() if n not in self.names}
        measured = {one.candidate.variant for cell in record.cells for one in cell.measurements}
        self.order = list(order)
        self.variants = [name for name in order if name in measured]
        self.wins = {cell.winner.variant for cell in record.cells} | {
            one.winner.variant for one in leaves(record.decision)
        }
        self.served = {leaf_name for _, _, leaf_name in self.stretches()} | {REFERENCE}

    @property
    def x_name(self) -> str:
        """What stands at the horizontal axis."""
        if len(self.names) == 1:
            fixed = f"   ({quantity.size(self.fixed)})" if self.fixed else ""
            return self.meaning(self.names[0]) + fixed
        return " · ".join(self.names)

    def meaning(self, name: str) -> str:
        """A size with how it is computed, if that is short; the decision's table has it anyway."""
        told = f"{name} = {self.record.sizes.get(name, name)}"
        return told if len(told) <= LONGEST_MEANING else name

    def place(self, size: Mapping[str, int]) -> float:
        """Where a size lies on the horizontal axis; NaN if nowhere."""
        found = [log10(max(1, size.get(name, 1))) for name in self.names]
        return math.nan if None in found or not found else sum(value for value in found if value is not None)

    def style(self, variant: str) -> int:
        """Colour, dash and marker of a variant."""
        if variant == REFERENCE:
            return 0
        place = self.order.index(variant) if variant in self.order else chart.STYLES
        return place if place < chart.STYLES else chart.MUTED

    def times(self, label: str) -> Html | None:
        """Time against size for every variant, with thresholds, and the workload laid over it."""
        one = len(self.names) == 1
        series = []
        for variant in self.variants:
            points = []
            for cell in self.curves.cells:
                fastest = _fastest(cell, variant)
                y = None if fastest is None else log10(fastest.median_s)
                if fastest is not None and y is not None:
                    points.append(self._point(cell, fastest, y))
            points.sort(key=lambda point: point.x)
            series.append(chart.Series(variant, points, self.style(variant), joined=one, serves=variant in self.served))
        return chart.TimeChart(
            label=label,
            x_name=self.x_name,
            series=series,
            borders=self.borders() if one else (),
            stretches=[chart.Stretch(low, high, self.style(who), who) for low, high, who in self.stretches()],
            bars=[bar for spot in self.spots if (bar := self._bar(spot)) is not None],
            met=[
                chart.Point(self.place(spot.size), y, f"in the program: {quantity.duration(spot.median_s)} "
                            f"at {quantity.size(spot.size)}, {quantity.count(spot.calls)} calls by {spot.server}")
                for spot in self.spots if (y := log10(spot.median_s)) is not None
            ],
        ).draw()  # fmt: skip

    def _point(self, cell: Cell, measured: Measurement, y: float) -> chart.Point:
        won = cell.winner.variant == measured.candidate.variant
        title = f"{measured.candidate} {quantity.duration(measured.median_s)}, {quantity.size(cell.size)}"
        if won:
            title += f"; won in {measured.rounds} rounds, ± {quantity.share(measured.spread)}"
        return chart.Point(self.place(cell.size), y, title, strong=won)

    def map(self, label: str) -> Html | None:
        """Who serves where, for a decision over two sizes."""
        if len(self.curves.varying) != 2:
            return None
        across, up = self.curves.varying

        def place(size: Mapping[str, int]) -> tuple[float, float]:
            found = [log10(max(1, size.get(name, 1))) for name in (across, up)]
            x, y = (math.nan if value is None else value for value in found)
            return x, y

        def serves(x: float, y: float) -> int | None:
            who = self._serves({**self.fixed, across: round(10**x), up: round(10**y)})
            return self.style(who) if who else None

        return maps.Map(
            label=label,
            x_name=self.meaning(across),
            y_name=self.meaning(up),
            serves=serves,
            names={self.style(name): name for name in reversed(self.variants) if name in self.wins},
            races=[
                maps.Race(*place(cell.size), self.style(cell.winner.variant),
                          f"{quantity.size(cell.size)}: {cell.winner}, {quantity.factor(_inverse(cell.ratio))}")
                for cell in self.curves.cells
            ],
            calls=[maps.Called(*place(spot.size), spot.share, _called(spot)) for spot in self.spots if spot.share > 0],
        ).draw()  # fmt: skip

    def borders(self) -> list[chart.Border]:
        """Thresholds between different winners, with the interval that each is known to lie in."""
        found = []
        (name,) = self.names
        for at, low, high in thresholds(self.record.decision, name, self.fixed):
            places = [log10(max(value, 1e-9)) for value in (at, low, high)]
            if None in places or not self._changes(math.ceil(at)):
                continue
            between = f", known to lie between {low:,.0f} and {high:,.0f}" if high > low else ""
            x, left, right = (value for value in places if value is not None)
            found.append(chart.Border(x, left, right, f"threshold {name} = {at:,.0f}{between}"))
        return found

    def _changes(self, at: int) -> bool:
        return self._at(at - 1) != self._at(at)

    def _at(self, value: int) -> str:
        return self._serves({**self.fixed, self.names[0]: value})

    def _serves(self, size: dict[str, int]) -> str:
        """Variant that serves a size; empty where nothing is decided."""
        from ...store.record import lookup

        try:
            leaf = lookup(self.record.decision, size)
        except KeyError:
            return ""
        return "" if leaf is None else leaf.winner.variant

    def stretches(self) -> list[tuple[float, float, str]]:
        """(from, to, variant) along the horizontal axis, as logarithms; nothing where there are several sizes."""
        if len(self.names) != 1 or not self.curves.cells:
            return []
        (name,) = self.names
        sizes = [max(1, cell.size.get(name, 1)) for cell in self.curves.cells]
        low, high = min(sizes), max(sizes)
        cuts = [math.ceil(at) for at, _, _ in thresholds(self.record.decision, name, self.fixed)]
        edges = [low, *sorted({cut for cut in cuts if low < cut <= high}), high]
        found: list[tuple[float, float, str]] = []
        for left, right in itertools.pairwise(edges):
            who = self._at(left)
            start, end = log10(left), log10(right)
            if not who or start is None or end is None:
                continue
            if found and found[-1][2] == who and math.isclose(found[-1][1], start):
                found[-1] = (found[-1][0], end, who)
            else:
                found.append((start, end, who))
        return found

    def _bar(self, spot: Spot) -> chart.Bar | None:
        """The calls of one size or bucket."""
        if not spot.share > 0:
            return None
        ends = {name: spot.ranges.get(name, (value, value)) for name, value in spot.size.items()}
        low, high = (self.place({name: pair[side] for name, pair in ends.items()}) for side in (0, 1))
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        return chart.Bar(min(low, high) - BAR_DECADES, max(low, high) + BAR_DECADES, spot.share, _called(spot))

    def regrets(self, label: str) -> Html | None:
        """The sizes at which the decision was tried, that were not used for reaching it."""
        found = [
            bars.Pin(self.place(held.size), held.regret,
                     f"{quantity.share(held.regret)} at {quantity.size(held.size)}: {held.chosen} was chosen, "
                     f"{held.best} is the fastest")
            for held in self.record.held_out
        ]  # fmt: skip
        return bars.pins(found, label, " · ".join(self.names))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Head and rows of all that was measured: the fastest setting of every variant at every size."""
        head = ["size", "winner", "speed-up", "95 % interval", "rounds", *self.variants]
        rows = []
        for cell in sorted(self.curves.cells, key=lambda cell: self.place(cell.size)):
            won = _fastest(cell, cell.winner.variant)
            times = [_fastest(cell, variant) for variant in self.variants]
            rows.append([
                quantity.size(cell.size), str(cell.winner), quantity.factor(_inverse(cell.ratio)), interval(cell),
                "" if won is None else str(won.rounds),
                *("" if one is None else quantity.duration(one.median_s) for one in times),
            ])  # fmt: skip
        return head, rows


def _called(spot: Spot) -> str:
    return (
        f"{quantity.share(spot.share)} of the time in kernels: {quantity.count(spot.calls)} calls "
        f"at {quantity.size(spot.size)}, {quantity.duration(spot.total_s)}"
    )


def interval(cell: Cell) -> str:
    """The 95 % interval of the speed-up; empty where the reference won."""
    low, high = _inverse(cell.ratio_high), _inverse(cell.ratio_low)
    if cell.winner.variant == REFERENCE or low is None or high is None:
        return ""
    return f"{quantity.factor(low)} – {quantity.factor(high)}"


def _inverse(ratio: float) -> float | None:
    return 1 / ratio if ratio > 0 and math.isfinite(ratio) else None


def _fastest(cell: Cell, variant: str) -> Measurement | None:
    """The fastest setting of a variant in a race."""
    mine = [one for one in cell.measurements if one.candidate.variant == variant]
    return min(mine, key=lambda one: one.median_s, default=None)


def in_order(records: Iterable[Record]) -> list[str]:
    """The reference, then variants by how often they won, then the others by name: the first ones get the colours."""
    wins: dict[str, int] = {}
    for cell in (cell for record in records for cell in record.cells):
        for measured in cell.measurements:
            wins.setdefault(measured.candidate.variant, 0)
        wins[cell.winner.variant] = wins.get(cell.winner.variant, 0) + 1
    wins.pop(REFERENCE, None)
    return [REFERENCE, *sorted(wins, key=lambda name: (-wins[name], name))]
