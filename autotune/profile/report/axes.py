"""Logarithmic axes: where a value lies, which ticks to draw, what to write at them.

Everything is reckoned in decimal logarithms, so that sizes of any number of digits have a place. Knows nothing of SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ... import quantity

#: Labels that an axis has at most, and decades up to which its minor ticks are drawn.
MOST_LABELS, MINOR_DECADES = 9, 7
#: Digits between powers of ten that get a label on axes of fewer decades than this.
BETWEEN = ((1.6, (2, 5)), (0.8, (3, 4, 7)))


def log10(value: float) -> float | None:
    """The logarithm, or None for what has no place on such an axis."""
    try:
        found = math.log10(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


@dataclass(frozen=True)
class Tick:
    """A line of the grid; the label is empty for a minor one."""

    at: float
    label: str = ""


@dataclass(frozen=True)
class Axis:
    """Logarithms from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, logarithm: float) -> float:
        """The coordinate of a value's logarithm, kept within the axis."""
        part = (logarithm - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, part)) * (self.end - self.start)

    def ticks(self, *, unit: str = "") -> list[Tick]:
        """Grid lines, lowest first.

        Parameters
        ----------
        unit : str
            ``"s"`` writes times, ``""`` whole numbers.
        """
        decades = self.high - self.low
        step = max(1, math.ceil(decades / MOST_LABELS))
        first, last = math.floor(self.low), math.ceil(self.high)
        major = {decade for decade in range(first, last + 1) if decade % step == 0}
        found = []
        for decade in range(first, last + 1):
            for digit in range(1, 10):
                at = decade + math.log10(digit)
                if not self.low - 1e-9 <= at <= self.high + 1e-9:
                    continue
                if digit == 1 and decade in major:
                    found.append(Tick(at, _label(decade, 1, unit)))
                elif any(digit in digits and decades < most for most, digits in BETWEEN):
                    found.append(Tick(at, _label(decade, digit, unit)))
                elif decades <= MINOR_DECADES:
                    found.append(Tick(at))
        return found


def spanning(values: Iterable[float], start: float, end: float, *, margin: float = 0.03) -> Axis | None:
    """An axis around these logarithms, with a share of them as margin; None without any."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    low, high = min(known), max(known)
    if high - low < 0.5:  # one size, or several close together: half a decade at least
        middle = (low + high) / 2
        low, high = middle - 0.25, middle + 0.25
    extra = (high - low) * margin
    return Axis(low - extra, high + extra, start, end)


def spread(wanted: list[float], least: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in the same order, at least so far apart, within bounds as far as they hold all.

    The least moving of sorted places under this constraint, by pooling neighbours that touch (isotonic regression).
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    pools: list[tuple[float, int]] = []  # (mean of the wanted places less their offsets, number)
    for rank, index in enumerate(order):
        mean, number = wanted[index] - rank * least, 1
        while pools and pools[-1][0] >= mean:
            above, count = pools.pop()
            mean, number = (above * count + mean * number) / (count + number), count + number
        pools.append((mean, number))
    room = high - low - (len(wanted) - 1) * least
    flat = [min(max(mean, low), low + max(room, 0.0)) for mean, number in pools for _ in range(number)]
    places = [0.0] * len(wanted)
    for rank, index in enumerate(order):
        places[index] = flat[rank] + rank * least
    return places


def _label(decade: int, digit: int, unit: str) -> str:
    if unit == "s":
        return quantity.duration(digit * 10.0**decade) if -10 <= decade <= 9 else f"{digit}·10^{decade} s"
    if decade > 14:
        return f"10^{decade}" if digit == 1 else f"{digit}·10^{decade}"
    if decade < 0:
        return f"{digit * 10.0**decade:g}"
    for name, power in (("T", 12), ("G", 9), ("M", 6), ("k", 3)):
        if decade >= power:
            return f"{digit * 10 ** (decade - power)}{name}"
    return str(digit * 10**decade)
