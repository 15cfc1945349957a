"""A call of a kernel, what comes of it, and which variants may serve it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from autotune.kernel.coverage import not_covered
from autotune.kernel.model import Variant
from autotune.kernel.signature import NotCovered, signature_of
from autotune.measure.arguments import as_layout, copy_array, map_arrays

PRECISIONS = ("float32", "float64")


def wider_than(dtype: Any) -> type[np.floating]:
    """The next wider format of real numbers, for true values; the test is skipped where this machine has none."""
    wider = np.float64 if np.dtype(dtype) == np.float32 else np.longdouble
    if np.finfo(wider).eps >= np.finfo(dtype).eps:
        pytest.skip(
            f"needs true values with more digits than {np.dtype(dtype)}: here long double has no more than that"
        )
    return wider


class Call(NamedTuple):
    """Arguments of one call."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def of(self, function: Callable[..., Any], **more: object) -> Any:
        return function(*self.args, **self.kwargs, **more)

    def copy(self) -> Call:
        """With copies of its arrays; one that is passed twice stays one."""
        copied = map_arrays({str(place): value for place, value in enumerate(self.args)} | self.kwargs, _copy_array)
        return Call(tuple(copied.pop(str(place)) for place in range(len(self.args))), copied)


def _copy_array(array: np.ndarray) -> np.ndarray:
    """A copy of the same layout, read in the same direction, and read-only if the array is."""
    direction = tuple(slice(None, None, -1 if stride < 0 else None) for stride in array.strides)
    copy = copy_array(array[direction])[direction]
    copy.flags.writeable = array.flags.writeable
    return copy


def strided(array: np.ndarray) -> np.ndarray:
    """A copy in every second place of a wider array."""
    return as_layout(array, "A")


def taken(tuned: Any, variant: Variant, given: list[Call]) -> list[Call]:
    """The calls that a variant may serve."""
    kernel = tuned.__autotune__.kernel
    signatures = [(call, signature_of(kernel, call.of(kernel.bind))) for call in given]
    return [
        call
        for call, signature in signatures
        if not isinstance(signature, NotCovered) and not_covered(kernel, variant, signature) is None
    ]


def bits(result: Any) -> tuple[bytes, ...]:
    """The result to the last bit."""
    return tuple(np.asarray(part).tobytes() for part in (result if isinstance(result, tuple) else (result,)))


class Outcome(NamedTuple):
    """What came of a call."""

    result: Any
    #: The type of the exception; of a floating-point error, the condition too.
    raised: str
    #: What was warned about: of floating-point warnings, the condition.
    warned: frozenset[str]
    #: Whether the result is the argument `out` itself.
    is_out: bool


def outcome(function: Callable[..., Any], call: Call, **errors: Any) -> Outcome:
    """Call a function under `np.errstate` with these settings."""
    result, raised = None, ""
    with warnings.catch_warnings(record=True) as issued, np.errstate(**errors):
        warnings.simplefilter("always")
        try:
            result = call.of(function)
        except FloatingPointError as error:
            raised = f"FloatingPointError: {_condition(error)}"
        except Exception as error:  # any that the reference may raise
            raised = type(error).__name__
    warned = frozenset(_condition(warning.message) for warning in issued)
    return Outcome(result, raised, warned, result is not None and result is call.kwargs.get("out"))


def _condition(message: object) -> str:
    """«overflow» of «overflow encountered in exp»; other messages whole."""
    return str(message).partition(" encountered in ")[0]
