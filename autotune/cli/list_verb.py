"""``autotune list``."""

from __future__ import annotations

import click

from ..kernel.coverage import unavailable
from ..kernel.model import Kernel, Variant
from ..measure.compare import ELEMENTWISE_FACTOR
from ..store import store, summary
from ..store.store import Found
from .common import console, json_option, kernel_of, load_kernels, module_option, print_json, table

#: Bounds where a kernel declares none, as `autotune.measure.gate` applies them, and where they come from.
ELEMENTWISE_BOUND = f"{ELEMENTWISE_FACTOR:g}", "a few correctly rounded operations for each element"
SUMS_BOUND = f"max({ELEMENTWISE_FACTOR:g}, √terms)", "sums as a random walk: Higham 2002, section 4.2"


@click.command("list")
@module_option
@click.option("--numerics", "as_numerics", is_flag=True, help="How far each variant is from its reference, and may be.")
@json_option
def command(modules: tuple[str, ...], as_numerics: bool, as_json: bool) -> int:
    """List the kernels, their variants, and what is recorded for them on this machine."""
    rows = []
    for tuned in load_kernels(modules):
        kernel = kernel_of(tuned)
        found = store.load(kernel.id, numerics=tuned.__autotune__.dispatcher.numerics)
        rows.append((kernel, found))
    if as_numerics:
        return _numerics(rows, as_json=as_json)
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


def _numerics(rows: list[tuple[Kernel, Found]], *, as_json: bool) -> int:
    """The class of every variant, the largest distance found by the gate, and the bound with its source."""
    data = [_distance(kernel, found, variant) for kernel, found in rows for variant in kernel.variants.values()]
    if as_json:
        print_json(data)
        return 0
    made = table(
        "Distance from the reference in units in the last place; bound in eps · scale",
        "kernel", "variant", "class", "largest", "bound", "source of the bound", right=["largest"],
    )  # fmt: skip
    for row in data:
        made.add_row(*("–" if value is None else str(value) for value in row.values()))
    console().print(made)
    return 0


def _distance(kernel: Kernel, found: Found, variant: Variant) -> dict[str, object]:
    """One row of that table."""
    distances = [r.variants.ulp[variant.name] for r in found.records.values() if variant.name in r.variants.ulp]
    if variant.numerics == "bitwise":
        bound, source = "0", "bit for bit"
    elif kernel.tolerance is not None:
        bound, source = f"{kernel.tolerance[0]:g}", kernel.tolerance[1]
    else:
        bound, source = ELEMENTWISE_BOUND if kernel.elementwise else SUMS_BOUND
    return {
        "kernel": kernel.name, "variant": variant.name, "numerics": variant.numerics,
        "ulp": max(distances, default=None), "tolerance": bound, "source": source,
    }  # fmt: skip
