"""Arguments for measuring and verifying: copies in the same layout, smaller ones, and ones with special values.

The caller's own arrays are read, never used. Knows nothing of candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..kernel.signature import layout_of

Arguments = dict[str, object]

#: IEEE special values; each is put in places of its own.
SPECIALS = (np.nan, np.inf, -np.inf, 0.0, -0.0)


def as_layout(array: np.ndarray, layout: str) -> np.ndarray:
    """A copy of `array` with memory layout ``"C"``, ``"F"``, or ``"A"`` (every second element of a buffer)."""
    if layout == "F" and array.ndim > 1:
        return np.array(array, order="F")
    if layout == "A" and array.ndim > 0:
        buffer = np.zeros((*array.shape[:-1], 2 * array.shape[-1] + 1), array.dtype)
        view = buffer[..., 1::2]
        view[...] = array
        return view
    return np.array(array, order="C")


def copy_array(array: np.ndarray) -> np.ndarray:
    """A writable copy with the same layout class."""
    return as_layout(array, layout_of(array))


def copy_arguments(arguments: Mapping[str, object]) -> Arguments:
    """Arguments with every array copied; an array passed twice stays one array."""
    return map_arrays(arguments, copy_array)


def map_arrays(
    arguments: Mapping[str, object], change: Callable[[np.ndarray], np.ndarray], keep: frozenset[str] = frozenset()
) -> Arguments:
    """Arguments with `change` applied once to every distinct array, except those named in `keep`, which are copied."""
    done: dict[int, np.ndarray] = {}
    result: Arguments = {}
    for name, value in arguments.items():
        if type(value) is np.ndarray:
            if id(value) not in done:
                done[id(value)] = copy_array(value) if name in keep else change(value)
            result[name] = done[id(value)]
        else:
            result[name] = value
    return result


def total_bytes(arguments: Mapping[str, object]) -> int:
    return sum(value.nbytes for value in arguments.values() if type(value) is np.ndarray)


def truncated(arguments: Mapping[str, object], length: int, new_length: int) -> Arguments:
    """Arguments in which every axis of `length` elements is cut to `new_length`.

    Axes that are equally long usually mean the same thing, so shapes go on fitting together; where they do not, the
    reference raises, and a variant must then raise as well.
    """

    def cut(array: np.ndarray) -> np.ndarray:
        index = tuple(slice(new_length) if axis == length else slice(None) for axis in array.shape)
        return as_layout(array[index], layout_of(array))

    return map_arrays(arguments, cut)


def axis_lengths(arguments: Mapping[str, object]) -> list[int]:
    """Distinct lengths of axes, longest first."""
    lengths = {n for value in arguments.values() if type(value) is np.ndarray for n in value.shape}
    return sorted(lengths, reverse=True)


def with_specials(
    arguments: Mapping[str, object], values: tuple[float, ...], seed: int, keep: frozenset[str]
) -> Arguments:
    """Arguments with some elements of every floating array replaced by special values."""
    rng = np.random.default_rng(seed)

    def plant(array: np.ndarray) -> np.ndarray:
        copy = copy_array(array)
        if copy.dtype.kind in "fc" and copy.size:
            places = rng.choice(copy.size, size=min(copy.size, len(values)), replace=False)
            for place, value in zip(places, values, strict=False):
                copy[np.unravel_index(place, copy.shape)] = value
        return copy

    return map_arrays(arguments, plant, keep)


def magnitudes(arguments: Mapping[str, object]) -> Arguments:
    """Arguments with every floating array replaced by its absolute values: what error bounds scale with."""
    return map_arrays(arguments, lambda a: as_layout(np.abs(a), layout_of(a)) if a.dtype.kind == "f" else copy_array(a))


_WIDER = {"float32": np.float64, "float64": np.longdouble, "complex64": np.complex128, "complex128": np.clongdouble}


def widened(arguments: Mapping[str, object]) -> Arguments | None:
    """Arguments in the next wider floating format, for an oracle; None where nothing floats or nothing is wider."""
    found = False

    def widen(array: np.ndarray) -> np.ndarray:
        nonlocal found
        wider = _WIDER.get(array.dtype.name)
        if wider is None or np.dtype(wider).itemsize == array.dtype.itemsize:
            return copy_array(array)
        found = True
        return as_layout(array.astype(wider), layout_of(array))

    result = map_arrays(arguments, widen)
    return result if found else None
