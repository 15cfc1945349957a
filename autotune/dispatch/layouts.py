"""Tests of ndim and layout as source, and where they are needed. Knows nothing of the rest of the function."""

from __future__ import annotations

from collections.abc import Iterator

from ..kernel.signature import ArrayType
from .plan import Route


def unlike(route: Route, tested: frozenset[str] | set[str], *, small: bool) -> list[str]:
    """Tests before the reference, which would hide signatures that differ in ndim and layout alone.

    Where a decision chose it, ndim is enough (15 ns against 60): those recorded for other layouts have routes.
    Where it chose it for small sizes, nothing is tested: others are seen at their larger ones.
    """
    if small and not route.undecided:
        return []
    tests = [
        (key, test) for name, array in route.signature.arrays.items()
        for key, test in (late_tests(name, array, tested) if route.undecided else ndim_test(name, array))
    ]  # fmt: skip
    return [test for key, test in tests if key not in tested]


def layout_test(name: str, array: ArrayType) -> str:
    """Source that is true for arrays of this layout."""
    return {"C": f"{name}.flags.c_contiguous", "F": f"{name}.flags.fnc", "A": f"not {name}.flags.forc"}[array.layout]


def ndim_test(name: str, array: ArrayType) -> Iterator[tuple[str, str]]:
    """(what it makes sure of, source)."""
    yield f"{name}.ndim", f"{name}.ndim == {array.ndim}"


def late_tests(name: str, array: ArrayType, tested: frozenset[str] | set[str]) -> Iterator[tuple[str, str]]:
    """Tests that an array is of this ndim and layout: (what they make sure of, source)."""
    if array.ndim == 1 and array.layout == "C" and not tested & {f"{name}.ndim", f"{name}.layout"}:
        yield f"{name}.ndim", f"{name}.strides == ({array.dtype.itemsize},)"  # says both, and faster
        return
    yield from ndim_test(name, array)
    if array.ndim:
        yield f"{name}.layout", layout_test(name, array)
