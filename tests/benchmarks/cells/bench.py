"""How one kernel is measured: at which sizes, against what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

Make = Callable[[str], tuple[Any, ...]]
Load = Callable[[], Callable[..., Any]]


def elements(*arguments: Any) -> int:
    """Elements of the arrays together."""
    return sum(value.size for value in arguments if isinstance(value, np.ndarray))


def read_once(*arguments: Any) -> int:
    """Bytes that a reduction must read."""
    return sum(value.nbytes for value in arguments if isinstance(value, np.ndarray))


def read_and_written_once(*arguments: Any) -> int:
    """Bytes that a map from one array to another of its size must move."""
    return 2 * read_once(*arguments)


#: The name of the loop a user would write.
PLAIN = "plain @njit"


class Bench(NamedTuple):
    """The cells of one kernel, and whom it meets there."""

    #: Arguments for a dtype, by a name of the size.
    sizes: Mapping[str, Make]
    #: (library, function loader): the best one-liner of the library whose function the kernel replaces; without it
    #: the reference, which is NumPy's.
    original: tuple[str, Load] | None = None
    #: What else a user would pick, by name; left out where it is not installed.
    rivals: Mapping[str, Load] = {}
    #: The loop a user would write, with `numba.prange` outside: compiled once plainly and once with parallel=True.
    plain: Callable[..., Any] | None = None
    #: Rivals whose numbers cannot be compared with ours, and why; `PLAIN` for the loop.
    unlike: Mapping[str, str] = {}
    #: Which calls a rival takes, from the arguments, where these are not all; `PLAIN` for the loop.
    takes: Mapping[str, Callable[..., bool]] = {}
    #: What the pictures draw time against, from the arguments.
    work: Callable[..., int] = elements
    work_name: str = "elements"
    #: For kernels bound by memory, which do a few operations an element: the bytes that any implementation must move.
    traffic: Callable[..., int] | None = None
    #: Whether these go by in the order of memory.
    streams: bool = True
    #: For those bound by arithmetic: the floating-point operations of the definition.
    operations: Callable[..., int] | None = None

    def taken(self, rival: str, arguments: tuple[Any, ...]) -> bool:
        """Whether a rival takes such a call."""
        return rival not in self.takes or self.takes[rival](*arguments)


def of(module: str, name: str) -> Load:
    """Loads a function of a library when it is needed."""
    return lambda: getattr(import_module(module), name)


def numexpr(expression: str) -> Load:
    """Loads numexpr's evaluation of an expression in `x` (and `y`, `z`)."""

    def load() -> Callable[..., Any]:
        evaluate = import_module("numexpr").evaluate
        return lambda *arrays: evaluate(expression, dict(zip("xyz", arrays, strict=False)))

    return load


def normal(dtype: str, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def each(make: Callable[..., tuple[Any, ...]], *sizes: tuple[int, ...], text: str) -> dict[str, Make]:
    """``make(dtype, *size)`` for each size, named by a format of its numbers."""
    return {text.format(*size): lambda dtype, size=size: make(dtype, *size) for size in sizes}


#: One array of 10 to 10^7 elements.
VECTORS: dict[str, Make] = {
    f"1e{exponent}": lambda dtype, n=10**exponent: (normal(dtype, n),) for exponent in range(1, 8)
}
#: Points and centres: n points, k centres, d dimensions.
POINTS = each(
    lambda dtype, n, k, d: (normal(dtype, n, d), normal(dtype, k, d)),
    (10, 3, 2), (100, 8, 4), (1000, 8, 4), (1000, 64, 16), (10_000, 16, 16), (10_000, 64, 64), (100_000, 8, 3),
    text="n={} k={} d={}",
)  # fmt: skip
