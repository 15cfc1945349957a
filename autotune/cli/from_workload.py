"""``autotune calibrate --from``: the workloads, what is spent on them, and what that brings."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from .. import quantity
from ..errors import UnknownKernel, WorkloadError
from ..machine import fingerprint
from ..profile import files
from ..profile.tuning.calibration import Outcome, calibrate_workload
from ..profile.tuning.planning import Target, slower_then
from ..profile.workload import Workload
from .common import NOTHING_RECORDED, as_text, console, print_json, table

#: Calls that took so many times what they take in a race now were made under other conditions: two runs of the same
#: differ by some percent (MEASUREMENT.md, section 1), calls that get fresh memory or neighbours by tens of percent.
UNLIKE = 1.3


def read(given: Iterable[str]) -> Workload:
    """The workloads of ``--from``, each once or as often as ``=WEIGHT`` says, as one.

    Raises
    ------
    BadParameter
        A file is missing or no workload, or a weight is no number above 0.
    """
    workloads, weights = [], []
    for word in map(as_text, given):
        path, weight = _weighted(word)
        try:
            workloads.append(files.read(path))
        except WorkloadError as error:
            raise click.BadParameter(str(error), param_hint="--from") from error
        weights.append(weight)
    return files.merge(workloads, weights)


def _weighted(word: str) -> tuple[str, float]:
    """A path and its weight; a file may have a = in its name."""
    path, equals, text = word.rpartition("=")
    if not equals or Path(word).exists():
        return word, 1.0
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise click.BadParameter(
            f"{word!r}: the weight {text!r} is no number above 0; expected FILE or FILE=WEIGHT, such as {path}=0.5",
            param_hint="--from",
        )
    return path, weight


def run(
    workload: Workload, kernels: tuple[str, ...], *, effort: str, budget: float | None, runs: float, force: bool,
    progress: Any, as_json: bool,
) -> int:  # fmt: skip
    """Calibrate what a workload calls, and print what that brings; the exit code."""
    if not workload.kernels:
        click.echo("autotune: the workload has no calls of kernels; nothing is to be calibrated", err=True)
        return NOTHING_RECORDED
    try:
        with progress:
            found = calibrate_workload(
                workload, names=map(as_text, kernels), effort=effort, budget=budget, runs=runs, force=force,
                tell=progress.tell,
            )  # fmt: skip
    except UnknownKernel as error:
        raise click.BadParameter(str(error), param_hint="KERNEL") from error
    if as_json:
        print_json(as_data(found, runs))
    elif found.resolved.kernels:
        show(found, runs)
    for kernel, reason in found.resolved.gone.items():
        click.echo(f"not there: {kernel}: {reason}", err=True)
    if not found.resolved.kernels:
        return NOTHING_RECORDED
    return 0


def rows_of(found: Outcome) -> list[dict[str, Any]]:
    """What the table tells, by kernel, the one that saves most first."""
    by_kernel: dict[str, list[Target]] = {}
    for target in found.targets:
        by_kernel.setdefault(target.about.known.kernel.id, []).append(target)
    rows = []
    for kernel, targets in by_kernel.items():
        before_s = sum(target.before_s for target in targets)
        after_s = sum(target.after_s for target in targets)
        spent_s = sum(target.about.spent_s for target in targets)
        known = any(site.now is not None for target in targets for site in target.sites)
        rows.append({
            "kernel": kernel, "share": _ratio(before_s, found.workload.run.wall_s), "before_s": before_s,
            "after_s": after_s, "saving_s": before_s - after_s, "spent_s": spent_s,
            "known": known, "pays_back_after_runs": pays_back(spent_s, before_s - after_s),
            "signatures": [_target(target) for target in targets],
        })  # fmt: skip
    return sorted(rows, key=lambda row: row["saving_s"], reverse=True)


def _target(target: Target) -> dict[str, Any]:
    return {
        "signature": str(target.about.signature), "before_s": target.before_s, "after_s": target.after_s,
        "sizes": [
            {
                "size": dict(site.size), "calls": site.calls.calls, "before_s": site.before_s,
                "after_s": site.before_s * site.ratio, "served": site.calls.served,
                "known_from": "measured" if site.after is not None else "recorded" if site.now is not None else "",
                "interval_s": [site.before_s * bound for bound in site.after[1:]] if site.after is not None else None,
                "expected": [site.best.ratio, site.best.source], "not_measured": site.unable,
            }
            for site in target.sites
        ],
    }  # fmt: skip


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def pays_back(spent_s: float, saving_s: float) -> int | None:
    """The number of runs after which measuring has paid; None if it never does."""
    if spent_s <= 0:
        return 0
    return math.ceil(spent_s / saving_s) if saving_s > 0 else None


def totals(found: Outcome) -> dict[str, Any]:
    """Before, after and saving of the whole program, what it takes to load compiled code included."""
    before_s = sum(target.before_s for target in found.targets)
    after_s = sum(target.after_s for target in found.targets)
    saving_s = before_s - after_s - (found.start_s or 0.0)
    wall_s = found.workload.run.wall_s
    return {
        "wall_s": wall_s, "expected_wall_s": max(0.0, wall_s - saving_s), "before_s": before_s, "after_s": after_s,
        "slower_then": slower_then(found.targets), "start_s": found.start_s, "saving_s": saving_s,
        "spent_s": found.spent_s, "pays_back_after_runs": pays_back(found.spent_s, saving_s),
    }  # fmt: skip


def as_data(found: Outcome, runs: float) -> dict[str, Any]:
    """For `--json`."""
    from ..store import summary

    return {
        "total": totals(found), "kernels": rows_of(found), "runs": runs, "ended": found.reason,
        "seconds": round(found.spent_s, 2), "left_out": [f"{name}: {reason}" for name, reason in found.left_out],
        "gone": found.resolved.gone, "records": [summary.as_data(record) for record in found.records],
        "recorded_mode": found.workload.run.mode,
    }  # fmt: skip


def show(found: Outcome, runs: float) -> None:
    """The table of kernels, the sum, and what is to be said of it."""
    made = table(
        "A run of the program, by kernel", "kernel", "share", "before", "after", "saves", "measured in", "pays back",
        right=["share", "before", "after", "saves", "measured in"],
    )  # fmt: skip
    for row in rows_of(found):
        made.add_row(
            row["kernel"].rpartition(":")[2], f"{row['share']:.0%}", quantity.duration(row["before_s"]),
            quantity.duration(row["after_s"]), _signed(row["saving_s"]),
            quantity.duration(row["spent_s"] or None),
            _after_runs(row["pays_back_after_runs"], row["spent_s"], known=row["known"]),
        )  # fmt: skip
    sums = totals(found)
    made.add_section()
    made.add_row(
        "the program", "100%", quantity.duration(sums["wall_s"]), quantity.duration(sums["expected_wall_s"]),
        _signed(sums["saving_s"]), quantity.duration(sums["spent_s"]), _after_runs(sums["pays_back_after_runs"], 1.0),
    )  # fmt: skip
    console().print(made)
    for text in notes(found, runs):
        click.echo(text)


def _after_runs(runs: int | None, spent_s: float, *, known: bool = False) -> str:
    if spent_s <= 0:
        return "known already" if known else "not measured"
    return "never" if runs is None else f"after {runs:,} run{'s' if runs != 1 else ''}"


def notes(found: Outcome, runs: float) -> list[str]:
    """What the prediction counts, why it ended, and what was left out."""
    run = found.workload.run
    said = []
    if run.runs > 1:
        said.append(f"A run is {run.runs} recorded runs, each as often as its weight says.")
    if run.machine and run.machine != dict(fingerprint().hard):
        said.append(
            f"Recorded on another machine ({run.label or 'unnamed'}): times are those there, ratios those here."
        )
    if run.mode:
        said.append(f"Recorded with AUTOTUNE_MODE={run.mode}; what is saved is saved of that.")
    slower = slower_then(found.targets)
    if slower is not None and not 1 / UNLIKE < slower < UNLIKE:
        said.append(
            f"What served took {slower:.2g} times as long in the program as over and over now: with other data or "
            "fresh memory, or because the machine was busier then; if it was, record again."
        )
    counted = "Counted is what calls take again and again, not the first of each, which loads and tunes."
    if found.start_s is not None and found.start_s > 0.01:
        counted += f" Loading compiled code adds {quantity.duration(found.start_s)} to a run; the sum counts that."
    elif found.start_s is None:
        counted += " What loading compiled code adds could not be told."
    said.append(counted)
    said.append(
        f"Ended because {found.reason}; savings are counted for {runs:,.0f} runs (--runs)."
        if found.reason != "the budget is spent"
        else f"Ended because the budget is spent; more would pay within {runs:,.0f} runs (--runs)."
    )
    said += [f"left out: {name}: {reason}" for name, reason in found.left_out]
    return said


def _signed(seconds: float) -> str:
    """A time that may be lost as well as saved."""
    return f"{'-' if seconds < 0 else ''}{quantity.duration(abs(seconds))}"
