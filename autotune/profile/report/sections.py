"""Sections of the page of a workload: hot spots, what is not tuned, launching, memory, threads.

Knows nothing of files, or of the page around them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ... import quantity
from . import bars
from .advice import Advice
from .blocks import candidate, figure, meter, opening, table
from .findings import Findings, Spot
from .knowledge import Known
from .markup import Html, tag

#: Rows of the table of hot spots before the rest is folded away, and kernels in the chart of times.
HOT, CHARTED = 15, 20
#: Rows that are folded away at most; a table of more is for machines.
FOLDED = 300


def about(found: Findings) -> str:
    run = found.run
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(min(max(run.started_s, 0.0), 4e9)))
    parts = [f"recorded {when}", run.label or "", f"mode {run.mode}" if run.mode else ""]
    parts.append(f"{run.runs} runs" if run.runs > 1 else "")
    parts.append(f"exit code {run.exit_code}" if run.exit_code else "")
    return "; ".join(part for part in parts if part)


def figures(found: Findings) -> list[tuple[str, str, str]]:
    run, share = found.run, found.share_of_wall
    in_kernels = f"{quantity.share(share)} of {quantity.duration(run.wall_s)}" if share is not None else (
        f"of {run.processes} processes, {run.threads} threads; wall {quantity.duration(run.wall_s)}"
    )  # fmt: skip
    return [
        ("in kernels", quantity.duration(found.kernel_s), in_kernels),
        ("calls", quantity.count(found.calls), f"of {len(found.parts)} kernels"),
        ("could be saved", *_much(found.saving_s, found)),
        ("first, slow calls", *_much(found.miss_s + found.slow_s, found)),
        ("not tuned", *_much(found.untuned_s, found)),
        ("launch overhead", *_much(found.launch_s, found)),
        ("memory peak", quantity.memory(run.peak_bytes) if run.peak_bytes else quantity.NONE, ""),
    ]


def _much(part_s: float, found: Findings) -> tuple[str, str]:
    return (quantity.duration(part_s), _of(part_s, found)) if part_s > 0 else (quantity.NONE, "")


def _of(part_s: float, found: Findings) -> str:
    return f"{quantity.share(part_s / found.kernel_s)} of it" if found.kernel_s else ""


def advised(items: Sequence[Advice]) -> Html | None:
    if not items:
        return None
    return tag(
        "ul",
        [
            tag("li", one.text, [" ", tag("code", one.command, class_="command")] if one.command else None,
                class_="warn" if one.warning else None)
            for one in items
        ],
        class_="advice",
    )  # fmt: skip


def hot(found: Findings, anchors: Mapping[str, str]) -> list[Html]:
    """The chart of kernels and the table of spots."""
    charted = found.parts[:CHARTED]
    rows = []
    for part in charted:
        slow = min(part.slow_s, part.self_s - part.saving_s)
        launch = min(part.launch_s, part.self_s - part.saving_s - slow)
        rest = part.self_s - part.saving_s - slow - launch
        rows.append(
            bars.Row(
                part.name, f"#{anchors[part.kernel]}",
                [(rest, "spent", f"{quantity.duration(rest)} of work"),
                 (launch, "launch", f"{quantity.duration(part.launch_s)} of launching"),
                 (slow, "slow", f"{quantity.duration(part.slow_s)} in slow calls"),
                 (part.saving_s, "could", f"{quantity.duration(part.saving_s)} could be saved")],
                f"{quantity.duration(part.self_s)} · {quantity.share(part.share)}",
            )
        )  # fmt: skip
    drawn = bars.stacked(rows, "time by kernel, hottest first")
    legend = tag(
        "span",
        [tag("span", class_="key spent"), "work", tag("span", class_="key launch"), "launching",
         tag("span", class_="key slow"), "slow calls",
         tag("span", class_="key could"), "could be saved with what is measured here"],
    )  # fmt: skip
    numbers = [
        [part.name, quantity.count(part.calls), quantity.duration(part.self_s), quantity.duration(part.total_s),
         quantity.duration(part.launch_s), quantity.duration(part.slow_s), quantity.duration(part.saving_s),
         quantity.duration(part.untuned_s), quantity.count(part.misses), quantity.duration(part.miss_s)]
        for part in found.parts
    ]  # fmt: skip
    head = [
        "kernel",
        "calls",
        "own time",
        "with kernels it calls",
        "launching",
        "slow calls",
        "could be saved",
        "not tuned",
        "misses",
        "loading, tuning",
    ]
    made = []
    if drawn is not None:
        made.append(
            figure(drawn, legend, opening(f"Numbers: {len(numbers)} kernels", table(head, numbers, right=head[1:])))
        )
    made.append(_spots(found.spots[:HOT], anchors, 1))
    more = found.spots[HOT:]
    if more:
        share = quantity.share(sum(spot.share for spot in more))
        made.append(
            opening(f"{len(more)} more, {share} of the time", _spots(more[:FOLDED], anchors, HOT + 1), _cut(more))
        )
    return made


def _cut(rows: Sequence[object]) -> Html:
    """What is said of rows beyond those that are shown."""
    left = len(rows) - FOLDED
    return tag("p", f"{left:,} more: autotune report --json" if left > 0 else "", class_="caption")


def _spots(spots: Sequence[Spot], anchors: Mapping[str, str], first: int) -> Html:
    hottest = max((spot.share for spot in spots), default=0.0) or 1.0
    rows = [
        [
            joined_name(spot, anchors, number),
            [quantity.size(spot.size), tag("small", _ranges(spot)) if spot.ranges else None],
            quantity.count(spot.calls),
            _a_call(spot),
            meter(spot.share / hottest, f"{quantity.duration(spot.total_s)} · {quantity.share(spot.share)}"),
            [candidate(spot.server), _others(spot)],
            _best(spot),
            tag("span", saving(spot), class_="gain" if spot.saving_s else None),
        ]
        for number, spot in enumerate(spots, first)
    ]
    head = ["kernel", "size", "calls", "a call", "time", "served by", "best possible", "saving"]
    return table(head, [[_cell(cell) for cell in row] for row in rows], right=["calls", "a call", "saving"])


def _a_call(spot: Spot) -> list[Html | str | None]:
    """What a call took, at most took, and took when it was measured, if that is another time."""
    measured = tag("small", f"measured {quantity.duration(spot.expected_s)}") if spot.unlike else None
    return [quantity.duration(spot.median_s), tag("small", f"{spot.tail} {quantity.duration(spot.tail_s)}"), measured]


def _cell(cell: str | Html | Sequence[str | Html | None]) -> str | Html:
    return cell if isinstance(cell, str) else tag("div", *cell)


def joined_name(spot: Spot, anchors: Mapping[str, str], number: int) -> Html:
    """The kernel's name, leading to its section, with the arguments under it."""
    name = tag("a", spot.name, href=f"#{anchors[spot.kernel]}", class_="name", title=f"hot spot {number}")
    return tag("div", name, tag("small", spot.arguments))


def _ranges(spot: Spot) -> str:
    return ", ".join(
        f"{name} {quantity.whole(low)} – {quantity.whole(high)}" for name, (low, high) in spot.ranges.items()
    )


def _others(spot: Spot) -> Html | None:
    if len(spot.served) < 2:
        return None
    everyone = sum(spot.served.values())
    others = list(spot.served.items())[1:3]
    told = ", ".join(f"{name} {quantity.share(calls / everyone if everyone else 0.0)}" for name, calls in others)
    return tag("small", told)


def _best(spot: Spot) -> list[Html | str | None]:
    if not spot.best:
        return [tag("span", spot.reason, class_="muted")]
    if spot.as_served:
        return ["as served"]
    return [candidate(spot.best), tag("small", quantity.duration(spot.best_s) if spot.saving_s else spot.reason)]


def saving(spot: Spot) -> str:
    """What the best would save; a dash where nothing or nothing known."""
    return quantity.duration(spot.saving_s) if spot.saving_s else quantity.NONE


def untuned(spots: Sequence[Spot]) -> list[Html]:
    if not spots:
        return []
    rows = [
        [spot.name, spot.arguments, quantity.size(spot.size), quantity.count(spot.calls),
         quantity.duration(spot.total_s), quantity.share(spot.share), spot.reason]
        for spot in spots
    ]  # fmt: skip
    head = ["kernel", "arguments", "size", "calls", "time", "share", "why"]
    made = table(head, rows[:HOT], right=["calls", "time", "share"])
    more = rows[HOT:]
    if not more:
        return [made]
    return [
        made,
        opening(f"{len(more)} more", table(head, more[:FOLDED], right=["calls", "time", "share"]), _cut(more)),
    ]


def launch(found: Findings) -> list[Html]:
    if not found.run.dispatch_s > 0:
        return []
    told = (
        f"Choosing the variant takes {quantity.duration(found.run.dispatch_s)} of a call where it was recorded. In all "
        f"that is {quantity.duration(found.launch_s)}, {_of(found.launch_s, found)}."
    )
    short = sorted(found.spots, key=lambda spot: -spot.launch_s)[:HOT]
    rows = [
        [spot.name, quantity.size(spot.size), quantity.count(spot.calls), quantity.duration(spot.median_s),
         quantity.duration(spot.launch_s), quantity.share(spot.launch_share)]
        for spot in short if spot.launch_s > 0
    ]  # fmt: skip
    head = ["kernel", "size", "calls", "a call", "launching", "share of its time"]
    return [tag("p", told), table(head, rows, right=head[2:])] if rows else [tag("p", told)]


def memory(found: Findings) -> list[Html]:
    hungry = sorted(
        (spot for spot in found.spots if spot.allocated_bytes > 0), key=lambda s: -s.allocated_bytes * s.calls
    )
    told = f"The program held at most {quantity.memory(found.run.peak_bytes)}. " if found.run.peak_bytes else ""
    if not hungry:
        return [tag("p", told)] if told else []
    everything = sum(spot.allocated_bytes * spot.calls for spot in hungry)
    told += f"Its calls took {quantity.memory(everything)} in all for results and what they needed beside."
    rows = [
        [spot.name, quantity.size(spot.size), quantity.count(spot.calls), quantity.memory(spot.argument_bytes),
         quantity.memory(spot.allocated_bytes), quantity.memory(spot.allocated_bytes * spot.calls),
         quantity.share(spot.warm)]
        for spot in hungry[:HOT]
    ]  # fmt: skip
    head = ["kernel", "size", "calls", "arguments", "a call takes", "all calls", "warm arguments"]
    return [tag("p", told), table(head, rows, right=head[2:])]


def threads(found: Findings, known: Mapping[str, Known]) -> list[Html]:
    run = found.run
    busy = run.cpu_s / run.wall_s if run.wall_s > 0 and run.cpu_s > 0 else None
    threaded = [
        spot for spot in found.spots if any(known[spot.kernel].uses_threads(one) for one in spot.served)
    ]  # fmt: skip
    share = sum(spot.share for spot in threaded)
    rows = [
        ["usable cores", str(run.cores) if run.cores else quantity.NONE],
        ["cores busy on average", f"{busy:.2f}" if busy is not None else quantity.NONE],
        ["Python threads that called kernels, most in one process", str(run.threads)],
        ["processes", str(run.processes)],
        ["time in kernels served by variants with threads", quantity.share(share)],
    ]
    made = [table(["", ""], rows, facts=True)]
    if threaded:
        names = [[s.name, quantity.size(s.size), s.server, quantity.share(s.share)] for s in threaded[:HOT]]
        made.append(
            opening("Who used threads", table(["kernel", "size", "served by", "share"], names, right=["share"]))
        )
    return made
