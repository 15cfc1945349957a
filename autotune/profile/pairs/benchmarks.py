"""What regression watch times: kernels at some sizes, and functions.

* A kernel, called through its dispatcher as users call it, for its first type and layout or those asked for, at three
  sizes of each range it declares (or at those asked for, or at the hottest of a recorded workload).
* A function that takes no arguments, ``module:name`` or ``file.py:name``.
* In a file of benchmarks, every function named ``bench_*``. What it takes comes from ``inputs_*(rng)`` of the same
  file, which returns a tuple: for ``bench_fit(x, y)`` write ``inputs_fit(rng)``.

Kernels and functions are taken from the old code and from the new; a file of benchmarks is the new one on both sides,
so that both do the same work. Knows nothing of processes or commits.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ... import quantity
from ...errors import BaselineError
from ...space import Range
from ...tuner import grid, locate
from ..workload import Workload

#: Where in the logarithm of a range its sizes lie: overhead, caches, memory; the ends are rarely called.
QUARTILES = (1 / 4, 1 / 2, 3 / 4)
#: Sizes of a signature that are taken from a workload, hottest first.
HOTTEST = 3
PREFIX, INPUTS = "bench_", "inputs_"


class Benchmark(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing to time."""

    name: str
    #: Dotted name, or path of a file: from the root of the code if it lies below, else as it is.
    module: str
    #: Of a kernel: its id, the keywords of its `inputs`, and the layout of its arrays.
    kernel: str = ""
    keywords: dict[str, Any] = {}
    layout: str = "C"
    #: Of a function: its qualified name, and that of the function that makes its arguments.
    function: str = ""
    inputs: str = ""
    #: Whether the module is the new one on both sides.
    fixed: bool = False

    def job(self, tree: Path, new: Path) -> dict[str, Any]:
        """As `measuring` reads it, for the code below `tree`; `new` is the tree of the user."""
        found: dict[str, Any] = msgspec.to_builtins(self) | {"keywords": self.keywords, "layout": self.layout}
        if self.module.endswith(".py"):
            found["module"] = str((new if self.fixed else tree) / self.module)
            if self.fixed:
                found["beside"] = str((tree / self.module).parent)
        return found


def of_kernel(
    tuned: Any, root: Path, *, only: Mapping[str, str] | None = None, sizes: Mapping[str, Range] | None = None,
    workload: Workload | None = None,
) -> Iterator[Benchmark]:  # fmt: skip
    """The benchmarks of a kernel.

    Raises
    ------
    CalibrationError
        It declares no inputs, or not what is asked for.
    """
    kernel = tuned.__autotune__.kernel
    module = sys.modules.get(tuned.__module__)
    path = getattr(module, "__autotune_path__", None)
    problems = list(grid.problems(kernel, only=only, sizes=sizes))
    for problem in problems if only or workload is not None else problems[:1]:
        signature = problem.signature()
        if workload is not None:
            points = _recorded(workload, kernel.id, signature.key, set(problem.ranges))
        else:
            points = _points(problem.ranges, asked=bool(sizes))
        for point in points:
            at = f" {quantity.size(point)}" if point else ""
            keywords = {name: value for name, value in problem.fixed.items() if name != "layout"} | point
            yield Benchmark(
                f"{kernel.name} [{signature}]{at}", _relative(path, root) if path else tuned.__module__,
                kernel=kernel.id, keywords=keywords, layout=str(problem.fixed.get("layout", "C")),
            )  # fmt: skip


def _points(ranges: Mapping[str, Range], *, asked: bool) -> list[dict[str, int]]:
    """Sizes along the diagonal of the ranges; the middle where the user asked for a range."""
    found = [
        {name: _between(given, part) for name, given in ranges.items()} for part in ((1 / 2,) if asked else QUARTILES)
    ]
    return [point for number, point in enumerate(found) if point not in found[:number]]


def _between(given: Range, part: float) -> int:
    low, high = math.log(max(given.lo, 1)), math.log(max(given.hi, 1))
    return min(max(round(math.exp(low + part * (high - low))), given.lo), given.hi)


def _recorded(workload: Workload, kernel: str, signature: str, names: set[str]) -> list[dict[str, int]]:
    """The hottest sizes of a signature in a workload, where they are what `inputs` can make."""
    return [
        dict(calls.size)
        for called in workload.kernels if called.kernel == kernel
        for one in called.signatures if one.signature == signature
        for calls in one.calls[:HOTTEST] if calls.size.keys() == names
    ]  # fmt: skip


def of_function(name: str, root: Path) -> Benchmark:
    """The benchmark of a function that takes no arguments, ``module:name`` or ``file.py:name``.

    Raises
    ------
    BaselineError
        It is not named so, or is not there.
    """
    place, colon, function = name.rpartition(":")
    if not (place and colon and function):
        raise BaselineError(f"{name!r}: expected module:function or file.py:function, of a function without arguments")
    found: Any = locate.import_module(place)
    for part in function.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise BaselineError(f"{name}: {place} has no function {function!r}")
    return Benchmark(name, _relative(place, root) if place.endswith(".py") else place, function=function)


def of_file(place: str, root: Path) -> list[Benchmark]:
    """Every ``bench_*`` of a file.

    Raises
    ------
    BaselineError
        It has none.
    CalibrationError
        It cannot be imported.
    """
    module = locate.import_file(place)
    found = [
        Benchmark(
            name, _relative(place, root), function=name, fixed=True,
            inputs=INPUTS + name.removeprefix(PREFIX) if hasattr(module, INPUTS + name.removeprefix(PREFIX)) else "",
        )
        for name, value in vars(module).items() if name.startswith(PREFIX) and callable(value)
    ]  # fmt: skip
    if not found:
        raise BaselineError(f"{place}: holds no function named {PREFIX}…; write one that takes no arguments, or beside "
                            f"{PREFIX}fit(x) a function {INPUTS}fit(rng) that returns them as a tuple")  # fmt: skip
    return found


def _relative(place: str, root: Path) -> str:
    """A path from the root of the code, where it lies below."""
    file = Path(place).resolve()
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)


def distinct(benchmarks: Iterable[Benchmark]) -> Sequence[Benchmark]:
    """Benchmarks by name, each once."""
    return list({benchmark.name: benchmark for benchmark in benchmarks}.values())
