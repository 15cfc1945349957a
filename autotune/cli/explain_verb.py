"""``autotune explain KERNEL --size n=1000``."""

from __future__ import annotations

import click

from ..tuner import grid
from .common import (
    NOTHING_RECORDED,
    dtype_option,
    json_option,
    kernel_of,
    load_kernels,
    module_option,
    parse_sizes,
    print_json,
)


@click.command("explain")
@click.argument("name", metavar="KERNEL")
@click.option("--size", "sizes", multiple=True, metavar="n=SIZE", help="The size; the middle of its range by default.")
@dtype_option
@module_option
@json_option
def command(name: str, sizes: tuple[str, ...], dtype: str | None, modules: tuple[str, ...], as_json: bool) -> int:
    """Say what serves a call of a given size, and on what evidence. Nothing is measured."""
    tuned = load_kernels(modules, [name])[0]
    kernel = kernel_of(tuned)
    asked = parse_sizes(sizes)
    explanations = []
    for problem in grid.problems(kernel, only={"dtype": dtype} if dtype else None, sizes=asked):
        point = {size: grid.middle(given) for size, given in problem.ranges.items()}
        values = problem.arguments(point)
        args, kwargs = kernel.as_call(values)
        explanations.append(tuned.explain(*args, **kwargs))
    if not explanations:
        raise click.BadParameter(f"{kernel.name} is not calibrated for {dtype}", param_hint="--dtype")
    if as_json:
        print_json([explanation.to_dict() for explanation in explanations])
    else:
        click.echo("\n\n".join(map(str, explanations)))
    return 0 if any(one.record is not None or one.locked is not None for one in explanations) else NOTHING_RECORDED
