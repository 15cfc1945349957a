"""What several verbs share: finding kernels, options, tables and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from importlib import metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import CalibrationError, SpaceError
from ..kernel import registry
from ..kernel.model import Kernel
from ..space import Range

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

F = TypeVar("F", bound=Callable[..., Any])

#: Packages that bring kernels name their module in this entry-point group.
ENTRY_POINTS = "autotune.kernels"
NOTHING_RECORDED = 3

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
module_option = click.option(
    "-m", "--module", "modules", multiple=True, metavar="MODULE",
    help="A module or file that declares kernels; may be given more than once.",
)  # fmt: skip
dtype_option = click.option("--dtype", metavar="DTYPE", help="Only this dtype, such as float64.")


def load_kernels(modules: Iterable[str], names: Iterable[str] = ()) -> list[Any]:
    """The tuned objects of the modules, or of all installed kernel packages; of these, the named ones.

    Raises
    ------
    CalibrationError
        A module cannot be imported, or nothing declares kernels.
    UnknownKernel
        A name is not declared.
    """
    from ..tuner import locate

    modules = list(modules)
    names = list(names)
    before = {id(tuned) for tuned in registry.all_kernels()}
    if modules:
        imported = {_whole(locate.import_module(name)).__name__ for name in modules}
        found = [
            tuned for tuned in registry.all_kernels()
            if id(tuned) not in before or _belongs(tuned.__module__, imported)
        ]  # fmt: skip
    else:
        for entry in metadata.entry_points(group=ENTRY_POINTS):
            _whole(entry.load())
        found = list(registry.all_kernels())
    if names:
        return [registry.find(as_text(name)) for name in names]
    if not found:
        where = ", ".join(modules) or f"no installed package has the entry point {ENTRY_POINTS}"
        raise CalibrationError(f"no kernels are declared ({where}); name a module that declares some with --module")
    return found


def as_text(argument: str) -> str:
    """A word of the command line as people wrote it: in a locale of plain ASCII Python does not decode it."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _whole(module: ModuleType) -> ModuleType:
    """A module of which everything is loaded that it offers, also where it does so only when asked."""
    for name in getattr(module, "__all__", ()):
        getattr(module, name)
    return module


def _belongs(module: str, imported: set[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in imported)


def kernel_of(tuned: Any) -> Kernel:
    kernel: Kernel = tuned.__autotune__.kernel
    return kernel


def parse_sizes(given: Iterable[str]) -> dict[str, Range]:
    """``n=LO:HI`` or ``n=SIZE``, several of them also in one word with commas."""
    sizes: dict[str, Range] = {}
    for word in given:
        for part in word.split(","):
            name, _, bounds = part.partition("=")
            low, colon, high = bounds.partition(":")
            try:
                sizes[name.strip()] = Range(int(low), int(high if colon else low))
            except SpaceError as error:
                raise click.BadParameter(str(error), param_hint="--size") from error
            except ValueError as error:
                raise click.BadParameter(
                    f"{part!r}: expected a size such as n=1000, or a range such as n=10:1000000", param_hint="--size"
                ) from error
    return sizes


def print_json(data: Any) -> None:
    json.dump(data, sys.stdout, indent=1)
    sys.stdout.write("\n")


def console() -> Console:
    """Where tables go: as wide as the terminal, or 140 columns where there is none."""
    from rich.console import Console

    class Piped(Console):
        """Leaves a reader that went away to `main`, where rich would exit with 1."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Piped(width=None if sys.stdout.isatty() else 140, highlight=False)


def table(title: str, *columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table; the columns in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in set(right) else "left", overflow="fold")
    return made
