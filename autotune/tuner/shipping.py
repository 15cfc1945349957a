"""Arguments of a call for another process: arrays as .npy files in a private directory, the rest as JSON.

Nothing is pickled; what cannot be written plainly is not shipped. Knows nothing of kernels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..kernel.model import UNSET
from ..kernel.signature import layout_of
from ..measure.arguments import Arguments, as_layout


class NotShippable(Exception):
    """An argument that another process cannot be given."""


def pack(values: Arguments, folder: Path) -> dict[str, Any]:
    """Write arrays into `folder`; the description that `unpack` takes.

    Raises
    ------
    NotShippable
        Some argument is neither an array nor plain data.
    """
    files: dict[int, str] = {}
    return {name: _pack(value, folder, files) for name, value in values.items()}


def _pack(value: object, folder: Path, files: dict[int, str]) -> Any:
    if value is UNSET:
        return ["unset"]
    if type(value) is np.ndarray and not value.dtype.hasobject:
        if id(value) not in files:
            files[id(value)] = f"{len(files)}.npy"
            np.save(folder / files[id(value)], value, allow_pickle=False)
        return ["array", files[id(value)], layout_of(value)]
    if isinstance(value, np.generic):
        return ["scalar", value.dtype.str, value.tobytes().hex()]
    if value is None or type(value) in (bool, int, float, str):
        return ["plain", value]
    if type(value) is complex:
        return ["complex", value.real, value.imag]
    if type(value) is tuple:
        return ["tuple", [_pack(item, folder, files) for item in value]]
    if isinstance(value, np.dtype):
        return ["dtype", value.str]
    raise NotShippable(f"a {type(value).__name__}")


def unpack(described: dict[str, Any], folder: Path) -> Arguments:
    """The arguments that `pack` described, in the same layouts."""
    arrays: dict[str, np.ndarray] = {}
    return {name: _unpack(item, folder, arrays) for name, item in described.items()}


def _unpack(item: list[Any], folder: Path, arrays: dict[str, np.ndarray]) -> object:
    kind, *rest = item
    if kind == "unset":
        return UNSET
    if kind == "array":
        file, layout = rest
        if file not in arrays:
            arrays[file] = as_layout(np.load(folder / file, allow_pickle=False), layout)
        return arrays[file]
    if kind == "scalar":
        return np.frombuffer(bytes.fromhex(rest[1]), dtype=np.dtype(rest[0]))[0]
    if kind == "complex":
        return complex(*rest)
    if kind == "tuple":
        return tuple(_unpack(part, folder, arrays) for part in rest[0])
    return np.dtype(rest[0]) if kind == "dtype" else rest[0]
