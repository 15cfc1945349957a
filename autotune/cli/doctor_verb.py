"""``autotune doctor``: findings about the machine and the installation, each with its remedy."""

from __future__ import annotations

import click

from .common import console, json_option, print_json, table

MARKS = {"ok": "[green]ok[/green]", "note": "[cyan]note[/cyan]", "warning": "[yellow]warning[/yellow]"}


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Look over the machine and the installation. Exits 1 if something is wrong."""
    from .findings import all_findings

    findings = all_findings()
    if as_json:
        print_json([finding.data() for finding in findings])
    else:
        made = table("", "", "what", "found", "remedy")
        for finding in findings:
            made.add_row(MARKS[finding.level], finding.what, finding.found, finding.remedy)
        console().print(made)
    return 1 if any(finding.level == "warning" for finding in findings) else 0
