"""``autotune record``: run a program, and keep what it calls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import quantity
from ..dispatch import tap
from ..errors import WorkloadError
from .common import NOTHING_RECORDED, json_option, print_json

if TYPE_CHECKING:
    from ..profile.workload import Run, Workload

#: Kernels that are named when the program is over; `autotune report` names all.
NAMED = 5


class _Program(click.Command):
    """Leaves everything after the script or the module to the program, as Python does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        value_of = {"-o", "--output"}
        for index, word in enumerate(args):
            if word in ("-m", "--module"):
                args = [*args[: index + 2], "--", *args[index + 2 :]]
                break
            if not word.startswith("-") and (index == 0 or args[index - 1] not in value_of):
                break
        return super().parse_args(ctx, args)


@click.command("record", cls=_Program, context_settings={"allow_interspersed_args": False})
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default=Path("workload.json"),
              metavar="FILE", show_default=True, help="Where to keep what it calls.")  # fmt: skip
@click.option("-m", "--module", metavar="MODULE", help="Run a module, as python -m does.")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[SCRIPT] [ARGUMENT]…")
@json_option
def command(output: Path, module: str | None, program: tuple[str, ...], as_json: bool) -> int:
    """Run a Python program unchanged, and keep which kernels it calls, at which sizes, and how long they take.

    It is run by this Python in a process of its own, and the processes that it starts are recorded too. Exits as the
    program does; 3 if that is 0 and no kernel was called.
    """
    if module is None and not program:
        raise click.UsageError("name a script, or a module with -m: autotune record script.py")
    if module is None and not Path(program[0]).exists():
        raise click.BadParameter(f"there is no file {program[0]!r}", param_hint="SCRIPT")
    from ..profile import document
    from ..profile.calls import parts, recorder

    target = output.absolute()
    reason = parts.unusable(target)
    if reason is not None:
        raise WorkloadError(f"{output}: nothing can be recorded: {reason}")
    run = recorder.new_run()
    words = [*program] if module is None else ["-m", module, *program]
    environ = {**os.environ, tap.VARIABLE: str(target), recorder.RUN_VARIABLE: run}
    started_s, begun_s = time.time(), time.monotonic()
    code = _run([sys.executable, *words], environ)
    wall_s = time.monotonic() - begun_s

    def about(found: Run) -> Run:
        return _of_program(found, run, words, code, started_s, wall_s)

    try:
        unwritten = parts.unwritten(target, run)
        parts.collect(target, about)
        workload = document.read(target) if target.exists() else None
        if workload is not None and run not in workload.run.ids:
            workload = None  # of an earlier run
        if workload is None and unwritten:
            raise WorkloadError(
                f"{output}: what the program called could not be written; make room, or choose another path, and "
                "record it again"
            )
    except WorkloadError as error:
        click.echo(f"autotune: {error}", err=True)
        return code or 1
    if as_json:
        print_json(_as_data(workload, output, code))
    else:
        click.echo(_summary(workload, output), err=True)
    return code if code or workload is not None else NOTHING_RECORDED


def _run(words: list[str], environ: dict[str, str]) -> int:
    """Run a program to its end, whatever signals come meanwhile; its exit code, as a shell gives it."""
    process: subprocess.Popen[bytes] | None = None

    def hand_on(number: int, frame: object) -> None:
        # What the keyboard sends reaches the program by itself.
        if process is not None and not (number == signal.SIGINT and _in_foreground()):
            process.send_signal(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, Any] = {number: signal.signal(number, hand_on) for number in numbers}
    try:
        process = subprocess.Popen(words, env=environ)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    """Whether this process, and so the program, gets what the keyboard of its terminal sends."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _of_program(found: Run, run: str, words: list[str], code: int, started_s: float, wall_s: float) -> Run:
    """What is said of the program as a whole, which its processes do not know."""
    import msgspec

    from ..measure.process import children_cpu_s

    if found.ids != [run]:
        return found
    changes: dict[str, Any] = {"command": words, "exit_code": code, "started_s": started_s, "wall_s": wall_s}
    cpu_s = children_cpu_s()
    if cpu_s is not None:
        changes["cpu_s"] = cpu_s
    return msgspec.structs.replace(found, **changes)


def _as_data(workload: Workload | None, output: Path, code: int) -> dict[str, Any]:
    kernels = [] if workload is None else workload.kernels
    return {
        "file": None if workload is None else str(output),
        "exit_code": code,
        "wall_s": None if workload is None else workload.run.wall_s,
        "processes": 0 if workload is None else workload.run.processes,
        "kernels": [
            {"kernel": kernel.kernel, "calls": kernel.calls, "self_s": kernel.self_s, "misses": kernel.misses}
            for kernel in kernels
        ],
    }


def _summary(workload: Workload | None, output: Path) -> str:
    if workload is None:
        return "autotune: no kernel was called, so there is nothing to record; does the program import some?"
    wall_s = max(workload.run.wall_s, 1e-9)
    self_s = sum(kernel.self_s for kernel in workload.kernels)
    calls = sum(kernel.calls for kernel in workload.kernels)
    lines = [
        f"autotune: {calls:,} calls of {len(workload.kernels)} kernel(s), {quantity.duration(self_s)} or "
        f"{self_s / wall_s:.0%} of the program's {quantity.duration(wall_s)}, in {output}"
    ]
    for kernel in sorted(workload.kernels, key=lambda kernel: -kernel.self_s)[:NAMED]:
        name, share = kernel.kernel.rpartition(":")[2], kernel.self_s / wall_s
        lines.append(f"  {name:24} {quantity.duration(kernel.self_s):>10} {share:>5.0%} {kernel.calls:>14,} calls")
    if len(workload.kernels) > NAMED:
        lines.append(f"  and {len(workload.kernels) - NAMED} more")
    lines += [f"  look closer:   autotune report {output}", f"  tune for it:   autotune calibrate --from {output}"]
    return "\n".join(lines)
