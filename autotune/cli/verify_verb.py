"""``autotune verify``: is what was decided still the best?"""

from __future__ import annotations

import time

import click

from .. import quantity
from ..audit import Finding, auditors
from .common import NOTHING_RECORDED, console, json_option, load_kernels, module_option, print_json, table


def share(ctx: click.Context, param: click.Parameter, text: str) -> float:
    """``5%`` or ``0.05``."""
    try:
        found = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 10:
        raise click.BadParameter(f"{text!r} is no share, such as 5% or 0.05", ctx, param)
    return found


@click.command("verify")
@click.argument("kernels", nargs=-1, metavar="[KERNEL…]")
@module_option
@click.option(
    "--max-regret", callback=share, default="5%", metavar="SHARE", show_default=True, help="What a decision may cost."
)
@click.option("--sizes", type=click.IntRange(1, 1000), default=6, show_default=True, help="Sizes for each signature.")
@click.option("--seed", type=int, help="Of the sizes; the date by default, such as 20260131.")
@json_option
def command(
    kernels: tuple[str, ...], modules: tuple[str, ...], max_regret: float, sizes: int, seed: int | None, as_json: bool
) -> int:
    """Measure afresh whether what was decided is the best, at sizes that were not used for deciding.

    Regret is the time of what is used over the time of the best candidate that the policy allows. A size fails if the
    lower 95 % bound of its regret is over the limit, or that of its time over the reference's is over 1.05, twice.
    Exits 1 if one fails.
    """
    seed = int(time.strftime("%Y%m%d")) if seed is None else seed
    looks = [look for tuned in load_kernels(modules, kernels) for look in auditors(tuned, seed)]
    if not looks:
        click.echo("nothing is recorded here for these kernels; measure them: autotune calibrate", err=True)
        return NOTHING_RECORDED
    findings: list[Finding] = []
    for look in looks:
        if not as_json:
            click.echo(f"{look.kernel.name} [{look.signature}]", err=True)
        findings += look.findings(sizes, max_regret)
    if not findings:
        click.echo("no size could be looked at: calls take too long, or their arrays too much memory", err=True)
        return 1
    failed = [finding for finding in findings if finding.failed(max_regret)]
    if as_json:
        print_json({
            "seed": seed, "max_regret": max_regret, "all": summary(findings),
            "findings": [
                {"kernel": f.kernel, "signature": f.signature, "size": dict(f.size), "chosen": f.chosen, "best": f.best,
                 "regret": f.regret.median - 1, "low": f.regret.low - 1, "over_reference": f.over_reference.median,
                 "policy": f.policy - 1, "failed": f in failed}
                for f in findings
            ],
        })  # fmt: skip
    else:
        tell(findings, failed, seed)
    return 1 if failed else 0


def summary(findings: list[Finding]) -> dict[str, float]:
    """Mean, 95th percentile and worst of the regret; mean cost of the policy; slowest over the reference."""
    regrets = sorted(max(0.0, finding.regret.median - 1) for finding in findings)
    return {
        "mean": sum(regrets) / len(regrets), "p95": regrets[min(len(regrets) - 1, int(0.95 * len(regrets)))],
        "worst": regrets[-1], "policy": sum(finding.policy - 1 for finding in findings) / len(findings),
        "over_reference": max(finding.over_reference.median for finding in findings),
    }  # fmt: skip


def tell(findings: list[Finding], failed: list[Finding], seed: int) -> None:
    """Print the means by kernel, and the sizes that fail."""
    numbers = ["sizes", "mean", "p95", "worst", "over reference", "cost of the policy"]
    made = table(f"Regret at random sizes (seed {seed})", "kernel", *numbers, right=numbers)
    names = list(dict.fromkeys(finding.kernel for finding in findings))
    for name in [*names, "all"]:
        mine = [finding for finding in findings if name in (finding.kernel, "all")]
        found = summary(mine)
        made.add_row(
            name, str(len(mine)), *(f"{found[key]:.1%}" for key in ("mean", "p95", "worst")),
            f"{found['over_reference']:.2f}", f"{found['policy']:.1%}",
        )  # fmt: skip
    console().print(made)
    if not failed:
        click.echo(f"no size of {len(findings)} fails")
        return
    made = table("Sizes that fail", "kernel", "arguments", "size", "used", "best", "regret", "over reference")
    for finding in failed:
        made.add_row(
            finding.kernel, finding.signature, quantity.size(finding.size),
            finding.chosen, finding.best,
            f"{finding.regret.median - 1:.1%} (at least {finding.regret.low - 1:.1%})",
            f"{finding.over_reference.median:.2f}",
        )  # fmt: skip
    console().print(made)
