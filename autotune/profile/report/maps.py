"""A map of a decision over two sizes: who serves where, what was measured, and what a program called.

Inline SVG, as in `chart`. Knows nothing of records or workloads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ... import quantity
from . import axes
from .chart import BOTTOM, HEIGHT, LABEL_STEP, LEFT, RIGHT, WIDTH, grid, marker, short, svg
from .markup import Html, number, tag

TOP = 26.0
#: Points of the map along each axis: a border is shown within a seventieth of the axis.
RASTER = 72
#: Radius of the circle of the calls that take most of the time.
LARGEST_RADIUS = 20.0


@dataclass(frozen=True)
class Race:
    """A measured point, as decimal logarithms, with the style of its winner."""

    x: float
    y: float
    style: int
    title: str


@dataclass(frozen=True)
class Called:
    """Calls of a program at a point, with their share of the time."""

    x: float
    y: float
    share: float
    title: str


@dataclass(frozen=True)
class Map:
    """A decision over two sizes."""

    label: str
    x_name: str
    y_name: str
    #: Style that serves a point, given its decimal logarithms; None where nothing is decided.
    serves: Callable[[float, float], int | None]
    #: Names of the styles.
    names: dict[int, str]
    races: Sequence[Race]
    calls: Sequence[Called] = ()

    def draw(self) -> Html | None:
        """The drawing, or None if nothing has a place."""
        races = [one for one in self.races if math.isfinite(one.x) and math.isfinite(one.y)]
        calls = [one for one in self.calls if math.isfinite(one.x) and math.isfinite(one.y)]
        across = axes.spanning([*(o.x for o in races), *(o.x for o in calls)], LEFT, WIDTH - RIGHT, margin=0.06)
        up = axes.spanning([*(o.y for o in races), *(o.y for o in calls)], HEIGHT - BOTTOM, TOP, margin=0.06)
        if across is None or up is None:
            return None
        circles = sorted(calls, key=lambda one: -one.share)
        most = max((one.share for one in circles), default=1.0)
        return svg(
            self.label,
            HEIGHT,
            self._areas(across, up),
            *grid(across, up, self.x_name, self.y_name, top=TOP, unit=""),
            [
                marker(one.style, across.place(one.x), up.place(one.y), one.title)
                for one in races
            ],
            [
                tag("circle", tag("title", one.title), class_="called", cx=across.place(one.x), cy=up.place(one.y),
                    r=max(3.0, _radius(one.share / most)))
                for one in circles
            ],
            [tag("text", quantity.share(one.share), class_="histlabel", x=across.place(one.x), text_anchor="middle",
                 y=max(TOP - 4, up.place(one.y) - LARGEST_RADIUS - 5))
             for one in circles[:1]],
            self._names(),
        )  # fmt: skip

    def _areas(self, across: axes.Axis, up: axes.Axis) -> Html:
        """Who serves where, as one shape of horizontal strips for each."""
        wide, high = (across.end - across.start) / RASTER, (up.start - up.end) / RASTER
        strips: dict[int, list[str]] = {}
        for row in range(RASTER):
            y = up.low + (row + 0.5) / RASTER * (up.high - up.low)
            served = [
                self.serves(across.low + (column + 0.5) / RASTER * (across.high - across.low), y)
                for column in range(RASTER)
            ]
            top, begin = up.start - (row + 1) * high, 0
            for column in range(1, RASTER + 1):
                if column < RASTER and served[column] == served[begin]:
                    continue
                who = served[begin]
                if who is not None:
                    left, width = across.start + begin * wide, (column - begin) * wide
                    strips.setdefault(who, []).append(
                        f"M{number(left)} {number(top)}h{number(width)}v{number(high + 0.3)}h-{number(width)}z"
                    )
                begin = column
        shapes = [
            tag("path", tag("title", f"{self.names.get(who, '')} serves here"), class_=f"f{who}", d="".join(parts))
            for who, parts in strips.items()
        ]
        return tag("g", shapes, class_="areas")

    def _names(self) -> list[Html]:
        edge, middle = WIDTH - RIGHT, (TOP + HEIGHT - BOTTOM) / 2
        first = middle - LABEL_STEP * (len(self.names) - 1) / 2
        return [
            tag(
                "g",
                tag("title", name),
                tag(
                    "rect",
                    class_=f"f{style} swatch",
                    x=edge + 14,
                    y=first + index * LABEL_STEP - 6,
                    width=12,
                    height=12,
                ),
                marker(style, edge + 20, first + index * LABEL_STEP),
                tag("text", short(name), class_="name", x=edge + 31, y=first + index * LABEL_STEP + 4),
            )
            for index, (style, name) in enumerate(sorted(self.names.items()))
        ]


def _radius(part: float) -> float:
    """Of a circle whose area is this part of the largest one's."""
    return LARGEST_RADIUS * math.sqrt(min(1.0, max(0.0, part)))
