"""Charts of rows: times of kernels as stacked bars, speed-ups as ranges, regrets as pins; inline SVG, as in `chart`.

Knows nothing of records or workloads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ... import quantity
from . import axes
from .chart import LEFT as GRID_LEFT
from .chart import LETTER, WIDTH, short, svg
from .chart import RIGHT as GRID_RIGHT
from .markup import Html, tag
from .possible import ALLOWED_REGRET

LEFT, ROW, TOP = 190.0, 26.0, 26.0
#: Room for what is written to the right of a row.
RIGHT = 118.0
#: Letters of a row's name that fit to the left.
NAME_LETTERS = 26
#: Height of a chart of regrets, and the share that it shows at least.
PINS_HEIGHT, LEAST_REGRET = 170.0, 0.10


@dataclass(frozen=True)
class Row:
    """A row with its parts: (length, class, what it is)."""

    name: str
    href: str
    parts: Sequence[tuple[float, str, str]]
    text: str


@dataclass(frozen=True)
class Span:
    """A row with a range and a point in it, as decimal logarithms of ratios."""

    name: str
    href: str
    low: float
    at: float
    high: float
    text: str


@dataclass(frozen=True)
class Pin:
    """A regret with the size at which it was found, as a decimal logarithm."""

    x: float
    regret: float
    title: str


def stacked(rows: Sequence[Row], label: str) -> Html | None:
    """Bars from zero, longest row as wide as the chart."""
    left = min(LEFT, 16 + LETTER * max((len(row.name) for row in rows), default=0))
    longest = max((sum(_length(length) for length, _, _ in row.parts) for row in rows), default=0.0)
    if not longest:
        return None
    height = len(rows) * ROW + 4
    scale = (WIDTH - left - RIGHT) / longest
    drawn = []
    for index, row in enumerate(rows):
        x, y = left, index * ROW + 4.0
        boxes = []
        for length, kind, title in row.parts:
            width = _length(length) * scale
            if width > 0:
                boxes.append(
                    tag("rect", tag("title", title), class_=kind, x=x, y=y, width=max(width, 0.6), height=ROW - 9)
                )
            x += width
        drawn += [_name(row.name, row.href, left, y + 13), *boxes]
        drawn.append(tag("text", row.text, class_="value", x=x + 7, y=y + 13))
    return svg(label, height, *drawn)


def spans(rows: Sequence[Span], label: str, unit: str) -> Html | None:
    """Ranges of ratios on a logarithmic axis, with a line at 1."""
    known = [row for row in rows if all(map(math.isfinite, (row.low, row.at, row.high)))]
    across = axes.spanning([0.0, *(edge for row in known for edge in (row.low, row.high))], LEFT, WIDTH - RIGHT)
    if not known or across is None:
        return None
    row_height = 19.0
    height = len(known) * row_height + TOP + 34
    bottom = height - 30
    lines = "".join(f"M{across.place(t.at):.1f} {TOP - 4}V{bottom:.1f}" for t in across.ticks() if t.label)
    labels = [
        tag("text", f"{tick.label} {unit}", x=across.place(tick.at), y=y, text_anchor="middle")
        for tick in across.ticks() if tick.label for y in (bottom + 16, TOP - 10)
    ]  # fmt: skip
    drawn = [
        tag("path", class_="grid", d=lines),
        tag("path", class_="cut", d=f"M{across.place(0.0):.1f} {TOP - 4}V{bottom:.1f}"),
        tag("g", *labels, class_="ticks"),
    ]
    for index, row in enumerate(known):
        y = TOP + 10 + index * row_height
        low, at, high = (across.place(value) for value in (row.low, row.at, row.high))
        drawn += [
            _name(row.name, row.href, LEFT, y + 4),
            tag("path", class_="span", d=f"M{low:.1f} {y:.1f}H{high:.1f}"),
            tag("circle", tag("title", f"{row.name}: {row.text}"), class_="dot", cx=at, cy=y, r=4),
            tag("text", row.text, class_="value", x=WIDTH - RIGHT + 8, y=y + 4),
        ]
    return svg(label, height, *drawn)


def pins(found: Sequence[Pin], label: str, x_name: str) -> Html | None:
    """Regrets over sizes: a pin each, with a line at what is allowed."""
    known = [pin for pin in found if math.isfinite(pin.x) and math.isfinite(pin.regret)]
    left, right, top, bottom = GRID_LEFT, WIDTH - GRID_RIGHT, 12.0, PINS_HEIGHT - 46
    across = axes.spanning([pin.x for pin in known], left, right, margin=0.06)
    if across is None:
        return None
    most = max(LEAST_REGRET, *(pin.regret for pin in known)) * 1.08
    step = _step(most)

    def place(regret: float) -> float:
        return bottom - min(1.0, max(0.0, regret / most)) * (bottom - top)

    shares = [step * i for i in range(int(most / step) + 1)]
    drawn = [
        tag("path", class_="grid", d="".join(f"M{left} {place(part):.1f}H{right}" for part in shares)),
        tag(
            "g",
            [tag("text", quantity.percent(part), x=left - 8, y=place(part) + 4, text_anchor="end") for part in shares],
            [tag("text", t.label, x=across.place(t.at), y=bottom + 17, text_anchor="middle")
             for t in across.ticks() if t.label],
            class_="ticks",
        ),
        tag("path", class_="allowed", d=f"M{left} {place(ALLOWED_REGRET):.1f}H{right}"),
        tag("text", f"{quantity.percent(ALLOWED_REGRET)} allowed", class_="name muted", x=right + 8,
            y=place(ALLOWED_REGRET) + 4),
        tag("text", x_name, class_="axis", x=(left + right) / 2, y=bottom + 37, text_anchor="middle"),
        tag("text", "regret", class_="axis", transform=f"translate(13 {(top + bottom) / 2:.0f}) rotate(-90)",
            text_anchor="middle"),
    ]  # fmt: skip
    for pin in known:
        x, y = across.place(pin.x), place(pin.regret)
        kind = "pin over" if pin.regret > ALLOWED_REGRET else "pin"
        mark = (
            "m-4 0l4-4l4 4l-4 4z" if pin.regret > ALLOWED_REGRET else "m-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z"
        )
        drawn.append(
            tag(
                "g",
                tag("title", pin.title),
                tag("path", class_="stem", d=f"M{x:.1f} {bottom:.1f}V{y:.1f}"),
                tag("path", class_="head", d=f"M{x:.1f} {y:.1f}{mark}"),
                class_=kind,
            )
        )
    return svg(label, PINS_HEIGHT, *drawn)


def _step(most: float) -> float:
    """The distance of grid lines: 1, 2 or 5 times a power of ten, so that there are at most six."""
    raw = most / 6
    power = 10.0 ** math.floor(math.log10(raw))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= raw)


def _length(length: float) -> float:
    return length if math.isfinite(length) and length > 0 else 0.0


def _name(name: str, href: str, left: float, y: float) -> Html:
    label = tag(
        "text", tag("title", name), short(name, NAME_LETTERS), class_="rowname", x=left - 10, y=y, text_anchor="end"
    )
    return tag("a", label, href=href) if href else label
