"""Charts as inline SVG: times against sizes on logarithmic axes, and what lies over them.

Colours are CSS variables of the page (`style`), so that one drawing serves light, dark and paper; lines differ by dash
and marker as well, and carry their names. A coordinate that is not finite has no place and is not drawn. Knows nothing
of records or workloads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ... import quantity
from . import axes
from .axes import Axis
from .markup import Html, number, tag

WIDTH, HEIGHT = 920.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 172.0, 40.0, 50.0
#: Distance of labels, and the width of a letter of theirs in pixels (of a 12 px sans-serif, measured on DejaVu Sans).
LABEL_STEP, LETTER = 14.5, 6.9
#: Letters of a label that fit beside the chart.
LABEL_LETTERS = 21
#: Share of the chart's height that the tallest bar of a histogram takes.
BAR_SHARE = 0.34
#: Markers by style, as paths around the origin; the last is that of everything muted.
MARKERS = (
    "M-3.2-3.2h6.4v6.4h-6.4z", "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z", "M0-4.4l4.2 7.4h-8.4z",
    "M0-4.6l4.6 4.6l-4.6 4.6l-4.6-4.6z", "M0 4.4l4.2-7.4h-8.4z",
    "M-1.4-4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z", "M-4.2-2.2h8.4v4.4h-8.4z",
    "M-2.4-2.4h4.8v4.8h-4.8z",
)  # fmt: skip
#: What marks a time that a program met.
CROSS = "m-4.2-4.2l8.4 8.4m0-8.4l-8.4 8.4"
#: Styles with a colour of their own, 0 is the reference's; and that of all others.
STYLES = len(MARKERS) - 1
MUTED = STYLES


@dataclass(frozen=True)
class Point:
    """A time at a size, both as decimal logarithms."""

    x: float
    y: float
    title: str
    #: Drawn filled: it won there.
    strong: bool = True


@dataclass(frozen=True)
class Series:
    """A named line of points, or points alone."""

    name: str
    points: Sequence[Point]
    style: int
    joined: bool = True
    #: Whether it serves somewhere; others are drawn thinner.
    serves: bool = True


@dataclass(frozen=True)
class Border:
    """A threshold with the interval it is known to lie in, as decimal logarithms."""

    at: float
    low: float
    high: float
    title: str


@dataclass(frozen=True)
class Stretch:
    """Who serves from one size to another."""

    low: float
    high: float
    style: int
    name: str


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: where it stands and its share of the whole."""

    low: float
    high: float
    share: float
    title: str


@dataclass(frozen=True)
class TimeChart:
    """Times against sizes."""

    label: str
    x_name: str
    series: Sequence[Series]
    borders: Sequence[Border] = ()
    stretches: Sequence[Stretch] = ()
    bars: Sequence[Bar] = ()
    #: Times that a program met, beside those of a calibration.
    met: Sequence[Point] = ()
    y_name: str = "time of a call"

    @property
    def top(self) -> float:
        """Where the grid begins: under the ribbon, if there is one."""
        return TOP if self.stretches else 12.0

    def draw(self) -> Html | None:
        """The drawing, or None if nothing has a place."""
        points = [p for s in self.series for p in s.points if _finite(p)] + [p for p in self.met if _finite(p)]
        across = axes.spanning(
            [*(p.x for p in points), *(edge for b in self.bars for edge in (b.low, b.high))], LEFT, WIDTH - RIGHT
        )
        up = axes.spanning([p.y for p in points], HEIGHT - BOTTOM, self.top + 8, margin=0.06)
        if across is None or up is None:
            return None
        return svg(
            self.label,
            HEIGHT,
            *grid(across, up, self.x_name, self.y_name, top=self.top),
            [self._bar(across, bar) for bar in self.bars],
            [self._border(across, border) for border in self.borders],
            [self._series(across, up, one) for one in sorted(self.series, key=lambda s: -s.style)],
            [self._met(across, up, p) for p in self.met if _finite(p)],
            self._bar_label(across),
            [self._stretch(across, one) for one in self.stretches],
            self._labels(across, up),
        )  # fmt: skip

    def _bar(self, across: Axis, bar: Bar) -> Html:
        left, right = across.place(bar.low), across.place(bar.high)
        tallest = max(one.share for one in self.bars) or 1.0
        height = (HEIGHT - BOTTOM - self.top) * BAR_SHARE * bar.share / tallest
        return tag(
            "rect", tag("title", bar.title), class_="hist", x=left, y=HEIGHT - BOTTOM - height,
            width=max(2.0, right - left), height=height,
        )  # fmt: skip

    def _bar_label(self, across: Axis) -> Html | None:
        if not self.bars:
            return None
        tallest = max(self.bars, key=lambda bar: bar.share)
        x = across.place((tallest.low + tallest.high) / 2)
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - self.top) * BAR_SHARE - 5
        return tag(
            "text", f"{quantity.share(tallest.share)} of the time", class_="histlabel", x=x, y=y, text_anchor="middle"
        )

    def _border(self, across: Axis, border: Border) -> Html:
        at, low, high = across.place(border.at), across.place(border.low), across.place(border.high)
        return tag(
            "g",
            tag("title", border.title),
            tag("rect", class_="band", x=low, y=TOP, width=max(1.0, high - low), height=HEIGHT - BOTTOM - TOP),
            tag("path", class_="cut", d=f"M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"),
        )

    def _series(self, across: Axis, up: Axis, one: Series) -> Html:
        points = [p for p in one.points if _finite(p)]
        parts: list[Html] = []
        if one.joined and len(points) > 1:
            line = "M" + "L".join(f"{number(across.place(p.x))} {number(up.place(p.y))}" for p in points)
            parts.append(tag("path", class_="line", d=line))
        parts += [_point(one.style, across.place(p.x), up.place(p.y), p.title, strong=p.strong) for p in points]
        return tag("g", *parts, class_=f"s{one.style}" + ("" if one.serves else " lost"))

    def _met(self, across: Axis, up: Axis, point: Point) -> Html:
        place = f"M{number(across.place(point.x))} {number(up.place(point.y))}{CROSS}"
        return tag(
            "g", tag("title", point.title), tag("path", class_="halo", d=place), tag("path", class_="met", d=place)
        )

    def _stretch(self, across: Axis, one: Stretch) -> Html:
        left, right = across.place(one.low), across.place(one.high)
        fits = int((right - left - 6) / LETTER)
        name = short(one.name, fits) if fits >= 4 else ""
        return tag(
            "g",
            tag("title", f"{one.name} serves here"),
            tag("rect", class_=f"ribbon f{one.style}", x=left + 0.75, y=TOP - 10, width=max(1.0, right - left - 1.5),
                height=7, rx=1.5),
            tag("text", name, class_="ribbonlabel", x=(left + right) / 2, y=TOP - 15, text_anchor="middle")
            if name else None,
        )  # fmt: skip

    def _labels(self, across: Axis, up: Axis) -> list[Html]:
        """The names, beside the right end of each line, or as a list where there are no lines."""
        shown = [(one, last) for one in self.series if (last := next(filter(_finite, reversed(one.points)), None))]
        middle = (self.top + HEIGHT - BOTTOM) / 2
        if all(one.joined for one, _ in shown):
            wanted = [up.place(last.y) for _, last in shown]
        else:
            wanted = [middle + LABEL_STEP * (i - len(shown) / 2) for i in range(len(shown))]
        places = axes.spread(wanted, LABEL_STEP, self.top + 6, HEIGHT - BOTTOM - 2)
        edge = WIDTH - RIGHT
        found = []
        for (one, last), y in zip(shown, places, strict=True):
            leader = None
            if one.joined:
                start, height = across.place(last.x) + 5, up.place(last.y)
                leader = tag("path", class_="leader", d=f"M{start:.1f} {height:.1f}L{edge + 2:.1f} {y:.1f}")
            found.append(
                tag(
                    "g",
                    tag("title", one.name),
                    leader,
                    marker(one.style, edge + 10, y),
                    tag("text", short(one.name), x=edge + 18, y=y + 4,
                        class_="name muted" if one.style == MUTED else "name"),
                )
            )  # fmt: skip
        return found


def svg(label: str, height: float, *children: str | Iterable[str] | None) -> Html:
    """A chart of a name and a height, as wide as all of them."""
    return tag(
        "svg", *children, viewBox=f"0 0 {WIDTH:.0f} {height:.0f}", role="img", aria_label=label, class_="chart"
    )  # fmt: skip


def grid(across: Axis, up: Axis, x_name: str, y_name: str, *, bottom: float = HEIGHT - BOTTOM, top: float = TOP,
         unit: str = "s") -> list[Html]:  # fmt: skip
    """The grid of two logarithmic axes with its labels."""
    major: list[str] = []
    minor: list[str] = []
    labels: list[Html] = []
    for tick in across.ticks():
        x = number(across.place(tick.at))
        if tick.label:
            major.append(f"M{x} {top:g}V{bottom:g}")
            labels.append(tag("text", tick.label, x=across.place(tick.at), y=bottom + 17, text_anchor="middle"))
        else:
            minor.append(f"M{x} {bottom:g}v4")
    for tick in up.ticks(unit=unit):
        y = up.place(tick.at)
        if tick.label:
            major.append(f"M{across.start:g} {number(y)}H{across.end:g}")
            labels.append(tag("text", tick.label, x=across.start - 8, y=y + 4, text_anchor="end"))
        else:
            minor.append(f"M{across.start:g} {number(y)}h-4")
    middle = (top + bottom) / 2
    return [
        tag("path", class_="grid", d="".join([*major, *minor])),
        tag("g", *labels, class_="ticks"),
        tag("text", x_name, class_="axis", x=(across.start + across.end) / 2, y=bottom + 38, text_anchor="middle"),
        tag("text", y_name, class_="axis", transform=f"translate(13 {middle:.0f}) rotate(-90)", text_anchor="middle"),
    ]


def _finite(point: Point) -> bool:
    return math.isfinite(point.x) and math.isfinite(point.y)


def short(name: str, letters: int = LABEL_LETTERS) -> str:
    """A name that fits."""
    return name if len(name) <= letters else name[: max(1, letters - 1)] + "…"


def marker(style: int, x: float, y: float, title: str = "", *, strong: bool = True) -> Html:
    """A marker of `markers` at a place, in the colour of its style."""
    return tag("g", _point(style, x, y, title, strong=strong), class_=f"s{style}")


def _point(style: int, x: float, y: float, title: str = "", *, strong: bool = True) -> Html:
    about = tag("title", title) if title else None
    return tag("use", about, href=f"#m{style}", x=x, y=y, class_=None if strong else "weak")


def markers() -> Html:
    """The markers that the charts of a page use, once."""
    shapes = [tag("path", id=f"m{style}", d=path) for style, path in enumerate(MARKERS)]
    return tag("svg", tag("defs", shapes), class_="markers", aria_hidden="true")
