"""`autotune.stats` and ``kernel.profile()``: what this process has called, and what is decided for it.

Calls and times are those of the recording in force, or of the last one; misses and decisions are known without.
Knows nothing of other processes, and of files.
"""

from __future__ import annotations

import html
import io
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ... import quantity
from ...dispatch.handle import Handle
from ...kernel import registry
from ...kernel.model import REFERENCE
from ...kernel.signature import describe_key
from ..workload import KernelCalls
from . import recorder

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

#: What to do for calls and times.
HOW = "calls and times: with autotune.recording(): …, or autotune record script.py"
#: Columns of plain text where there is no terminal to ask.
WIDTH = 140


@dataclass(frozen=True)
class SizeStats:
    """Calls of one signature at one size, or in one bucket of sizes."""

    signature: str
    size: str
    calls: float
    total_s: float
    median_s: float
    tail_s: float
    served: dict[str, float]


@dataclass(frozen=True)
class DecisionStats:
    """What is decided for one signature, or why nothing is."""

    signature: str
    #: store, shipped, first-use, calibrate, locked, or none.
    source: str
    winners: list[str]
    reason: str = ""


class _Shown(ABC):
    """Data that is shown as tables and notes: as text, in colour by `rich`, and in a notebook."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    def __str__(self) -> str:
        return _text(self._tables(), self._notes())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _html(self._tables(), self._notes())

    def __rich_console__(self, console: Any, options: Any) -> Any:
        yield from _rich(self._tables(), self._notes())

    @abstractmethod
    def _tables(self) -> list[_Table]: ...

    @abstractmethod
    def _notes(self) -> list[str]: ...


@dataclass(frozen=True, repr=False)
class KernelStats(_Shown):
    """What is known of one kernel in this process; text, `_repr_html_` and `to_dict`."""

    kernel: str
    #: Calls, and seconds in them, in them alone, and in looking up what serves them; None where nothing was recorded.
    calls: int | None = None
    total_s: float | None = None
    self_s: float | None = None
    miss_s: float | None = None
    #: Calls of each candidate.
    served: dict[str, float] = field(default_factory=dict)
    #: Calls that had to be looked up since the process began, and signatures tuned by it.
    misses: int = 0
    tuned: int = 0
    #: Variants that are not used any more, for what they did.
    disabled: list[str] = field(default_factory=list)
    sizes: list[SizeStats] = field(default_factory=list)
    decisions: list[DecisionStats] = field(default_factory=list)

    def _tables(self) -> list[_Table]:
        found = []
        if self.sizes:
            rows = [
                [each.signature, each.size, _count(each.calls), quantity.duration(each.total_s),
                 quantity.duration(each.median_s), quantity.duration(each.tail_s), _served(each.served)]
                for each in self.sizes
            ]  # fmt: skip
            columns = ["arguments", "size", "calls", "time", "median", "tail", "served by"]
            found.append(_Table(f"{self.kernel}: calls", columns, rows, {2, 3, 4, 5}))
        decided = [[each.signature, each.source, "; ".join(each.winners) or each.reason] for each in self.decisions]
        if decided:
            found.append(_Table(f"{self.kernel}: decisions", ["arguments", "from", "decided"], decided, set()))
        return found

    def _notes(self) -> list[str]:
        called = (
            "not recorded" if self.calls is None else f"{self.calls:,} calls, {quantity.duration(self.total_s or 0.0)}"
        )
        notes = [f"{self.kernel}: {called}; {self.misses:,} looked up, {self.tuned:,} signatures tuned by this process"]
        notes += [f"disabled: {name}" for name in self.disabled]
        return notes if self.calls is not None else [*notes, HOW]


@dataclass(frozen=True, repr=False)
class Stats(_Shown):
    """What is known of every kernel that this process has called; text, `_repr_html_` and `to_dict`."""

    kernels: list[KernelStats]
    #: Kernels that are declared, called or not.
    declared: int
    #: Whether calls and times are known.
    recorded: bool

    def _tables(self) -> list[_Table]:
        rows = [
            [
                each.kernel,
                "" if each.calls is None else f"{each.calls:,}",
                "" if each.total_s is None else quantity.duration(each.total_s),
                "" if each.self_s is None else quantity.duration(each.self_s),
                _served(each.served) or _sources(each.decisions), f"{each.misses:,}", f"{each.tuned:,}",
            ]
            for each in self.kernels
        ]  # fmt: skip
        columns = ["kernel", "calls", "time", "of its own", "served by", "looked up", "tuned here"]
        return [_Table("Kernels called by this process", columns, rows, {1, 2, 3, 5, 6})] if rows else []

    def _notes(self) -> list[str]:
        notes = [f"{len(self.kernels)} of {self.declared} declared kernels were called"]
        return notes if self.recorded else [*notes, HOW]


def stats() -> Stats:
    """What this process has called so far: calls, time, who served, misses; and what is decided.

    Calls and times are those of the recording in force (`autotune.recording`, `autotune record`, `AUTOTUNE_RECORD`), or
    of the last one in this process; without one, misses and decisions are told.

    Returns
    -------
    Stats
        Prints as a table, shows as one in a notebook; ``.to_dict()`` is plain data.
    """
    handles = [tuned.__autotune__ for tuned in registry.all_kernels()]
    recorded = _recorded()
    found = [of(handle, recorded) for handle in handles if handle.called or handle.kernel.id in recorded]
    found.sort(key=lambda each: -(each.total_s or 0.0))
    return Stats(found, len(handles), recorder.latest is not None)


def of(handle: Handle, recorded: dict[str, KernelCalls] | None = None) -> KernelStats:
    """What is known of one kernel."""
    recorded = _recorded() if recorded is None else recorded
    kernel = recorded.get(handle.kernel.id)
    about: dict[str, Any] = {}
    if kernel is not None:
        served: dict[str, float] = {}
        sizes = []
        for signature in kernel.signatures:
            text = describe_key(signature.signature) if signature.signature else signature.untuned
            for calls in signature.calls:
                sizes.append(SizeStats(
                    text, _size(calls.size, calls.ranges), calls.calls, calls.total_s, calls.median_s, calls.tail_s,
                    calls.served,
                ))  # fmt: skip
                for name, count in calls.served.items():
                    served[name] = served.get(name, 0.0) + count
        about = {
            "calls": kernel.calls, "total_s": kernel.total_s, "self_s": kernel.self_s, "miss_s": kernel.miss_s,
            "served": dict(sorted(served.items(), key=lambda item: -item[1])),
            "sizes": sorted(sizes, key=lambda each: -each.total_s),
        }  # fmt: skip
    elif recorder.latest is not None:
        about = {"calls": 0, "total_s": 0.0, "self_s": 0.0, "miss_s": 0.0}
    if handle.called:
        dispatcher = handle.dispatcher
        info = dispatcher.info()
        about |= {
            "misses": info.misses + info.hits, "tuned": info.tuned, "disabled": sorted(dispatcher.disabled),
            "decisions": _decisions(handle),
        }  # fmt: skip
    return KernelStats(handle.kernel.id, **about)


def _recorded() -> dict[str, KernelCalls]:
    latest = recorder.active or recorder.latest
    return {} if latest is None else {kernel.kernel: kernel for kernel in latest.kernels()}


def _decisions(handle: Handle) -> list[DecisionStats]:
    from ...store.summary import intervals

    return [
        DecisionStats(str(entry.signature), entry.source, intervals(entry.decision), entry.reason or "")
        for entry in list(handle.dispatcher.entries.values())
    ]


# -- showing


@dataclass(frozen=True)
class _Table:
    title: str
    columns: list[str]
    rows: list[list[str]]
    #: Columns of numbers.
    numbers: set[int]


def _rich(tables: Sequence[_Table], notes: Sequence[str]) -> list[Table | Text]:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made: list[Table | Text] = []
    for table in tables:
        shown = Table(title=Text(table.title, style="bold"), box=box.SIMPLE_HEAD, title_justify="left")
        for index, column in enumerate(table.columns):
            shown.add_column(column, justify="right" if index in table.numbers else "left", overflow="fold")
        for row in table.rows:
            shown.add_row(*map(Text, row))
        made.append(shown)
    return [*made, *map(Text, notes)]


def _text(tables: Sequence[_Table], notes: Sequence[str]) -> str:
    """Plain text, as wide as the terminal."""
    from rich.console import Console

    terminal = sys.stdout is not None and sys.stdout.isatty()
    text = io.StringIO()
    console = Console(file=text, width=None if terminal else WIDTH, no_color=True)
    console.print(*_rich(tables, notes), sep="\n")
    return text.getvalue().rstrip()


def _html(tables: Sequence[_Table], notes: Sequence[str]) -> str:
    parts = []
    for table in tables:
        head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
        rows = "".join(
            "<tr>" + "".join(
                f"<td style='text-align:{'right' if index in table.numbers else 'left'}'>{html.escape(cell)}</td>"
                for index, cell in enumerate(row)
            ) + "</tr>"
            for row in table.rows
        )  # fmt: skip
        parts.append(
            f"<table><caption>{html.escape(table.title)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
    return "".join(parts) + "".join(f"<p>{html.escape(note)}</p>" for note in notes)


def _size(size: dict[str, int], ranges: dict[str, tuple[int, int]]) -> str:
    return ", ".join(
        f"{name}={ranges[name][0]:,}…{ranges[name][1]:,}" if name in ranges else f"{name}={value:,}"
        for name, value in size.items()
    )


def _count(calls: float) -> str:
    return f"{calls:,.0f}"


def _served(served: dict[str, float]) -> str:
    """Who served, most calls first."""
    total = sum(served.values())
    several = sorted(served.items(), key=lambda item: -item[1])
    return ", ".join(name if len(several) == 1 else f"{name} {calls / total:.0%}" for name, calls in several)


def _sources(decisions: Sequence[DecisionStats]) -> str:
    known = sum(each.source != "none" for each in decisions)
    return f"{REFERENCE}: nothing is known" if decisions and not known else f"{known} decisions" if known else ""
