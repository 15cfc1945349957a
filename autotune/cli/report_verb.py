"""``autotune report``: where a program's time goes, and what the library is worth on this machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from ..errors import CalibrationError, WorkloadError
from ..machine import fingerprint
from ..profile import files
from ..profile.report import advice, findings, knowledge, library, page
from ..store import summary
from . import report_table
from .common import NOTHING_RECORDED, console, json_option, load_kernels, module_option, print_json


@click.command("report")
@click.argument("workload", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the report with its charts as one HTML file.")  # fmt: skip
@module_option
@json_option
def command(workload: Path | None, output: Path | None, modules: tuple[str, ...], as_json: bool) -> int:
    """Show where the time of a recorded program goes, hot spots first, and what would be faster.

    Without a WORKLOAD: all that is recorded on this machine, with what it gains and how good the decisions are.
    The workload comes from: autotune record script.py
    """
    if workload is None:
        return _library(output, modules, as_json=as_json)
    try:
        recorded = files.read(workload)
    except WorkloadError as error:
        raise click.BadParameter(str(error), param_hint="WORKLOAD") from error
    if not recorded.kernels:
        click.echo(f"{workload}: the program called no tuned kernels; is it one that imports some?", err=True)
        return NOTHING_RECORDED
    known = knowledge.known((kernel.kernel for kernel in recorded.kernels), _declared(modules))
    found = findings.find(recorded, known)
    told = advice.advice(found, str(workload))
    if output is not None:
        files.put(output, page.of_workload(found, known, str(workload)).encode(), "the report")
    if as_json:
        print_json({
            "file": None if output is None else str(output), "findings": as_data(found),
            "advice": [dataclasses.asdict(one) for one in told],
        })  # fmt: skip
    else:
        report_table.of_workload(console(), found, told)
        _written(output)
    return 0


def _library(output: Path | None, modules: tuple[str, ...], *, as_json: bool) -> int:
    """The report without a workload."""
    known = knowledge.everything(_declared(modules))
    if not known:
        other = knowledge.elsewhere()
        click.echo(f"nothing is recorded on this machine yet{f' ({other})' if other else ''}; measure it: "
                   "autotune calibrate", err=True)  # fmt: skip
        return NOTHING_RECORDED
    found = library.survey(list(known.values()))
    if output is not None:
        files.put(output, page.of_library(found).encode(), "the report")
    if as_json:
        print_json({
            "file": None if output is None else str(output), "machine": fingerprint().label,
            "speedup": found.mean_speedup, "held_out": [dataclasses.asdict(held) for held in found.held],
            "records": [summary.as_data(record) for about in found.kernels for record in about.records],
        })  # fmt: skip
    else:
        report_table.of_library(console(), found)
        _written(output)
    return 0


def _declared(modules: tuple[str, ...]) -> list[Any]:
    """The kernels of installed packages, and of the modules that the user names; a workload's word is not taken."""
    if modules:
        own = load_kernels(modules)
        names = {id(one) for one in own}
        return own + [one for one in _declared(()) if id(one) not in names]
    try:
        return load_kernels(())
    except CalibrationError:  # no installed package declares kernels: the records are shown all the same
        return []


def as_data(found: findings.Findings) -> dict[str, Any]:
    """Findings as plain data; times in seconds, memory in bytes."""
    import msgspec

    parts = [{**dataclasses.asdict(part), "name": part.name} for part in found.parts]
    return {
        "run": msgspec.to_builtins(found.run), "kernel_s": found.kernel_s, "share_of_wall": found.share_of_wall,
        "calls": found.calls, "saving_s": found.saving_s, "launch_s": found.launch_s, "slow_s": found.slow_s,
        "miss_s": found.miss_s, "untuned_s": found.untuned_s,
        "other_machine": list(found.other_machine), "kernels": parts,
    }  # fmt: skip


def _written(output: Path | None) -> None:
    if output is not None:
        click.echo(f"report written to {output}")
