"""A report in the terminal: as many columns as it is wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import quantity
from ..profile.report.advice import Advice
from ..profile.report.findings import Findings, Spot
from ..profile.report.library import Library
from ..store import summary
from .common import table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

#: Hot spots that are shown; the rest stands in the file and in --json.
MOST = 20
#: Reasons why calls are not tuned, of those that take most.
REASONS = 6
#: Columns of the terminal from which on a spot has all columns, the usual ones, and more than two.
WIDE, USUAL, NARROW = 118, 76, 36
#: What is not printable and harmless: the end of a line, and a space that does not break one.
KEPT = "\n\u00a0"
#: Cells of a bar that shows a share.
BAR_CELLS = 8


def of_workload(out: Console, found: Findings, told: Sequence[Advice]) -> None:
    """Hot spots first, then what to do."""
    from rich.markup import escape

    run = found.run
    out.print(f"[bold]{escape(plain(' '.join(run.command)) or 'a program')}[/bold]")
    out.print(escape(plain(_summary(found))))
    made = _spots(found.spots[:MOST], out.width)
    out.print(made)
    if len(found.spots) > MOST:
        rest = found.spots[MOST:]
        share = quantity.share(sum(spot.share for spot in rest))
        out.print(f"[dim]{len(rest)} more take {share} of the time: -o report.html or --json shows them[/dim]\n")
    for line in untuned(found.spots):
        out.print(f"[dim]not tuned[/dim]  {escape(plain(line))}")
    for one in told:
        mark = "[yellow]![/yellow]" if one.warning else "[cyan]→[/cyan]"
        out.print(
            f"{mark} {escape(plain(one.text))}"
            + (f"\n  [bold]{escape(plain(one.command))}[/bold]" if one.command else "")
        )


def untuned(spots: Sequence[Spot]) -> list[str]:
    """Calls of which nothing is known, with the reason, hottest first."""
    shares: dict[str, float] = {}
    for spot in spots:
        if spot.saving_s is None:
            told = f"{spot.name} ({spot.arguments}): {spot.reason}"
            shares[told] = shares.get(told, 0.0) + spot.share
    ordered = sorted(shares.items(), key=lambda item: -item[1])[:REASONS]
    return [f"{quantity.share(share)}  {told}" for told, share in ordered]


def of_library(out: Console, library: Library) -> None:
    """Gains by kernel, and the regret audit."""
    from rich.markup import escape

    figures = "; ".join(f"{what} {much} ({about})" for what, much, about in library.figures())
    out.print(escape(figures))
    made = table("What tuning gains", "kernel", "speed-up", "range", "sizes", "regret", "at worst",
                 right=["speed-up", "range", "sizes", "regret", "at worst"])  # fmt: skip
    for gain in library.gains:
        regrets = [held.regret for record in gain.about.records for held in record.held_out]
        mean = sum(regrets) / len(regrets) if regrets else None
        made.add_row(
            escape(plain(gain.about.name)), gain.text, gain.extremes, str(gain.sizes), quantity.share(mean),
            quantity.share(max(regrets, default=None)),
        )  # fmt: skip
    out.print(made)
    out.print(escape(library.audited()))


def plain(text: str) -> str:
    """A name of a file without what would command the terminal."""
    return "".join(letter if letter.isprintable() or letter in KEPT else "\ufffd" for letter in text)


def _summary(found: Findings) -> str:
    run, share = found.run, found.share_of_wall
    wall = quantity.duration(run.wall_s) + (f" ({quantity.share(share)})" if share is not None else "")
    parts = [
        f"{quantity.duration(found.kernel_s)} of {wall} in {len(found.parts)} kernels",
        f"{quantity.count(found.calls)} calls",
        f"launching {quantity.duration(found.launch_s)}" if found.launch_s else "",
        f"slow calls {quantity.duration(found.slow_s)}" if found.slow_s else "",
        f"loading and tuning {quantity.duration(found.miss_s)}" if found.miss_s else "",
        f"peak {quantity.memory(run.peak_bytes)}" if run.peak_bytes else "",
        f"{run.processes} processes" if run.processes != 1 else "",
        f"{run.threads} threads" if run.threads != 1 else "",
    ]
    return ", ".join(part for part in parts if part)


def _spots(spots: Sequence[Spot], width: int) -> Table:
    """The table of hot spots; what belongs to a name stands under it."""
    from rich.text import Text

    if width >= WIDE:
        names = ["kernel", "size", "calls", "time", "share", "a call", "served by", "best possible", "saving"]
    elif width >= USUAL:
        names = ["kernel", "time", "share", "served by", "best possible", "saving"]
    else:
        names = ["kernel", "time", "share"] if width >= NARROW else ["kernel", "share"]
    made = table("Hot spots", *names, right=["calls", "time", "a call", "saving"])
    for column, name in zip(made.columns, names, strict=True):
        column.no_wrap = name in ("calls", "time", "share", "a call", "saving")
    for spot in spots:
        size = quantity.size(spot.size)
        small = size if width >= USUAL else f"{size}\n{spot.server} → {' '.join(filter(None, best(spot)))}"
        cells = {
            "kernel": (spot.name, spot.arguments if width >= WIDE else small),
            "size": (size, ""),
            "calls": (quantity.count(spot.calls), ""),
            "time": (quantity.duration(spot.total_s), ""),
            "share": (quantity.share(spot.share), bar(spot.share)),
            "a call": (quantity.duration(spot.median_s), f"{spot.tail} {quantity.duration(spot.tail_s)}"),
            "served by": summary.candidate_parts(spot.server),
            "best possible": best(spot),
            "saving": (quantity.duration(spot.saving_s) if spot.saving_s else quantity.NONE, ""),
        }
        row = []
        for name in names:
            above, below = (plain(text) for text in cells[name])
            row.append(Text(above) if not below else Text.assemble(above, "\n", (below, "dim")))
        made.add_row(*row)
    return made


def best(spot: Spot) -> tuple[str, str]:
    """The fastest that is known with its time, or that none is."""
    if not spot.best:
        return "not measured", ""
    if spot.as_served:
        return "as served", ""
    variant, setting = summary.candidate_parts(spot.best)
    took = "" if spot.best_s is None else quantity.duration(spot.best_s).replace(" ", "\u00a0")
    return variant, ", ".join(filter(None, [setting, took]))


def bar(share: float) -> str:
    """A share as a bar of block letters."""
    eighths = round(min(1.0, max(0.0, share)) * BAR_CELLS * 8)
    return "█" * (eighths // 8) + (" ▏▎▍▌▋▊▉"[eighths % 8] if eighths % 8 else "")
