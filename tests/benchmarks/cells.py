"""The calls of the kernel library that are measured: every kernel over its sizes and both precisions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import kernels

DTYPES = ("float32", "float64")


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

    def __str__(self) -> str:
        return f"{self.kernel} {self.dtype} {self.size}"


def normal(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def _vectors(name: str) -> Iterator[tuple[str, Callable[[str], tuple[Any, ...]]]]:
    for exponent in range(1, 8):
        yield f"1e{exponent}", lambda dtype, n=10**exponent: (normal(dtype, n),)


def _matmul() -> Iterator[tuple[str, Callable[[str], tuple[Any, ...]]]]:
    squares = [(n, n, n) for n in (2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)]
    for m, k, n in [*squares, (1000, 4, 1000), (16, 4096, 16)]:
        yield f"{m}x{k}x{n}", lambda dtype, m=m, k=k, n=n: (normal(dtype, m, k), normal(dtype, k, n))


def _transpose_copy() -> Iterator[tuple[str, Callable[[str], tuple[Any, ...]]]]:
    for m, n in [(4, 4), (16, 16), (64, 64), (256, 256), (1024, 1024), (4096, 4096), (100_000, 8), (8, 100_000)]:
        yield f"{m}x{n}", lambda dtype, m=m, n=n: (normal(dtype, m, n),)


def _softmax() -> Iterator[tuple[str, Callable[[str], tuple[Any, ...]]]]:
    for rows, columns in [(1, 10), (10, 10), (100, 10), (10, 1000), (1000, 256), (10_000, 100), (100, 10_000)]:
        yield f"{rows}x{columns}", lambda dtype, r=rows, c=columns: (normal(dtype, r, c), -1)


def _points() -> Iterator[tuple[str, Callable[[str], tuple[Any, ...]]]]:
    """Points and centres: n points, k centres, d dimensions."""
    for n, k, d in [(10, 3, 2), (100, 8, 4), (1000, 8, 4), (1000, 64, 16), (10_000, 16, 16), (10_000, 64, 64),
                    (100_000, 8, 3)]:  # fmt: skip
        yield f"n={n} k={k} d={d}", lambda dtype, n=n, k=k, d=d: (normal(dtype, n, d), normal(dtype, k, d))


_SIZES = {
    **{name: _vectors(name) for name in ("sin", "cos", "exp", "sum", "mean", "var", "std", "median")},
    "matmul": _matmul(),
    "transpose_copy": _transpose_copy(),
    "softmax": _softmax(),
    "squared_distances": _points(),
    "kmeans_step": _points(),
}
_CELLS = [
    Cell(name, dtype, size, lambda make=make, dtype=dtype: make(dtype))
    for name, sizes in _SIZES.items()
    for (size, make), dtype in itertools.product(sizes, DTYPES)
]


def all_cells() -> list[Cell]:
    """Every cell, kernel by kernel."""
    return _CELLS
