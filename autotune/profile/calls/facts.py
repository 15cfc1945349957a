"""What there is to know of a call: its signature, its size, who serves it and why, and an example of it.

Looking that up takes some 80 µs; calls with arguments of the same kinds and shapes have it in common, as long as the
public function has the same code. Knows nothing of how calls are counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...dispatch.dispatcher import Dispatcher
from ...dispatch.explanation import chosen
from ...kernel.model import REFERENCE, UNSET, Candidate
from ...kernel.signature import NotCovered, layout_of, signature_of
from ...value import Value
from ..workload import Argument

#: Kinds of arguments that are remembered for a kernel.
MAX_KNOWN = 512
#: Texts of a user's are cut off here; names of axes, modes and methods are shorter.
MAX_TEXT = 80
_PLAIN = (bool, int, float, str, type(None))
_NAMES = (type, *{type(np.dtype(code)) for code in np.typecodes["All"]})


class Facts(Value, by_identity=True):
    """What calls of one kind have in common."""

    #: Key of the signature; empty where no variant may serve such calls.
    signature: str
    #: Why the reference serves without having been measured.
    untuned: str
    size: Mapping[str, int]
    #: The candidate that serves, as text.
    served: str


class Known:
    """The facts of one kernel's calls."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._code: object = None
        self._facts: dict[Any, Facts] = {}

    def of(self, arguments: tuple[object, ...]) -> Facts:
        """The facts of a call, from what the public function received, in its order."""
        dispatcher = self._dispatcher
        code = dispatcher.function.__code__
        if code is not self._code or len(self._facts) >= MAX_KNOWN:
            self._facts.clear()
            self._code = code
        forced = dispatcher.forced.get()
        key = None if forced is not None or dispatcher.kernel.size.function is not None else _key(arguments)
        found = self._facts.get(key) if key is not None else None
        if found is None:
            found = self._look_up(arguments, forced)
            if key is not None:
                self._facts[key] = found
        return found

    def values(self, arguments: tuple[object, ...]) -> dict[str, object]:
        """The arguments by the reference's parameters."""
        values: dict[str, object] = self._dispatcher.face.call(self._dispatcher.kernel.bind, arguments)
        return values

    def _look_up(self, arguments: tuple[object, ...], forced: Candidate | None) -> Facts:
        dispatcher, kernel = self._dispatcher, self._dispatcher.kernel
        values = self.values(arguments)
        try:
            size = kernel.size_of(values) or {}
        except Exception:  # the variant guard: what has no size is the reference's
            size = {}
        size = {name: value for name, value in size.items() if type(value) is int}
        signature = signature_of(kernel, values)
        if isinstance(signature, NotCovered):
            return Facts("", signature.reason, size, REFERENCE if forced is None else str(forced))
        if forced is not None:
            return Facts(signature.key, "", size, str(forced))
        if not kernel.variants:
            return Facts(signature.key, "it has no variants", size, REFERENCE)
        decided = chosen(dispatcher, values)
        served = str(Candidate(decided.variant, tuple(decided.params.items())))
        return Facts(signature.key, (decided.reason or "") if decided.source == "none" else "", size, served)

    def example(self, arguments: tuple[object, ...]) -> dict[str, Argument]:
        """A call as an example."""
        kernel = self._dispatcher.kernel
        given = self.values(arguments).items()
        return {
            name: _argument(value) for name, value in given if value is not UNSET and not kernel.is_default(name, value)
        }


def arrays_of(arguments: tuple[object, ...]) -> list[np.ndarray]:
    """The arrays among the arguments, each once."""
    found = [value for value in arguments if isinstance(value, np.ndarray)]
    for value in arguments[-2:]:  # of those that have no name, which stand last
        if type(value) is dict:
            found += [item for item in value.values() if isinstance(item, np.ndarray)]
    return found if len(found) < 2 else list({id(array): array for array in found}.values())


def bytes_of(result: object, arguments: list[np.ndarray]) -> int:
    """Memory of a result that the call has allocated."""
    if isinstance(result, tuple | list):
        return sum(bytes_of(item, arguments) for item in result)
    if not isinstance(result, np.ndarray | np.generic) or any(result is array for array in arguments):
        return 0
    return int(result.nbytes)


def _key(arguments: tuple[object, ...]) -> tuple[object, ...] | None:
    """What tells calls apart; None for calls that are looked up each time."""
    parts: list[object] = []
    for value in arguments:
        kind = type(value)
        if kind is np.ndarray:
            parts.append((value.shape, value.strides, value.dtype))  # type: ignore[attr-defined]
        elif kind in _PLAIN:
            parts.append((kind, value))
        elif value is UNSET or kind in _NAMES:
            parts.append(value)
        elif kind in (tuple, dict, list):
            if value:
                return None
        else:
            return None
    return tuple(parts)


def _argument(value: object) -> Argument:
    if isinstance(value, np.ndarray):
        kind = "" if type(value) is np.ndarray else type(value).__name__
        return Argument(shape=list(value.shape), dtype=value.dtype.name, layout=layout_of(value), type=kind)
    if isinstance(value, np.generic):
        return Argument(dtype=value.dtype.name, value=_plain(value.item()), type=type(value).__name__)
    if isinstance(value, tuple | list) and len(value) <= 32 and all(type(item) in _PLAIN for item in value):
        return Argument(value=[_plain(item) for item in value], type=type(value).__name__)
    if type(value) in _PLAIN and _plain(value) == value:
        return Argument(value=_plain(value))
    return Argument(type=type(value).__name__)


def _plain(value: Any) -> bool | int | float | str | None:
    """A value as JSON can hold it; None for one that it cannot."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return (
        value if isinstance(value, bool) or value is None or (isinstance(value, int) and abs(value) < 1 << 63) else None
    )
