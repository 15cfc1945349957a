"""Giving a scalar result the reference's type.

Compiled code returns Python's numbers where NumPy returns its own. A boxing is the name of a type, or a list of names
and None for a tuple, or None for nothing to do. Knows nothing of kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..value import Value

Boxing = str | list[str | None] | None
#: Which results are given up for the reference's if they are not all finite, because its warnings would be missing.
FINITE = ("", "number", "arrays")


class Handling(Value):
    """What the results of a candidate need before they are the reference's."""

    boxing: Boxing = None
    #: "" for nothing to test, else what the results are: ``"number"`` or ``"arrays"``.
    finite: str = ""


#: Every type a scalar result can be boxed to, by name.
BOXES: dict[str, type] = {
    **{kind.__name__: kind for kind in (bool, int, float, complex)},
    **{
        kind.__name__: kind
        for kind in (
            np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
            np.float32, np.float64, np.complex64, np.complex128,
        )
    },
}  # fmt: skip
#: NumPy's bool is named as Python's, so it goes by its old name.
BOXES.update({"bool": bool, "bool_": np.bool_})


def scalar_kind(value: object) -> str:
    """b, i, f or c for a Python or NumPy number, "" for anything else."""
    if isinstance(value, bool | np.bool_):
        return "b"
    if isinstance(value, int | np.integer):
        return "i"
    if isinstance(value, float | np.floating):
        return "f"
    return "c" if isinstance(value, complex | np.complexfloating) else ""


def boxing_of(expected: object, found: object) -> Boxing:
    """How `found` must be boxed to have the type of `expected`."""
    if isinstance(expected, tuple) and isinstance(found, tuple) and len(expected) == len(found):
        parts = [_name(e, f) for e, f in zip(expected, found, strict=True)]
        return parts if any(parts) else None
    return _name(expected, found)


def _name(expected: object, found: object) -> str | None:
    kind = scalar_kind(expected)
    if type(expected) is type(found) or not kind or kind != scalar_kind(found):
        return None
    return "bool_" if type(expected) is np.bool_ else type(expected).__name__


def legal(handling: Handling) -> bool:
    """Whether what was read from a record names known types and tests only."""
    names = handling.boxing if isinstance(handling.boxing, list) else [handling.boxing]
    return handling.finite in FINITE and all(name is None or name in BOXES for name in names)


#: One of each type: a number times it has its type, in a quarter of the time that NumPy's constructors take
#: (`np.float32` 195 against 45 ns), and the same value, as the number is of that type's range already.
ONES: dict[str, object] = {name: kind(1) for name, kind in BOXES.items() if issubclass(kind, np.integer | np.floating)}


def boxed(name: str, value: str, known_as: Callable[[str, object], str]) -> str:
    """Source of a value boxed to the type of one name.

    Parameters
    ----------
    name : str
        Of `BOXES`.
    value : str
        Source of the value: a name, a call or a subscription.
    known_as : callable
        The name by which the code knows an object, from a prefix and the object.
    """
    if name in ONES:
        return f"{known_as('_one_', ONES[name])} * {value}"
    if name == "bool_":
        return f"{known_as('_true_', np.True_)} if {value} else {known_as('_false_', np.False_)}"
    return f"{known_as('_box_', BOXES[name])}({value})"


def boxer(boxing: Boxing) -> Callable[[Any], Any] | None:
    """What turns a result into its boxed form; None where there is nothing to do."""
    if boxing is None:
        return None
    return _boxer(boxing if isinstance(boxing, str) else tuple(boxing))


@lru_cache(maxsize=256)
def _boxer(names: str | tuple[str | None, ...]) -> Callable[[Any], Any]:
    known: dict[str, object] = {}

    def known_as(prefix: str, value: object) -> str:
        known[name := f"{prefix}{type(value).__name__}{id(value)}"] = value
        return name

    if isinstance(names, str):
        source = boxed(names, "r", known_as)
    else:
        parts = [f"r[{i}]" if name is None else boxed(name, f"r[{i}]", known_as) for i, name in enumerate(names)]
        source = f"({', '.join(parts)},)"
    made: Callable[[Any], Any] = eval(f"lambda r: {source}", known)  # noqa: S307 - names from BOXES
    return made
