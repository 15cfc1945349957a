"""The signature of a call: what must be equal for one decision to apply.

dtype, ndim and memory layout of every array; None, bool and str arguments by value; int and enum arguments by value
if named in ``static=``; other scalars by type; `self`, callables and what cannot be hashed not by value. A call that
no tuned variant may serve (a list, a subclass, a misaligned array) has no signature but a reason.

Knows nothing of variants' code, of disk or of timing.
"""

from __future__ import annotations

import enum
import itertools
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..value import Value
from .model import UNSET, Kernel

if TYPE_CHECKING:
    from inspect import Parameter

#: dtypes that variants are verified for, each under itself: NumPy's own objects, for those that were unpickled.
DTYPES = {
    np.dtype(name): np.dtype(name)
    for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float32", "float64", "complex64", "complex128",
    )
}  # fmt: skip
#: Objects with one of these are arrays of somebody else's making.
_ARRAY_PROTOCOLS = ("__array__", "__array_interface__", "__array_function__", "__array_ufunc__", "__dlpack__")


class ArrayType(Value):
    """An exact, native, aligned ndarray."""

    dtype: np.dtype
    ndim: int
    layout: str  # "C", "F", or "A" for anything else

    def data(self) -> list[object]:
        return ["array", self.dtype.name, self.ndim, self.layout]

    def __str__(self) -> str:
        layout = {"C": "C", "F": "F", "A": "strided"}[self.layout]
        return f"{self.dtype.name} {self.ndim}-d {layout}"


class Constant(Value):
    """An argument fixed by its value."""

    value: object

    def data(self) -> list[object]:
        if isinstance(self.value, np.integer):  # 2 and np.int64(2) promote float32 differently
            return ["value", f"{type(self.value).__name__}({self.value})"]
        plain = self.value is None or type(self.value) in (bool, int, float, str)
        return ["value", self.value if plain else repr(self.value)]

    def __str__(self) -> str:
        return repr(self.value)


Types = tuple[type, ...]


class Scalar(Value):
    """An argument fixed by its exact type; a tuple also by those of its items."""

    type: type
    items: Types = ()

    def data(self) -> list[object]:
        return ["type", _full_name(self.type), *map(_full_name, self.items)]

    def __str__(self) -> str:
        return self.type.__name__


def _full_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class Open(Value):
    """An argument that a signature says nothing about (`self`), or only that it is callable."""

    kind: str  # "any" or "callable"

    def data(self) -> list[object]:
        return [self.kind]

    def __str__(self) -> str:
        return self.kind


class Default(Value):
    """An optional argument at its default."""

    def data(self) -> list[object]:
        return ["default"]

    def __str__(self) -> str:
        return "default"


Descriptor = ArrayType | Constant | Scalar | Open | Default


class Signature(Value):
    """Descriptors of all arguments, in the order of the parameters."""

    entries: tuple[tuple[str, Descriptor], ...]

    @cached_property
    def key(self) -> str:
        """Canonical text: compact JSON, equal for equal signatures."""
        return json.dumps([[name, *descriptor.data()] for name, descriptor in self.entries], separators=(",", ":"))

    @cached_property
    def arrays(self) -> dict[str, ArrayType]:
        return {name: descriptor for name, descriptor in self.entries if isinstance(descriptor, ArrayType)}

    @cached_property
    def by_name(self) -> dict[str, Descriptor]:
        return dict(self.entries)

    def siblings(self) -> Iterator[Signature]:
        """The signatures that differ in the layout of arrays alone."""
        names = list(self.arrays)
        for layouts in itertools.product("CFA", repeat=len(names)):
            changed = {
                name: ArrayType(self.arrays[name].dtype, self.arrays[name].ndim, layout)
                for name, layout in zip(names, layouts, strict=True)
            }
            if changed != self.arrays:
                yield Signature(tuple((name, changed.get(name, descriptor)) for name, descriptor in self.entries))

    def __str__(self) -> str:
        return describe_key(self.key)


def describe_key(key: str) -> str:
    """A signature key in words: ``"float64 2-d C, axis=1"``; one that is none, as records of others may have, as is."""
    words: list[str] = []
    try:
        for name, kind, *rest in json.loads(key):
            if kind == "array":
                dtype, ndim, layout = rest
                text = f"{dtype} {ndim}-d {'strided' if layout == 'A' else layout}"
                if text not in words:
                    words.append(text)
            elif kind == "value" and rest[0] is not None:
                words.append(f"{name}={rest[0]!r}")
            elif kind == "type":
                words.append(f"{name}: {rest[0]}")
    except (ValueError, TypeError, IndexError, RecursionError):
        return repr(key[:80])
    return ", ".join(words) or "no arrays"


class NotCovered(Value):
    """Why no tuned variant may serve a call."""

    reason: str
    #: (parameter, type or dtype) by which such a call can be told at once; None where it takes a closer look.
    test: tuple[str, Any] | None = None


def layout_of(array: np.ndarray) -> str:
    flags = array.flags
    return "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"


def signature_of(kernel: Kernel, values: Mapping[str, object]) -> Signature | NotCovered:
    """The signature of a call with these arguments, or why it has none."""
    entries: list[tuple[str, Descriptor]] = []
    for name, parameter in kernel.parameters.items():
        found = _describe(kernel, name, parameter, values[name])
        if isinstance(found, NotCovered):
            return found
        entries.append((name, found))
    overlapping = _overlap(kernel, values)
    if overlapping:
        return NotCovered(overlapping)
    return Signature(tuple(entries))


def _describe(kernel: Kernel, name: str, parameter: Parameter, value: object) -> Descriptor | NotCovered:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return Default() if not value else NotCovered(f"extra arguments in *{name}")
    if name not in kernel.coverable and parameter.default is not parameter.empty:
        if kernel.is_default(name, value):
            return Default()
        return NotCovered(f"no variant takes {name}={value!r:.40}")
    if type(value) is np.ndarray:
        return _describe_array(name, value)
    if name in kernel.array_parameters:
        return NotCovered(f"{name} is a {type(value).__name__}, not exactly a numpy.ndarray")
    if value is UNSET or (name in kernel.elidable and kernel.is_default(name, value)):
        return Default()
    if name == "self":
        return Open("any")
    if is_array_like(value):
        return NotCovered(f"{name} is a {type(value).__name__}, not exactly a numpy.ndarray", (name, type(value)))
    if name in kernel.mutates and value is not None:
        return NotCovered(f"{name} is a {type(value).__name__}, not exactly a numpy.ndarray")
    return _describe_value(name, value, by_value=name in kernel.static)


def _describe_array(name: str, array: np.ndarray) -> ArrayType | NotCovered:
    dtype = DTYPES.get(array.dtype)
    if dtype is None:
        return NotCovered(f"{name} has dtype {array.dtype!r}, which no variant is verified for", (name, array.dtype))
    if not array.flags.aligned:
        return NotCovered(f"{name} is not aligned")
    return ArrayType(dtype, array.ndim, layout_of(array))


def _describe_value(name: str, value: object, *, by_value: bool) -> Descriptor | NotCovered:
    if value is None or isinstance(value, bool | str | type | np.dtype):
        return Constant(value)
    if by_value and isinstance(value, int | np.integer | enum.Enum):
        return Constant(value)
    if by_value and isinstance(value, tuple) and all(type(item) is int for item in value):
        return Constant(value)
    if isinstance(value, tuple):
        if not all(type(item) in (int, float, complex) or isinstance(item, np.generic) for item in value):
            return NotCovered(f"{name} is a tuple of more than numbers")
        return Scalar(tuple, tuple(map(type, value)))
    return Open("callable") if callable(value) else Scalar(type(value))


def is_array_like(value: object) -> bool:
    """Whether `value` is an array in another guise: a subclass, a list, a foreign array, a buffer."""
    if isinstance(value, np.generic | type):
        return False
    if isinstance(value, np.ndarray | list | memoryview | bytearray):
        return True
    return any(hasattr(type(value), protocol) for protocol in _ARRAY_PROTOCOLS)


def _overlap(kernel: Kernel, values: Mapping[str, object]) -> str | None:
    """Why an output may not be written while the inputs are read, if so."""
    for name in kernel.mutates:
        written = values[name]
        if type(written) is not np.ndarray:
            continue
        for other, read in values.items():
            if other == name or type(read) is not np.ndarray or (kernel.elementwise and read is written):
                continue
            if np.may_share_memory(written, read):
                return f"{name} overlaps {other}"
    return None
