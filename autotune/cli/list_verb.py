"""``autotune list``."""

from __future__ import annotations

import click

from ..kernel.coverage import unavailable
from ..store import store
from . import summary
from .common import console, json_option, kernel_of, load_kernels, module_option, print_json, table


@click.command("list")
@module_option
@json_option
def command(modules: tuple[str, ...], as_json: bool) -> int:
    """List the kernels, their variants, and what is recorded for them on this machine."""
    rows = []
    for tuned in load_kernels(modules):
        kernel = kernel_of(tuned)
        found = store.load(kernel.id, numerics=tuned.__autotune__.dispatcher.numerics)
        rows.append((kernel, found))
    if as_json:
        print_json([
            {
                "kernel": kernel.id, "name": kernel.name,
                "variants": {
                    name: {"kind": variant.kind, "numerics": variant.numerics, "threads": variant.threads,
                           "settings": variant.space.size, "unavailable": unavailable(variant)}
                    for name, variant in kernel.variants.items()
                },
                "records": [summary.as_data(record) for record in found.records.values()],
            }
            for kernel, found in rows
        ])  # fmt: skip
        return 0
    made = table("Kernels", "kernel", "module", "variants", "recorded", "speed-up", right=["recorded", "speed-up"])
    for kernel, found in rows:
        variants = ", ".join(
            f"{name} ({variant.kind})" + (" –" if unavailable(variant) else "")
            for name, variant in kernel.variants.items()
        )
        values = [value for record in found.records.values() for value in summary.speedups(record)]
        gain = f"{summary.geometric_mean(values):.3g} x" if values else "–"
        made.add_row(kernel.name, kernel.id.partition(":")[0], variants, str(len(found.records)), gain)
    console().print(made)
    if not any(found.records for _, found in rows):
        click.echo("Nothing is recorded on this machine yet. Measure it:  autotune calibrate")
    return 0
