"""``autotune calibrate``: the main job."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from ..machine import fingerprint
from ..machine.fingerprint import cpu_label
from ..machine.load import Load, current_load
from ..store import store, summary
from ..store.record import Record
from ..tuner.effort import EFFORTS
from .common import console, dtype_option, json_option, kernel_of, load_kernels, module_option, parse_sizes

from .common import print_json, table  # isort: skip


@click.command("calibrate")
@click.argument("kernels", nargs=-1, metavar="[KERNEL…]")
@module_option
@click.option("--effort", type=click.Choice(list(EFFORTS)), default="standard", show_default=True)
@click.option("--budget", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Seconds for everything.")
@dtype_option
@click.option("--size", "sizes", multiple=True, metavar="n=LO:HI", help="Calibrate this range of a size instead.")
@click.option("--force", is_flag=True, help="Measure anew what is already known.")
@click.option(
    "--from",
    "workloads",
    multiple=True,
    metavar="FILE[=WEIGHT]",
    help="Calibrate what a recorded program calls, at its sizes, where that saves most; may be given more than once.",
)
@click.option(
    "--runs",
    type=click.FloatRange(min=0, min_open=True),
    metavar="N",
    help="With --from: measure only what saves more time in so many runs of the program than it takes (100).",
)
@json_option
def command(
    kernels: tuple[str, ...],
    modules: tuple[str, ...],
    effort: str,
    budget: float | None,
    dtype: str | None,
    sizes: tuple[str, ...],
    force: bool,
    workloads: tuple[str, ...],
    runs: float | None,
    as_json: bool,
) -> int:
    """Measure kernels on this machine and record which variant wins at which size.

    Without names: every kernel of every installed kernel package. What is already known and has not changed is kept;
    an interrupted calibration goes on where it was.
    """
    from ..tuner import calibrate

    if workloads:
        if modules or dtype or sizes:
            raise click.UsageError(
                "--from says which kernels, dtypes and sizes; leave out --module, --dtype and --size"
            )
        return _from(workloads, kernels, effort, budget, runs, force, as_json)
    if runs is not None:
        raise click.UsageError("--runs counts runs of a recorded program: give one with --from workload.json")
    ranges = parse_sizes(sizes)
    tuned = load_kernels(modules, kernels)
    chosen = [kernel_of(one) for one in tuned if one.__autotune__.kernel.inputs is not None or kernels]
    store.put([])  # whether records can be saved is known before any work begins
    load = introduce(show=not as_json)
    progress = Progress(show=not as_json)
    started = time.monotonic()
    with progress:
        records = calibrate(
            chosen, effort=effort, budget=budget, only={"dtype": dtype} if dtype else None, sizes=ranges, force=force,
            tell=progress.tell,
        )  # fmt: skip
    took_s = time.monotonic() - started
    if as_json:
        print_json({
            "machine": fingerprint().label, "load": str(load), "seconds": round(took_s, 2), "kept": progress.kept,
            "measured": progress.measured, "updated": progress.updated, "left_out": progress.left_out,
            "records": [summary.as_data(record) for record in records],
        })  # fmt: skip
    else:
        print_summary(records)
        click.echo(f"{progress.measured} measured, {progress.kept} already known, in {took_s:.1f} s")
        for text in progress.left_out:
            click.echo(f"left out: {text}")
    return 0 if not progress.left_out else 1


def introduce(*, show: bool) -> Load:
    """Say where is measured, and whether it is quiet there."""
    load = current_load()
    if show:
        out = console()
        out.print(f"[bold]{cpu_label()}[/bold], {fingerprint().cores.count} usable cores; store {store.root()}")
        if load.busy:
            out.print(
                f"[yellow]The machine is not quiet ({load}). Decisions are paired and stay sound, but take longer and "
                "are marked contended; stop what else is running, or calibrate again later.[/yellow]"
            )
    return load


def _from(
    workloads: tuple[str, ...], kernels: tuple[str, ...], effort: str, budget: float | None, runs: float | None,
    force: bool, as_json: bool,
) -> int:  # fmt: skip
    from ..profile.tuning.calibration import RUNS
    from . import from_workload

    workload = from_workload.read(workloads)
    store.put([])
    introduce(show=not as_json)
    return from_workload.run(
        workload, kernels, effort=effort, budget=budget, runs=RUNS if runs is None else runs, force=force,
        progress=Progress(show=not as_json), as_json=as_json,
    )  # fmt: skip


def print_summary(records: list[Record]) -> None:
    """The table of kernels, intervals with winners, and speed-ups."""
    from ..kernel.signature import describe_key

    made = table(
        "Decisions; speed-ups over the reference as geometric mean and range over the measured sizes",
        "kernel", "arguments", "size", "winner", "speed-up", "quality", right=["speed-up"],
    )  # fmt: skip
    for record in records:
        about = [record.kernel.rpartition(":")[2], describe_key(record.signature)]
        evidence = [summary.speedup_text(record), record.quality]
        for where, winner in summary.winners_by_size(record.decision):
            made.add_row(*about, where or "all", winner, *evidence)
            about, evidence = ["", ""], ["", ""]
    console().print(made)
    notes = [
        f"{record.kernel.rpartition(':')[2]} [{describe_key(record.signature)}]: {failure.candidate} failed: "
        f"{failure.reason}"
        for record in records
        for failure in record.variants.failures
    ]
    for note in notes:
        click.echo(note)


class Progress:
    """A progress bar with the time left, where there is somebody to look at it; otherwise a line for each kernel."""

    def __init__(self, *, show: bool) -> None:
        self.kept = self.measured = 0
        self.left_out: list[str] = []
        #: Signatures of which only what changed was measured, with what that was.
        self.updated: list[str] = []
        self._show = show
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Progress:
        if self._show and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            counts = TextColumn("{task.completed:.0f}/{task.total:.0f}")
            columns = TextColumn("{task.description:48.48}"), BarColumn(), counts, TimeRemainingColumn()
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, event: dict[str, Any]) -> None:
        """One event of a calibration."""
        what = event["event"]
        name = f"{event.get('kernel', '')} [{event.get('signature', '')}]"
        if what == "kept":
            self.kept += 1
        elif what == "done":
            self.measured += 1
            doing = event.get("doing")
            if doing:
                self.updated.append(f"{name}: {doing}")
            said = event.get("kept") or ", ".join(filter(None, [doing, f"{event['spent_s']:.1f} s"]))
            self._line(f"{name}: {said}")
            self._advance("measuring", 1)
        elif what == "left out":
            self.left_out.append(f"{name}: {event['reason']}")
        elif what == "lost":
            step = event["step"]
            self._line(f"{name}: {step.get('candidate', '')} {step['step']}: {event['reason']}; it is left out")
        elif what == "compiled":
            self._advance("compiling", 1, total=event["of"], text=f"compiling {name}")
        elif what == "start":
            self._advance("measuring", 0, total=event["of"], text=f"measuring {name}")
        elif what == "progress" and self._bar is not None:
            self._advance("measuring", 0, text=f"measuring {name} {event.get('size', '')}")

    def _advance(self, task: str, by: int, *, total: int | None = None, text: str | None = None) -> None:
        if self._bar is None:
            return
        if task not in self._tasks:
            self._tasks[task] = self._bar.add_task(text or task, total=total or 1)
        about = {name: value for name, value in (("total", total), ("description", text)) if value is not None}
        self._bar.update(self._tasks[task], advance=by, **about)

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, highlight=False, markup=False)
        elif self._show:
            click.echo(text, err=True)
