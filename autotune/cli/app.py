"""The group of verbs; each is imported when it is called."""

from __future__ import annotations

import importlib

import click

from .. import __version__

#: Verb → what it does, in the order of `--help`.
VERBS = {
    "calibrate": "Measure kernels on this machine and record the winners.",
    "list": "List the kernels and what is recorded for them.",
    "show": "Show the records of one kernel.",
    "explain": "Say what serves a call of a given size, and why.",
    "verify": "Measure afresh whether what was decided is the best.",
    "doctor": "Look over the machine and the installation; each finding with its remedy.",
    "freeze": "Write the decisions as a file to commit, which AUTOTUNE_MODE=locked obeys.",
    "record": "Run a program, and keep which kernels it calls, at which sizes, and how long they take.",
    "report": "Show where a program's time goes and what would be faster; -o report.html with charts.",
    "compare": "Run a program with and without tuning: what it gains, and whether it gives the same.",
    "baseline": "Tell whether kernels or functions became slower since a commit, or since they were saved.",
    "db": "Show, export, import, merge or clear the recorded decisions.",
}


class Verbs(click.Group):
    """Imports a verb's module when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"{__package__}.{name}_verb")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="autotune")
def app() -> None:
    """Measures the variants of numerical functions on this machine, and remembers which one wins at which size."""
