"""Pieces of a page that every report has: tables, tiles, the block of one kernel, the machine.

Knows nothing of files.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ... import quantity
from ...kernel.model import REFERENCE
from ...kernel.signature import describe_key
from ...machine import fingerprint
from ...store import summary
from .findings import Spot
from .knowledge import Known
from .markup import Html, tag
from .plots import Plots, in_order, interval

if TYPE_CHECKING:
    from ...store.record import Cell, Leaf, Record

#: Names of the fingerprint's fields for people.
FIELDS = {
    "system": "operating system", "architecture": "architecture", "cpu": "processor", "features": "processor features",
    "caches": "caches", "cores": "usable cores", "numpy": "NumPy", "python": "Python", "kernel": "kernel of the system",
    "numpy_full": "NumPy, in full", "python_full": "Python, in full", "usable_cores": "usable cores, exactly",
    "numba": "Numba", "llvm_cpu": "compiled for", "layer": "threading layer", "wait_policy": "wait policy",
    "threads": "threads of compiled code",
}  # fmt: skip


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[str] = (), caption: str = "",
    facts: bool = False,
) -> Html:  # fmt: skip
    """A table; the columns in `right` hold numbers, the first column heads its row; `facts` is as narrow as can be."""
    numbers = {index for index, name in enumerate(head) if name in set(right)}
    mostly = len(numbers) > len(head) / 2  # then only the others say what they are

    def kind(index: int) -> str | None:
        if mostly:
            return None if index in numbers or not index else "l"
        return "r" if index in numbers else None

    def row(cells: Sequence[str]) -> Html:
        first = tag("th", cells[0], scope="row") if cells else None
        return tag("tr", first, [tag("td", cell, class_=kind(index)) for index, cell in enumerate(cells[1:], 1)])

    headings = [tag("th", name, class_="r" if index in numbers else None) for index, name in enumerate(head)]
    body = tag("tbody", [row(cells) for cells in rows])
    title = tag("caption", caption) if caption else None
    made = tag(
        "table",
        title,
        tag("thead", tag("tr", headings)),
        body,
        class_="facts" if facts else "numbers" if mostly else None,
    )
    return tag("div", made, class_="wide", tabindex="0", role="region", aria_label=caption or "table")


def tiles(items: Iterable[tuple[str, str, str]]) -> Html:
    """Figures in a row: (what, how much, about it)."""
    return tag(
        "dl",
        [tag("div", tag("dt", what), tag("dd", much), tag("dd", about) if about else None)
         for what, much, about in items],
        class_="tiles",
    )  # fmt: skip


def listed(notes: Iterable[str]) -> Html:
    """Short notes."""
    return tag("ul", [tag("li", note) for note in notes], class_="notes")


def candidate(name: str) -> Html:
    """A candidate with its setting under it."""
    variant, setting = summary.candidate_parts(name)
    return tag("span", variant, tag("small", setting) if setting else None)


def meter(part: float, text: str) -> Html:
    """A share with a bar under it."""
    width = min(100.0, max(0.0, 100 * part))
    return tag("span", text, tag("i", tag("b", style=f"--part:{width:.1f}%")), class_="meter")


def figure(drawn: Html, caption: str | Html, data: Html | None = None) -> Html:
    """A chart with its caption, and with its numbers in a table that opens."""
    scrolled = tag("div", drawn, class_="wide", tabindex="0", role="region", aria_label="chart")
    return tag("figure", scrolled, tag("figcaption", caption), data)


def opening(title: str, *content: Html) -> Html:
    """What is shown when asked for."""
    return tag("details", tag("summary", title), *content)


def kernel_block(about: Known, anchor: str, spots: Sequence[Spot] = (), lead: Html | None = None) -> Html:
    """All signatures of one kernel: charts, decisions with their evidence, notes.

    `lead` stands under the heading. With `spots`, only signatures that were called, and their calls are laid over the
    charts.
    """
    module = about.id.partition(":")[0]
    records = about.records
    if spots:
        order = {spot.signature: index for index, spot in reversed(list(enumerate(spots)))}
        records = sorted((r for r in records if r.signature in order), key=lambda r: order[r.signature])
    blocks = [signature_block(about, record, [s for s in spots if s.signature == record.signature])
              for record in records]  # fmt: skip
    heading = tag("h3", about.name, " ", tag("span", module, class_="module"), id=anchor)
    return tag("section", heading, lead, *blocks, class_="kernel")


def signature_block(about: Known, record: Record, spots: Sequence[Spot]) -> Html:
    """One record: what it says and why."""
    curves = about.curves(record.signature)
    assert curves is not None
    plots = Plots(record, curves, spots, in_order(about.records))
    arguments = describe_key(record.signature)
    name = f"{about.name} [{arguments}]"
    drawn = plots.times(f"{name}: time of a call against size, by variant")
    head, rows = plots.table()
    data = opening(f"Numbers: {len(rows)} sizes", table(head, rows, right=head[2:]))
    caption = "Filled markers won at their size; hollow ones lost."
    if len(plots.names) == 1:
        caption = "Above: what serves. Grey: the interval in which a threshold is known to lie."
    if spots:
        caption += " Bars: calls of the workload by their share of the time in kernels; crosses: what they took there."
    mapped = plots.map(f"{name}: who serves which sizes")
    map_caption = "Area: what serves; markers: who won where it was measured."
    if spots:
        map_caption += " Circles: calls of the workload, their area by their share of the time in kernels."
    audit = plots.regrets(f"{name}: regret at sizes that were not used for deciding")
    notes, left_out = about.notes(record), about.left_out(record)
    return tag(
        "div",
        tag("h4", arguments),
        figure(drawn, caption, data) if drawn is not None else data,
        figure(mapped, map_caption) if mapped is not None else None,
        decision_table(about, record),
        _regrets(record, audit),
        listed(notes) if notes else None,
        opening(f"Left out: {len(left_out)}", listed(left_out)) if left_out else None,
    )  # fmt: skip


def _regrets(record: Record, drawn: Html | None) -> list[Html] | None:
    """How good the decision is at sizes that it does not rest on; a sentence where it loses nothing."""
    if not record.held_out:
        return None
    rows = [[quantity.size(h.size), str(h.chosen), str(h.best), quantity.share(h.regret)] for h in record.held_out]
    numbers = opening(
        f"Numbers: {len(rows)} sizes", table(["size", "chosen", "fastest", "regret"], rows, right=["regret"])
    )
    if drawn is None or max(held.regret for held in record.held_out) <= 0:
        told = f"Regret: none at {len(rows)} sizes that were not used for deciding."
        return [tag("p", told, class_="small"), numbers]
    title = tag("h4", "Regret at sizes that were not used for deciding")
    return [title, figure(drawn, "Time of what is chosen over time of the fastest, minus one.", numbers)]


def decision_table(about: Known, record: Record) -> Html:
    """What serves which sizes, and why: the paired gain with its interval, rounds, class of results."""
    rows = []
    for where, leaf in summary.leaves_by_size(record.decision):
        rows.append([
            where or "all sizes", candidate(str(leaf.winner)), candidate(str(leaf.single or "")),
            *_why(_evidence(record, leaf), leaf), _numerics(about, record, leaf.winner.variant),
        ])  # fmt: skip
    head = ["sizes", "served by", "with one thread", "speed-up", "95 % interval", "rounds", "measured at", "results"]
    return table(head, rows, right=["speed-up", "95 % interval", "rounds"], caption=f"Decided by {_origin(record)}")


def _origin(record: Record) -> str:
    made = record.provenance
    when = time.strftime("%Y-%m-%d", time.gmtime(min(max(made.created_s, 0.0), 4e9)))
    return (
        f"{made.origin} ({made.effort}), {record.quality}, {when}, {quantity.duration(made.spent_s)} of measuring; "
        f"sizes: {', '.join(f'{name} = {text}' for name, text in record.sizes.items())}"
    )


def _evidence(record: Record, leaf: Leaf) -> Cell | None:
    """The race in the middle of those that speak for a leaf, first of all of those that its winner won."""
    from ...store.record import lookup

    inside = []
    for cell in record.cells:
        try:
            if lookup(record.decision, cell.size) is leaf:
                inside.append(cell)
        except KeyError:
            continue
    won = [
        cell
        for cell in inside
        if (cell.winner.variant, cell.winner.params) == (leaf.winner.variant, leaf.winner.params)
    ]
    chosen = won or inside
    return chosen[len(chosen) // 2] if chosen else None


def _why(cell: Cell | None, leaf: Leaf) -> list[str]:
    """Speed-up, interval, rounds, and the size at which they were measured."""
    if cell is None:
        return ["", "", "", "between measured sizes"]
    told = None if cell.reason.startswith("fastest") else tag("small", cell.reason)
    at = tag("span", quantity.size(cell.size), told)
    rounds = next((str(m.rounds) for m in cell.measurements if m.candidate == cell.winner), "")
    if cell.winner.variant == REFERENCE or cell.winner.variant != leaf.winner.variant:
        return ["", "", rounds, at]
    return [quantity.factor(1 / cell.ratio if cell.ratio > 0 else None), interval(cell), rounds, at]


def _numerics(about: Known, record: Record, variant: str) -> str:
    """How near to the reference the results of a variant are."""
    if variant == REFERENCE:
        return "the reference"
    declared = about.kernel.variants.get(variant) if about.kernel is not None else None
    distance = record.variants.ulp.get(variant)
    parts = [declared.numerics] if declared is not None else []
    if distance:
        parts.append(f"{distance:.3g} ulp")
    return ", ".join(parts)


def machine_section(records: Sequence[Record], recorded: dict[str, str] | None = None) -> Html:
    """The fingerprint of this machine, beside that of the workload and what compiled code was measured with."""
    here = fingerprint()
    compiled = next((r.provenance.compiled for r in records if r.provenance.compiled), {})
    now = {**here.hard, **here.soft, **compiled}
    head = ["", "this machine"] + (["where it was recorded"] if recorded else [])
    rows = []
    for name, value in now.items():
        row = [FIELDS.get(name, name), value]
        if recorded:
            then = recorded.get(name, "")
            row.append(then if then in ("", value) else tag("strong", then))
        rows.append(row)
    qualities = [record.quality for record in records]
    contended = sum(quality != "clean" for quality in qualities)
    told = f"{len(records)} records" + (
        f", {contended} of them measured beside other work" if contended else ", all clean"
    )
    return tag(
        "section",
        tag("h2", "Machine", id="machine"),
        tag("p", told + ".", class_="muted"),
        table(head, rows, facts=True),
    )
