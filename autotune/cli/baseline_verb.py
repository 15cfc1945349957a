"""``autotune baseline save|compare``: did kernels or functions become slower?"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from ..errors import BaselineError
from ..measure.paired import Interval
from ..measure.regression import FEWEST_PAIRS, LIMIT, PAIRS
from ..profile.pairs import baseline, benchmarks, watch
from ..profile.pairs.benchmarks import Benchmark
from ..profile.pairs.repository import Repository, repository_of
from ..profile.pairs.watch import Entry, Report
from . import markdown
from .common import NOTHING_RECORDED, F, console, json_option, load_kernels, module_option, parse_sizes, print_json
from .common import table as new_table
from .progress import Bar
from .verify_verb import share


def what_options(command: F) -> F:
    """The options that say what is measured."""
    options = (
        click.argument("kernels", nargs=-1, metavar="[KERNEL…]"),
        module_option,
        click.option(
            "--function", "functions", multiple=True, metavar="MODULE:NAME", help="A function without arguments."
        ),
        click.option(
            "--benchmarks", "files", multiple=True, metavar="FILE",
            type=click.Path(exists=True, dir_okay=False), help="A file of functions named bench_….",
        ),
        click.option("--dtype", metavar="DTYPE", help="Kernels with this dtype; by default the first."),
        click.option("--size", "sizes", multiple=True, metavar="n=SIZE", help="Kernels at this size; else at three."),
        click.option("--from", "workload", metavar="WORKLOAD", type=click.Path(exists=True, dir_okay=False),
                     help="Kernels at the hottest sizes of a recorded workload."),
        click.option("--pairs", type=click.IntRange(FEWEST_PAIRS, 1000), default=PAIRS, show_default=True,
                     help="Pairs of fresh processes in one set."),
        json_option,
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.group("baseline")
def command() -> None:
    """Tell whether kernels or functions became slower: against a commit, or against what was saved earlier."""


@command.command("save")
@what_options
@click.option("--to", "name", default=baseline.DEFAULT, metavar="NAME", show_default=True,
              help="Saved as .autotune/NAME.json; or the path of a .json file.")  # fmt: skip
def save(name: str, pairs: int, as_json: bool, **what: Any) -> int:
    """Measure ratios to the reference of each kernel, or to a yardstick, and keep them with the commit.

    No times are kept. Where the commit is at hand later, `compare` runs its code instead, which says more.
    """
    root, repository = place()
    chosen = chosen_of(root, **what)
    if not chosen:
        return nothing_named()
    file = baseline.file_of(name, root)
    with Bar(show=not as_json) as bar:
        saved = watch.save(chosen, root=root, repository=repository, pairs=pairs, tell=bar.tell)
    baseline.write(saved, file)
    at = f"commit {saved.commit[:12]}{' with changes' if saved.dirty else ''}" if saved.commit else "no commit"
    if as_json:
        print_json({"file": str(file), "commit": saved.commit, "dirty": saved.dirty,
                    "benchmarks": [one.benchmark.name for one in saved.benchmarks]})  # fmt: skip
    else:
        click.echo(f"{len(saved.benchmarks)} benchmarks of {at} saved in {file}")
    return 0


@command.command("compare")
@what_options
@click.option("--against", metavar="NAME|COMMIT", help="A saved baseline, or a commit; the saved one by default.")
@click.option("--stored", is_flag=True, help="Compare with the saved ratios, even where the old code is at hand.")
@click.option(
    "--fail-above", "limit", callback=share, default=f"{LIMIT:.0%}", metavar="SHARE", show_default=True,
    help="What something may become slower by.",
)  # fmt: skip
@click.option("--markdown", "report_file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the report as Markdown, for a pull request.")  # fmt: skip
@click.option("--seed", type=int, help="Of the order within the pairs; the date by default, such as 20260131.")
def compare(
    against: str | None, stored: bool, limit: float, report_file: Path | None, seed: int | None, pairs: int,
    as_json: bool, **what: Any,
) -> int:  # fmt: skip
    """Run old and new code in randomised pairs of fresh processes, and report what became slower.

    The old code is that of a commit, checked out in a temporary directory; the new is the working tree, uncommitted
    changes included. A slowdown is reported where the mean over the pairs is above the limit, its lower 95 % bound is
    above nothing, and a second set of pairs says so again. Exits 1 if there is one, or if the new code fails; 3 if
    nothing was saved to compare with.
    """
    root, repository = place()
    seed = int(time.strftime("%Y%m%d")) if seed is None else seed
    saved, commit, name = target_of(against, root, repository, stored=stored)
    if saved is None and not commit:
        click.echo(
            f"nothing is saved in {baseline.file_of(name, root)}; save it first: autotune baseline save, or compare "
            "with a commit: autotune baseline compare --against main", err=True,
        )  # fmt: skip
        return NOTHING_RECORDED
    chosen = chosen_of(root, **what)
    if not chosen and saved is not None:
        chosen = [one.benchmark for one in saved.benchmarks]
    if not chosen:
        return nothing_named()
    if commit and repository is not None and repository.is_like(commit):
        click.echo(f"no changes against {name}: nothing to compare", err=True)
        if as_json:
            print_json({"against": name, "changed": False, "failed": False, "entries": []})
        return 0
    with Bar(show=not as_json) as bar:
        if commit and repository is not None:
            report = watch.with_commit(
                repository, commit, chosen, pairs=pairs, seed=seed, limit=limit, tell=bar.tell
            )  # fmt: skip
        else:
            assert saved is not None
            report = watch.with_saved(saved, name, root=root, only=chosen, pairs=pairs, limit=limit, tell=bar.tell)
    if report_file is not None:
        write(markdown.report(report, name), report_file)
    if as_json:
        print_json(data(report, name))
    else:
        tell(report, name)
    return 1 if report.failed else 0


def place() -> tuple[Path, Repository | None]:
    """The root of the user's code, and its repository if there is one."""
    here = Path.cwd().resolve()
    try:
        repository = repository_of(here)
    except BaselineError:
        return here, None
    return repository.root.resolve(), repository


def target_of(
    against: str | None, root: Path, repository: Repository | None, *, stored: bool
) -> tuple[baseline.Baseline | None, str, str]:
    """What to compare with: a saved baseline or None, a commit whose code is at hand or "", and its name."""
    name = against or baseline.DEFAULT
    file = baseline.file_of(name, root)
    if file.is_file():
        saved = baseline.read(file)
        at_hand = repository is not None and saved.commit and not saved.dirty and repository.has(saved.commit)
        return saved, saved.commit if at_hand and not stored else "", name
    if against is None or stored:
        return None, "", name
    return None, (repository or repository_of(root)).commit(against), against


def chosen_of(
    root: Path, *, kernels: Sequence[str], modules: Sequence[str], functions: Sequence[str], files: Sequence[str],
    dtype: str | None, sizes: Sequence[str], workload: str | None,
) -> list[Benchmark]:  # fmt: skip
    """What the user named; without names, the kernels that are declared in this tree."""
    chosen: list[Benchmark] = [benchmarks.of_function(name, root) for name in functions]
    for file in files:
        chosen += benchmarks.of_file(file, root)
    if kernels or modules or workload or not chosen:
        chosen += of_kernels(root, kernels, modules, dtype=dtype, sizes=sizes, workload=workload)
    return list(benchmarks.distinct(chosen))


def of_kernels(
    root: Path, kernels: Sequence[str], modules: Sequence[str], *, dtype: str | None, sizes: Sequence[str],
    workload: str | None,
) -> Iterable[Benchmark]:  # fmt: skip
    from ..profile import files

    recorded = files.read(Path(workload)) if workload else None
    for tuned in load_kernels(modules, kernels):
        if not (kernels or modules or recorded or _is_below(tuned, root)):
            continue
        if tuned.__autotune__.kernel.inputs is not None or kernels:
            yield from benchmarks.of_kernel(
                tuned, root, only={"dtype": dtype} if dtype else None, sizes=parse_sizes(sizes), workload=recorded
            )


def _is_below(tuned: Any, root: Path) -> bool:
    file = getattr(sys.modules.get(tuned.__module__), "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(root)


def nothing_named() -> int:
    click.echo(
        "nothing to measure: no kernel is declared below this directory; name kernels of a file with --module, a "
        "function with --function module:name, or a file of functions bench_… with --benchmarks", err=True,
    )  # fmt: skip
    return 2


def write(text: str, file: Path) -> None:
    """Write the report.

    Raises
    ------
    BaselineError
        It cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BaselineError(f"{file}: the report cannot be written: {error.strerror}") from error


def tell(report: Report, name: str) -> None:
    """Print the report."""
    from rich.markup import escape

    click.echo(markdown.title(report, name))
    made = new_table(
        "", "benchmark", "time now", "change", "95 % interval", "verdict",
        right=["time now", "change", "95 % interval"],
    )  # fmt: skip
    for entry in report.entries:
        made.add_row(*map(escape, (entry.name, *markdown.cells(entry))))
    console().print(made)
    for note in report.notes:
        click.echo(note)
    click.echo(markdown.summary(report))


def data(report: Report, name: str) -> dict[str, Any]:
    """The report for `--json`."""
    return {
        "against": name, "commit": report.against if report.paired else "", "paired": report.paired, "changed": True,
        "limit": report.limit, "pairs": report.pairs, "seed": report.seed, "failed": report.failed,
        "entries": [_entry_data(entry) for entry in report.entries], "notes": report.notes,
    }  # fmt: skip


def _entry_data(entry: Entry) -> dict[str, Any]:
    verdict = entry.verdict
    found: dict[str, Any] = {"name": entry.name, "note": entry.note, "failed": entry.failed, "seconds": entry.seconds}
    if verdict is not None:
        found |= {"change": verdict.change, "first": _interval_data(verdict.first),
                  "second": _interval_data(verdict.second)}  # fmt: skip
    return found


def _interval_data(found: Interval | None) -> dict[str, float] | None:
    return None if found is None else {"ratio": found.ratio, "low": found.low, "high": found.high}
