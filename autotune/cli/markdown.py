"""The report of `autotune baseline compare` in words, for a terminal and as Markdown for a pull request."""

from __future__ import annotations

from .. import quantity
from ..profile.pairs.watch import Entry, Report

#: What a verdict is called.
WORDS = {"slower": "SLOWER", "faster": "faster", "same": "no change"}


def title(report: Report, name: str) -> str:
    """What was compared with what, and how."""
    if report.paired:
        commit = "" if name == report.against else f" ({report.against[:12]})"
        return f"Working tree against {name[:40]}{commit}: {report.pairs} pairs of processes, seed {report.seed}"
    return f"Working tree against ratios saved in {name}: {report.pairs} processes"


def cells(entry: Entry) -> list[str]:
    """Time, change, interval and verdict of one benchmark."""
    seconds = quantity.duration(entry.seconds) if entry.seconds is not None else ""
    if entry.verdict is None:
        return [seconds, "", "", entry.note]
    found = entry.verdict.ratio
    word = WORDS[entry.verdict.change]
    if entry.verdict.second is not None and entry.verdict.change == "same":
        word = "no change: slower in the first set alone"
    interval = f"{found.low - 1:+.1%} – {found.high - 1:+.1%}"
    return [seconds, f"{found.ratio - 1:+.1%}", interval, word]


def summary(report: Report) -> str:
    """One line: how many became slower."""
    slower = sum(entry.verdict is not None and entry.verdict.change == "slower" for entry in report.entries)
    failed = sum(entry.failed for entry in report.entries)
    compared = sum(entry.verdict is not None for entry in report.entries)
    parts = [f"{slower or 'none'} of {compared} became slower by more than {report.limit * 100:g} %"]
    if failed:
        parts.append(f"{failed} fail")
    return ", ".join(parts)


def report(found: Report, name: str) -> str:
    """The report as Markdown."""
    mark = "❌" if found.failed else "✅"
    lines = [
        f"### {mark} Performance: {summary(found)}",
        "",
        f"{title(found, name)}.",
        "",
        "| benchmark | time now | change | 95 % interval | |",
        "| --- | ---: | ---: | ---: | --- |",
        *("| " + " | ".join(_escaped(cell) for cell in (entry.name, *cells(entry))) + " |" for entry in _sorted(found)),
        "",
        *(f"> {note}\n" for note in found.notes),
        "A slowdown is reported where the mean of the pairs is above the limit, its lower 95 % bound is above nothing, "
        "and a second set of pairs, of fresh processes again, agrees.",
    ]
    return "\n".join(lines) + "\n"


def _sorted(found: Report) -> list[Entry]:
    """What is bad first, then what changed most."""
    return sorted(
        found.entries, key=lambda entry: (not entry.bad, -(entry.verdict.ratio.ratio if entry.verdict else 0.0))
    )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
