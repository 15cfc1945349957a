"""A report as one HTML file: nothing is fetched, no script runs, everything foreign is escaped.

Knows nothing of files.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ... import __version__, quantity
from ...machine import fingerprint
from . import bars, chart, distribution, sections, style
from .advice import advice
from .blocks import figure, kernel_block, listed, machine_section, opening, table, tiles
from .findings import Findings, Part
from .knowledge import Known
from .library import Library
from .markup import Html, raw, tag
from .possible import ALLOWED_REGRET


def of_workload(found: Findings, known: Mapping[str, Known], file: str) -> str:
    """The page of a workload: hot spots first."""
    run = found.run
    command = " ".join(run.command) or "a program"
    anchors = {part.kernel: f"k{index}" for index, part in enumerate(found.parts)}
    untuned = [spot for spot in found.spots if spot.saving_s is None]
    head = [
        tag("h1", "Where the time goes"),
        tag("p", tag("code", command), class_="lead"),
        tag("p", sections.about(found), class_="muted small"),
    ]
    parts = [
        ("hot", "Hot spots", sections.hot(found, anchors)),
        ("untuned", "What is not tuned, and why", sections.untuned(untuned)),
        ("launch", "Launch overhead", sections.launch(found)),
        ("memory", "Memory", sections.memory(found)),
        ("threads", "Threads", sections.threads(found, known)),
        ("kernels", "Kernels", [_part(part, known[part.kernel], anchors[part.kernel]) for part in found.parts]),
    ]
    inner = [tag("li", tag("a", part.name, href=f"#{anchors[part.kernel]}")) for part in found.parts]
    records = [record for part in found.parts for record in known[part.kernel].records]
    body = [
        *head,
        _contents([(anchor, title) for anchor, title, content in parts if content], inner),
        tiles(sections.figures(found)),
        sections.advised(advice(found, file)),
        *(tag("section", tag("h2", title, id=anchor), content) for anchor, title, content in parts if content),
        machine_section(records, {**run.machine}),
    ]
    return _document(f"autotune report: {command}", body)


def of_library(library: Library) -> str:
    """The page of everything that the store knows on this machine."""
    anchors = {about.id: f"k{index}" for index, about in enumerate(library.kernels)}
    spans = [
        bars.Span(gain.about.name, f"#{anchors[gain.about.id]}", gain.low, gain.middle, gain.high, gain.text)
        for gain in library.gains
    ]
    gains = bars.spans(spans, "speed-up over the reference by kernel: geometric mean and range", "x")
    rows = [[gain.about.name, gain.text, gain.extremes, str(gain.sizes)] for gain in library.gains]
    speedups = None if gains is None else figure(
        gains,
        "Time of the reference over time of what is chosen: geometric mean and range over the measured sizes.",
        opening(f"Numbers: {len(rows)} kernels",
                table(["kernel", "speed-up", "range", "sizes"], rows, right=["speed-up", "range", "sizes"])),
    )  # fmt: skip
    inner = [tag("li", tag("a", about.name, href=f"#{anchors[about.id]}")) for about in library.kernels]
    body = [
        tag("h1", "What is known on this machine"),
        tag("p", fingerprint().label, class_="lead"),
        _contents(
            [("gains", "Speed-ups"), ("audit", "Regret audit"), ("kernels", "Kernels"), ("machine", "Machine")], inner,
            last=False,
        ),
        tiles(library.figures()),
        tag("section", tag("h2", "Speed-ups", id="gains"), speedups),
        _audit(library),
        tag("h2", "Kernels", id="kernels"),
        *(kernel_block(about, anchors[about.id]) for about in library.kernels),
        machine_section([record for about in library.kernels for record in about.records]),
    ]  # fmt: skip
    return _document("autotune report", body)


def _document(title: str, body: Sequence[Html | None]) -> str:
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=style.POLICY),
        tag("meta", name="generator", content=f"autotune {__version__}"),
        tag("title", title),
        tag("style", raw(style.sheet())),
    )
    footer = tag("footer", f"autotune {__version__}, {made}. One file; nothing in it is fetched from anywhere.")
    page = tag("html", head, tag("body", chart.markers(), *body, footer), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _contents(entries: Sequence[tuple[str, str]], inner: Sequence[Html], *, last: bool = True) -> Html:
    """The table of contents; the kernels stand under it."""
    more = [("machine", "Machine")] if last else []
    links = [tag("li", tag("a", title, href=f"#{anchor}")) for anchor, title in [*entries, *more]]
    return tag("nav", tag("ol", links), tag("ol", inner, class_="inner"), aria_label="contents")


def _part(part: Part, about: Known, anchor: str) -> Html:
    told = (
        f"{quantity.count(part.calls)} calls, {quantity.duration(part.self_s)}, {quantity.share(part.share)} of the "
        "time in kernels"
    )
    missing = {spot.signature for spot in part.spots} - set(about.found.records)
    reasons = sorted({f"{s.arguments}: {s.reason}" for s in part.spots if s.signature in missing and s.reason})
    notes = [*([part.gone] if part.gone else []), *reasons]
    lead = tag(
        "div",
        tag("p", told, ".", class_="muted small"),
        listed(notes) if notes else None,
    )
    return kernel_block(about, anchor, part.spots, lead)


def _audit(library: Library) -> Html:
    rows = [
        [held.kernel, held.arguments, quantity.size(held.size), held.chosen, held.best, quantity.share(held.regret)]
        for held in library.worst()
    ]
    head = ["kernel", "arguments", "size", "chosen", "fastest", "regret"]
    worst = table(head, rows, right=["regret"], caption="The sizes that lose most") if rows else None
    label = "share of held-out sizes by regret"
    drawn = distribution.staircase([held.regret for held in library.held], ALLOWED_REGRET, label)
    return tag(
        "section",
        tag("h2", "Regret audit", id="audit"),
        tag("p", library.audited()),
        figure(drawn, "Sizes that were not used for deciding, by what the decision loses there.", worst)
        if drawn
        else worst,
    )
