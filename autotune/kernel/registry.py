"""Every kernel declared in this process, by id.

Knows nothing of what the declared objects do; it holds them and finds them by name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import DeclarationError, UnknownKernel
from .model import where_defined

_kernels: dict[str, Any] = {}


def module_id(module: str) -> str:
    """The stable name of a module: the file's stem for a script that runs as ``__main__``."""
    if module in ("__main__", "__mp_main__"):
        file: str | None = getattr(sys.modules.get(module), "__file__", None)
        if file:
            return os.path.splitext(os.path.basename(file))[0]
        return "__main__"
    return module


def register(identifier: str, tuned: Any, reference: Callable[..., Any]) -> None:
    """Add a kernel. Declaring it again (a reload, a notebook cell run twice) replaces it; a clash is an error."""
    known = _kernels.get(identifier)
    if known is not None:
        old, new = known.reference, reference
        if getattr(old, "__qualname__", old) != getattr(new, "__qualname__", new):
            raise DeclarationError(
                f"kernel {identifier} is declared twice, by {where_defined(old)} and {where_defined(new)}; "
                "give one of them another name="
            )
    _kernels[identifier] = tuned


def all_kernels() -> Iterator[Any]:
    """Every tuned object, in the order of declaration."""
    return iter(list(_kernels.values()))


def find(name: str) -> Any:
    """The tuned object of an id, or of a short name that is unambiguous.

    Raises
    ------
    UnknownKernel
        Nothing, or more than one kernel, has that name.
    """
    if name in _kernels:
        return _kernels[name]
    matches = [identifier for identifier in _kernels if identifier.rpartition(":")[2] == name]
    if len(matches) == 1:
        return _kernels[matches[0]]
    if matches:
        raise UnknownKernel(f"{name!r} names several kernels: {', '.join(matches)}; give one of these ids")
    known = ", ".join(sorted(identifier.rpartition(":")[2] for identifier in _kernels)) or "none"
    raise UnknownKernel(f"no kernel is named {name!r}; declared: {known}. Is its module imported (--module)?")
