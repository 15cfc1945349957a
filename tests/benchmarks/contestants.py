"""Who meets in a cell of the kernel benchmark: the tuned kernel, the original, and what else a user would pick."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numba

from tests.benchmarks.cells import Cell
from tests.benchmarks.cells.bench import PLAIN

OURS, PARALLEL = "ours", "@njit(parallel)"
#: A rival whose call takes this many times the original's is left out of the cell: it is not what a user would pick.
FAR_BEHIND = 20


def original_of(cell: Cell) -> str:
    """The name under which the original takes part."""
    return cell.bench.original[0] if cell.bench.original else "NumPy"


def contestants(cell: Cell, arguments: tuple[Any, ...]) -> dict[str, Callable[..., Any]]:
    """Functions by name, ready to be timed; the original second."""
    original = cell.bench.original[1]() if cell.bench.original else cell.tuned.reference
    found = {OURS: cell.tuned, original_of(cell): original}
    limit_s = FAR_BEHIND * max(_seconds(original, arguments), 1e-5)
    for name, load in _rivals(cell).items():
        if not cell.bench.taken(PLAIN if name == PARALLEL else name, arguments):
            continue
        try:
            function = load()
        except ImportError:
            continue  # not installed: nobody here would pick it
        function(*arguments)  # compiles
        if _seconds(function, arguments) < limit_s:
            found[name] = function
    return found


def _rivals(cell: Cell) -> dict[str, Callable[[], Callable[..., Any]]]:
    rivals = dict(cell.bench.rivals)
    if cell.bench.original:
        rivals["NumPy"] = lambda: cell.tuned.reference
    if cell.bench.plain:
        rivals[PLAIN] = functools.partial(_compiled, cell.bench.plain, False)
        rivals[PARALLEL] = functools.partial(_compiled, cell.bench.plain, True)
    return rivals


@functools.cache
def _compiled(function: Callable[..., Any], parallel: bool) -> Callable[..., Any]:
    compiled: Callable[..., Any] = numba.njit(parallel=parallel)(function)
    return compiled


def _seconds(function: Callable[..., Any], arguments: tuple[Any, ...]) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start
