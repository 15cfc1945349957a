"""The calls of the kernel library that are measured: every kernel over its sizes and both precisions.

Each family has a module of the name of its file in `kernels`, with a `Bench` for each of its kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import kernels
from tests.benchmarks.cells.bench import Bench

DTYPES = ("float32", "float64")


def family_of(name: str) -> str:
    """The family of a kernel: the file or package in which it is declared."""
    return getattr(kernels, name).__autotune__.kernel.id.split(":")[0].split(".")[1]


FAMILIES = tuple(dict.fromkeys(map(family_of, kernels.__all__)))
BENCHES: dict[str, Bench] = {
    name: bench
    for family in FAMILIES
    for name, bench in import_module(f"tests.benchmarks.cells.{family}").BENCHES.items()
}


@dataclass(frozen=True)
class Cell:
    """One kind of call."""

    kernel: str
    dtype: str
    size: str
    #: Makes the arguments; arrays of a cell live only while it is measured.
    make: Callable[[], tuple[Any, ...]]

    @property
    def tuned(self) -> Any:
        return getattr(kernels, self.kernel)

    @property
    def bench(self) -> Bench:
        return BENCHES[self.kernel]

    def __str__(self) -> str:
        return f"{self.kernel} {self.dtype} {self.size}"


def all_cells() -> list[Cell]:
    """Every cell, kernel by kernel."""
    return [
        Cell(name, dtype, size, lambda make=make, dtype=dtype: make(dtype))
        for name, bench in BENCHES.items()
        for size, make in bench.sizes.items()
        for dtype in DTYPES
    ]
