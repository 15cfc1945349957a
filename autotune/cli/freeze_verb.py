"""``autotune freeze``: the decisions as a small file to review and commit."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..dispatch import locking, sampling
from ..errors import StoreError
from ..kernel.signature import describe_key
from ..store import lockfile, store, summary
from .common import NOTHING_RECORDED, json_option, kernel_of, load_kernels, module_option, print_json


@click.command("freeze")
@click.argument("kernels", nargs=-1, metavar="[KERNEL…]")
@module_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the terminal.")
@click.option("--threads", is_flag=True, help="Keep winners with threads even where results depend on the cores.")
@json_option
def command(
    kernels: tuple[str, ...], modules: tuple[str, ...], output: Path | None, threads: bool, as_json: bool
) -> int:
    """Write the decisions that are in force on this machine as a file to review and commit.

    With AUTOTUNE_MODE=locked it is all that is obeyed, on any machine; what it does not name is served by the
    reference. Winners with threads give way to the best with one, unless they are bit for bit the reference's: their
    results can depend on the number of cores.
    """
    found: list[lockfile.Frozen] = []
    left_out = []
    for tuned in load_kernels(modules, kernels):
        kernel = kernel_of(tuned)
        known = store.load(kernel.id, numerics=tuned.__autotune__.dispatcher.numerics)
        sampling.learn(kernel, known)
        for record in known.records.values():
            one = locking.frozen(kernel, record, threads=threads)
            if one is None:
                left_out.append(f"{kernel.id} [{describe_key(record.signature)}]: the reference was edited since")
            else:
                found.append(one)
    for text in left_out:
        click.echo(f"left out: {text}; calibrate it again", err=True)
    if not found:
        click.echo("nothing is recorded; measure it: autotune calibrate", err=True)
        return NOTHING_RECORDED
    text = lockfile.write(found, locking.PYTHON)
    if output is not None:
        try:
            output.write_bytes(text.encode())
        except OSError as error:
            raise StoreError(f"{output}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json({
            "file": None if output is None else str(output), "left_out": left_out,
            "decisions": [
                {"kernel": one.kernel, "signature": describe_key(one.signature), "numerics": one.numerics,
                 "sources": dict(one.sources), "intervals": summary.intervals(one.decision)}
                for one in sorted(found, key=lambda one: (one.kernel, one.signature))
            ],
        })  # fmt: skip
    elif output is None:
        sys.stdout.write(text)
    else:
        click.echo(f"{len(found)} decisions written to {output}; obey it with AUTOTUNE_MODE=locked")
    return 0
