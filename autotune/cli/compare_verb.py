"""``autotune compare SCRIPT``: what tuning gains a program, and whether it gives the same."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click

from .. import settings
from ..machine.load import current_load
from ..measure.regression import FEWEST_PAIRS, PAIRS
from ..profile.pairs.agreement import Agreement
from ..profile.pairs.comparison import OFF, TUNED, Comparison, Program, compare
from ..profile.pairs.launch import MAX_OUTPUT_BYTES
from ..profile.pairs.numbers import TOLERANCE
from ..store import shipped, store
from .common import json_option, print_json
from .progress import Bar

#: Lines of differences that are printed; the rest is counted, and stands in the JSON.
SHOWN = 5


@click.command("compare", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="SCRIPT|-m MODULE [ARGUMENT]…")
@click.option(
    "--pairs", type=click.IntRange(FEWEST_PAIRS, 1000), default=PAIRS, show_default=True, help="Pairs of runs."
)
@click.option("--seconds", type=click.FloatRange(min=0), metavar="S", help="Begin no pair after so many seconds.")
@click.option("--seed", type=int, help="Of the order within the pairs; the date by default, such as 20260131.")
@click.option(
    "--tolerance", type=click.FloatRange(min=0), default=TOLERANCE, show_default=True,
    help="Relative difference between numbers that agree.",
)  # fmt: skip
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Seconds for a run.")
@click.option("--in-place", is_flag=True, help="Run where you are, not in copies of the working directory.")
@click.option("--fail-below", type=click.FloatRange(min=0), metavar="X", help="Exit 1 if the speed-up is surely less.")
@json_option
def command(
    words: tuple[str, ...], pairs: int, seconds: float | None, seed: int | None, tolerance: float,
    timeout: float | None, in_place: bool, fail_below: float | None, as_json: bool,
) -> int:  # fmt: skip
    """Run a program with and without tuning, in randomised pairs of fresh processes, and print what tuning gains.

    Options of autotune stand before the script, those of the program after it. First come runs that are not counted:
    one with AUTOTUNE_MODE=off, one in your own mode, which tunes what is not known, and one in mode use. The counted
    runs with tuning are in mode use (or locked, if that is yours): nothing is tuned while it is measured. Each runs in
    a fresh copy of the working directory; what it prints, and the files it writes there, are compared. Time is that of
    the whole process. Exits 1 if a run fails, results differ, or the speed-up is below the limit.
    """
    program = Program(command_of(words), directory=Path.cwd(), in_place=in_place, timeout_s=timeout)
    load = current_load()
    if load.busy and not as_json:
        click.echo(f"the machine is not quiet ({load}): intervals will be wide", err=True)
    with Bar(show=not as_json) as bar:
        found = compare(
            program, pairs=pairs, budget_s=seconds, tolerance=tolerance, tell=bar.tell,
            seed=int(time.strftime("%Y%m%d")) if seed is None else seed,
        )  # fmt: skip
    too_little = fail_below is not None and found.speedup.high < fail_below
    shipped_here = settings.current().shipped and shipped.known_here()
    nothing_known = found.mode == "use" and not shipped_here and not store.load_all()
    if as_json:
        print_json(data(found, tolerance, nothing_known=nothing_known, failed=too_little or not found.agrees))
    else:
        tell(found, tolerance, nothing_known=nothing_known)
        if too_little:
            click.echo(f"the speed-up is below {fail_below:g}: at most {found.speedup.high:.2f}")
    return 1 if too_little or not found.agrees else 0


def command_of(words: tuple[str, ...]) -> list[str]:
    """The command that runs a script, which lies in the copy too if it lies in the working directory, or a module."""
    if not words or words == ("-m",):
        raise click.UsageError("name a script, or a module: autotune compare script.py, autotune compare -m module")
    if words[0] == "-m":
        return [sys.executable, *words]
    if words[0].startswith("-"):
        raise click.NoSuchOption(words[0])
    script = Path(words[0]).resolve()
    if not script.exists():
        raise click.UsageError(f"{words[0]}: no such script")
    here = Path.cwd().resolve()
    return [sys.executable, str(script.relative_to(here) if script.is_relative_to(here) else script), *words[1:]]


def tell(found: Comparison, tolerance: float, *, nothing_known: bool) -> None:
    """Print what was found."""
    speedup, between_s = found.speedup, found.saved_between_s
    click.echo(f"{shlex.join(found.command[1:])}: {found.pairs} pairs of runs in random order (seed {found.seed})")
    for name, side in (("without tuning", OFF), (f"with, mode {found.mode}", TUNED)):
        times = sorted(found.seconds[side])
        cpu = sorted(found.cpu_s[side])
        processor = f"; processor time {cpu[len(cpu) // 2]:.3g} s" if cpu else ""
        click.echo(
            f"  {name:16} {times[len(times) // 2]:.3g} s in the middle, {times[0]:.3g} to {times[-1]:.3g}{processor}"
        )
    click.echo(
        f"  speed-up         {speedup.ratio:.2f} x (95 % interval {speedup.low:.2f} – {speedup.high:.2f}), "
        f"{meaning(found)}"
    )
    click.echo(f"  saved            {found.saved_s:.3g} s a run ({between_s[0]:.3g} – {between_s[1]:.3g})")
    if speedup.high < 1:
        click.echo(
            "  a run that uses compiled code begins with importing Numba and loading that, some 0.3 to 0.7 s, which a "
            "short program does not make up for"
        )
    if nothing_known:
        click.echo(
            "  nothing is recorded in the store: both kinds of runs used the references; measure first: "
            "autotune calibrate, or a run outside of CI"
        )
    _tell_agreement("standard output", "lines", found.output, tolerance)
    if found.cut:
        click.echo(f"  more was printed than is compared: the first {MAX_OUTPUT_BYTES >> 20} MiB")
    _tell_agreement("files written", "files", found.files, tolerance)


def meaning(found: Comparison) -> str:
    if not found.significant:
        return "not significant: no difference can be told"
    return "significant: faster" if found.speedup.ratio > 1 else "significant: slower"


def _tell_agreement(title: str, things: str, found: Agreement, tolerance: float) -> None:
    if not found.compared:
        click.echo(f"  {title}: none")
        return
    same = found.compared - found.varying - found.times - len(found.different)
    parts = [f"{same} of {found.compared} {things} agree (tolerance {tolerance:g}, largest {found.largest:.2g})"]
    if found.times:
        parts.append(f"{found.times} differ in times alone")
    if found.varying:
        parts.append(f"{found.varying} differ between runs without tuning too")
    if found.different:
        parts.append(f"{len(found.different)} DIFFER with tuning")
    click.echo(f"  {title}: {'; '.join(parts)}")
    for name, what, expected, other in found.different[:SHOWN]:
        click.echo(f"    {name}: {what}")
        if expected or other:
            click.echo(f"      without  {expected:.100}\n      with     {other:.100}")


def data(found: Comparison, tolerance: float, *, nothing_known: bool, failed: bool) -> dict[str, Any]:
    """What was found, for `--json`."""
    speedup = found.speedup
    return {
        "command": found.command, "seed": found.seed, "mode": found.mode, "pairs": found.pairs,
        "seconds": dict(found.seconds), "cpu_s": dict(found.cpu_s),
        "speedup": speedup.ratio, "low": speedup.low, "high": speedup.high, "significant": found.significant,
        "saved_s": found.saved_s, "saved_low_s": found.saved_between_s[0], "saved_high_s": found.saved_between_s[1],
        "nothing_recorded": nothing_known, "tolerance": tolerance,
        "output": _agreement_data(found.output), "output_cut": found.cut, "files": _agreement_data(found.files),
        "agrees": found.agrees, "failed": failed,
    }  # fmt: skip


def _agreement_data(found: Agreement) -> dict[str, Any]:
    return {
        "compared": found.compared, "varying": found.varying, "times": found.times, "largest": found.largest,
        "different": [dict(zip(("name", "what", "without", "with"), one, strict=True)) for one in found.different],
    }  # fmt: skip
