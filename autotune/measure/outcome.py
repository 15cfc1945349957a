"""What one call did: its result or exception, floating-point conditions, output, and changes to the process.

Knows nothing of what it should have done.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import arguments as make
from .output import swallowed
from .state import Snapshot

Call = Callable[[Mapping[str, object]], Any]


@dataclass(frozen=True)
class Outcome:
    """What one call did."""

    result: Any
    raised: type[BaseException] | None
    message: str
    conditions: frozenset[str]
    arguments: make.Arguments
    #: Bytes printed.
    printed: int = 0
    #: What it changed of the process, by field, as text; it is put back already.
    changes: Mapping[str, str] = field(default_factory=dict)


def observe(call: Call, arguments: make.Arguments, *, watch_state: bool = True) -> Outcome:
    """Call on copies of the arguments and see what happens.

    Parameters
    ----------
    watch_state : bool
        Whether the state of the process is compared before and after (some 100 µs).
    """
    given = make.copy_arguments(arguments)
    _soil_free_memory(given)
    seen: set[str] = set()
    result, raised, message = None, None, ""
    with _conditions_to(seen), swallowed() as meter:
        before = Snapshot.take() if watch_state else None
        try:
            result = call(given)
        except (Exception, SystemExit) as error:  # the candidate boundary: whatever it raises is its outcome
            raised, message = type(error), str(error)
        changes = before.restore() if before is not None else {}
        printed = meter.read()
    return Outcome(result, raised, message, frozenset(seen), given, printed, changes)


@contextlib.contextmanager
def _conditions_to(seen: set[str]) -> Iterator[None]:
    """Collect floating-point conditions and warnings in `seen`; nothing is shown.

    Underflow, which NumPy ignores by default, is left out, and so is what Numba says while it compiles.
    """
    with (
        warnings.catch_warnings(record=True) as issued,
        np.errstate(divide="call", over="call", invalid="call", under="ignore", call=lambda kind, _: seen.add(kind)),
    ):
        warnings.simplefilter("always")
        try:
            yield
        finally:
            seen.update(
                "RuntimeWarning" if issubclass(kind, RuntimeWarning) else kind.__name__
                for kind in {warning.category for warning in issued}
                if not kind.__module__.startswith("numba")
            )


def _soil_free_memory(arguments: make.Arguments) -> None:
    """Fill memory that the next allocation will probably get with NaN, so that what stays unwritten shows."""
    for value in arguments.values():
        if type(value) is np.ndarray and value.dtype.kind in "fc" and value.size:
            soiled = np.empty_like(value)
            soiled.fill(np.nan)
