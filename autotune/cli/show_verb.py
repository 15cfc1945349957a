"""``autotune show KERNEL``."""

from __future__ import annotations

import time
from collections.abc import Mapping

import click
import msgspec

from .. import quantity
from ..dispatch.entry import differences
from ..dispatch.explanation import decision_lines, stale
from ..kernel.model import REFERENCE
from ..kernel.signature import describe_key
from ..store import store
from ..store.record import Record
from .common import NOTHING_RECORDED, console, json_option, kernel_of, load_kernels, module_option, print_json, table

#: Candidates shown for a size; the rest only with --json.
MOST = 6


@click.command("show")
@click.argument("name", metavar="KERNEL")
@module_option
@json_option
def command(name: str, modules: tuple[str, ...], as_json: bool) -> int:
    """Show the records of one kernel: the decision, and what was measured at every size."""
    tuned = load_kernels(modules, [name])[0]
    kernel = kernel_of(tuned)
    found = store.load(kernel.id, numerics=tuned.__autotune__.dispatcher.numerics)
    if as_json:
        print_json([msgspec.to_builtins(record) for record in found.records.values()])
    else:
        for record in found.records.values():
            _print(record, shipped=record.signature in found.shipped)
    if found.records:
        return 0
    nearest = min(found.foreign, key=lambda record: len(differences(record)), default=None)
    elsewhere = ""
    if nearest is not None:
        why = "; ".join(differences(nearest)) or f"numerics={nearest.numerics}"
        elsewhere = f"; {len(found.foreign)} elsewhere, the nearest for {why}"
    click.echo(f"nothing is recorded for {kernel.name} here{elsewhere}; measure it: autotune calibrate {kernel.name}",
               err=True)  # fmt: skip
    return NOTHING_RECORDED


def _print(record: Record, *, shipped: bool) -> None:
    made = record.provenance
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(made.created_s))
    out = console()
    out.print(f"\n[bold]{record.kernel}[/bold] \\[{describe_key(record.signature)}]")
    out.print(f"  {made.origin} ({made.effort}), {record.quality}, {when}, {made.spent_s:.1f} s"
              f"{', came with the package' if shipped else ''}")  # fmt: skip
    for difference in stale(record):
        out.print(f"  stale: {difference}", markup=False)
    if made.compiled:
        out.print(f"  compiled code: {_settings(made.compiled)}", markup=False)
    for line in decision_lines(record.decision):
        out.print(f"    {line}", markup=False)
    sizes = table("", "size", "winner", "time", "reference", "speed-up", "95 % interval", "also measured",
                  right=["time", "reference", "speed-up"])  # fmt: skip
    for cell in record.cells:
        times = {str(m.candidate): m.median_s for m in cell.measurements}
        others = sorted((n for n in times if n not in (str(cell.winner), REFERENCE)), key=times.__getitem__)
        more = f", {len(others) - MOST} more" if len(others) > MOST else ""
        sizes.add_row(
            quantity.size(cell.size),
            str(cell.winner),
            quantity.duration(times[str(cell.winner)]),
            quantity.duration(times[REFERENCE]),
            quantity.factor(1 / cell.ratio),
            f"{1 / cell.ratio_high:.3g} – {1 / cell.ratio_low:.3g}" if cell.ratio_low else "",
            ", ".join(f"{name} {quantity.duration(times[name])}" for name in others[:MOST]) + more,
        )
    out.print(sizes)
    if record.held_out:
        worst = max(record.held_out, key=lambda found: found.regret)
        mean = sum(found.regret for found in record.held_out) / len(record.held_out)
        out.print(f"  held out: regret {mean:.1%} on average over {len(record.held_out)} sizes that were not used for "
                  f"deciding, {worst.regret:.1%} at {quantity.size(worst.size)}", markup=False)  # fmt: skip
    for failure in record.variants.failures:
        out.print(f"  failed: {failure.candidate}: {failure.reason}", markup=False)
    for name, reason in record.variants.excluded.items():
        out.print(f"  not raced: {name}: {reason}", markup=False)
    for skipped in record.skipped:
        out.print(f"  left out: {skipped}", markup=False)


def _settings(compiled: Mapping[str, str]) -> str:
    """What compiled code was measured with: layer, threads, wait policy, versions."""
    names = {"numba": "Numba", "llvm_cpu": "code for", "layer": "threading layer", "wait_policy": "wait policy"}
    known = [name for name in ("layer", "threads", "wait_policy", "numba", "llvm_cpu") if name in compiled]
    return ", ".join(f"{names.get(name, name)} {compiled[name]}" for name in known)
