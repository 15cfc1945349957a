"""The correctness gate: every candidate passes it before it is timed.

The reference is the specification. A candidate must give its result (type, dtype, shape, order, special values, error
within bounds), raise what it raises, report the same floating-point conditions, leave its inputs and the process alone,
and do so every time. Knows nothing of timing, disk or search.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..kernel.boxes import Boxing, Handling, boxer, boxing_of, scalar_kind
from ..kernel.model import Kernel
from . import arguments as make
from .compare import ELEMENTWISE_FACTOR, Bounds, Mismatch, compare, same_bits
from .outcome import Call, Outcome, observe

#: A data race can pass once: candidates with threads are run this often.
THREADED_REPEATS = 20
#: Longer precision runs without BLAS or vector units, a hundred times slower: only for inputs up to this size.
MAX_ORACLE_BYTES = 1 << 19
#: What a candidate may print in a call beyond what the reference prints: a pipe's buffer on Linux, which is as much as
#: a program can print although nobody reads it.
MAX_OUTPUT_BYTES = 1 << 16


@dataclass
class Case:
    """One call to verify on, with what the reference makes of it."""

    label: str
    arguments: make.Arguments
    expected: Outcome | None = field(default=None, init=False)
    #: Results on absolute and on longer-precision inputs, once they were needed.
    aids: dict[str, Any] = field(default_factory=dict, init=False)


@dataclass(frozen=True)
class Passed:
    """A candidate is right on all cases."""

    handling: Handling
    #: Largest distance from the reference in units in the last place.
    ulp: float


class Gate:
    """Verifies candidates of one kernel against cached results of its reference.

    Parameters
    ----------
    kernel : Kernel
    cases : list of Case
        Calls to verify on.
    """

    def __init__(self, kernel: Kernel, cases: list[Case]) -> None:
        self.kernel = kernel
        self.cases = cases

    def check(
        self, call: Call, *, numerics: str, threads: bool, cases: list[Case] | None = None, repeats: int | None = None
    ) -> Passed:
        """Verify one candidate.

        Parameters
        ----------
        call : callable
            Runs the candidate on arguments by name.
        numerics : str
            The class it claims.
        threads : bool
            Whether it uses several threads; then every case is repeated and must give the same bits.
        cases : list of Case, optional
            Instead of the gate's own.
        repeats : int, optional
            Calls of each case; by default two, or `THREADED_REPEATS` with threads.

        Raises
        ------
        Mismatch
            With the case and the reason.
        """
        handling, known = Handling(), False
        ulp = 0.0
        for case in self.cases if cases is None else cases:
            expected = self._expected(case)
            first: Outcome | None = None
            for repeat in range(repeats or (THREADED_REPEATS if threads else 2)):
                found = observe(call, case.arguments, watch_state=repeat < 2)
                if expected.raised is None and found.raised is None and not known and expected.result is not None:
                    handling, known = handling.replace(boxing=boxing_of(expected.result, found.result)), True
                if found.changes and threading.active_count() > 1:
                    found = _by_itself(found, observe(call, case.arguments))
                try:
                    self._no_side_effects(expected, found)
                    if repeat < 2 or found.raised is not None:
                        handling = self._same_conditions(expected, found, handling)
                        ulp = max(ulp, self._compare(case, expected, found, handling, numerics))
                    self._same_bits(first, found)
                except Mismatch as mismatch:
                    at = f"{case.label}" + (f", call {repeat + 1}" if repeat else "")
                    raise Mismatch(f"{at}: {mismatch}") from None
                first = found if first is None else first
        return Passed(handling, ulp)

    def hold(self, case: Case, expected: Outcome, found: Outcome, handling: Handling, numerics: str) -> float:
        """Hold what a call did against what the reference did; the distance in units in the last place.

        Raises
        ------
        Mismatch
            With the reason.
        """
        return self._compare(case, expected, found, handling, numerics)

    def _expected(self, case: Case) -> Outcome:
        if case.expected is None:
            case.expected = observe(self.kernel.call_reference, case.arguments)
        return case.expected

    @staticmethod
    def _no_side_effects(expected: Outcome, found: Outcome) -> None:
        """What a call does besides computing shows to the user, unless the reference does it as well."""
        more = [text for name, text in found.changes.items() if name not in expected.changes]
        if more:
            raise Mismatch(f"changes {more[0]}; a variant may not")
        if found.printed > expected.printed + MAX_OUTPUT_BYTES:
            raise Mismatch(
                f"prints more than {(expected.printed + MAX_OUTPUT_BYTES) >> 10} KiB in one call; a variant may not"
            )
        out_of_memory = found.raised is not None and issubclass(found.raised, MemoryError)
        if out_of_memory and expected.raised is not found.raised:
            raise Mismatch(f"needs more memory than there is for a candidate: {found.message or 'MemoryError'}")

    @staticmethod
    def _same_conditions(expected: Outcome, found: Outcome, handling: Handling) -> Handling:
        """Hold floating-point conditions and warnings against the reference's.

        A candidate that is silent where the reference speaks will do if its result then is not finite, because that
        can be tested after each call.
        """
        if expected.raised is not None or found.raised is not None or expected.conditions == found.conditions:
            return handling
        if found.conditions < expected.conditions and not _all_finite(found.result):
            return handling.replace(finite="number" if scalar_kind(found.result) else "arrays")
        raise Mismatch(
            f"reports {', '.join(sorted(found.conditions)) or 'no floating-point condition'}, the reference "
            f"{', '.join(sorted(expected.conditions)) or 'none'}; hand such a call to the reference"
        )

    def _compare(self, case: Case, expected: Outcome, found: Outcome, handling: Handling, numerics: str) -> float:
        if expected.raised is not found.raised:
            if found.raised is None:
                raise Mismatch(f"raises nothing, expected {_name(expected.raised)} ({expected.message:.80})")
            raise Mismatch(f"raises {_name(found.raised)}: {found.message:.200}; expected {_name(expected.raised)}")
        self._inputs_unchanged(case, found)
        if expected.raised is not None:
            return 0.0
        self._same_identity(expected, found)
        bounds = self._bounds(case, expected, numerics)
        if not (handling.finite and not _all_finite(found.result)):  # such a result is given up
            compare(expected.result, _boxed(handling.boxing, found.result), bounds)
        for name in self.kernel.mutates:
            if type(expected.arguments.get(name)) is np.ndarray:
                compare(expected.arguments[name], found.arguments[name], bounds, name)
        return bounds.ulp

    def _inputs_unchanged(self, case: Case, found: Outcome) -> None:
        for name, before in case.arguments.items():
            after = found.arguments[name]
            if name not in self.kernel.mutates and type(before) is np.ndarray and type(after) is np.ndarray:
                if any(before is case.arguments[written] for written in self.kernel.mutates):
                    continue
                if not (same_bits(before, after) or _equal(before, after)):
                    raise Mismatch(f"changes its input {name}; declare mutates=({name!r},) if that is meant")

    def _same_identity(self, expected: Outcome, found: Outcome) -> None:
        """A result that is, or shares memory with, an argument must do so for the reference as well."""
        for name, value in found.arguments.items():
            if type(value) is not np.ndarray:
                continue
            theirs = expected.arguments[name]
            if (expected.result is theirs) != (found.result is value):
                what = "is" if found.result is value else "is not"
                raise Mismatch(f"the result {what} the argument {name}, unlike the reference's")
            if found.result is not value and _shares(found.result, value) and not _shares(expected.result, theirs):
                raise Mismatch(f"the result is a view of the argument {name}")

    @staticmethod
    def _same_bits(first: Outcome | None, found: Outcome) -> None:
        if first is not None and not _equal_bits(first.result, found.result):
            raise Mismatch("gives other bits than the call before with the same input")

    def _bounds(self, case: Case, expected: Outcome, numerics: str) -> Bounds:
        def aid(name: str, change: Callable[[make.Arguments], make.Arguments | None]) -> Any:
            if name not in case.aids:
                changed = change(case.arguments)
                case.aids[name] = None if changed is None else self._quietly(changed)
            return case.aids[name]

        small = make.total_bytes(case.arguments) <= MAX_ORACLE_BYTES
        return Bounds(
            numerics,
            self._factor(case, expected),
            scale=lambda: aid("scale", make.magnitudes),
            oracle=lambda: aid("oracle", make.widened) if small else None,
            normwise=self.kernel.normwise,
        )

    def _factor(self, case: Case, expected: Outcome) -> float:
        if self.kernel.tolerance is not None:
            return self.kernel.tolerance[0]
        terms = 1.0
        if not self.kernel.elementwise:
            read = sum(
                value.size
                for name, value in case.arguments.items()
                if type(value) is np.ndarray and name not in self.kernel.mutates
            )
            terms = read / max(1, _elements(expected.result))
        return max(ELEMENTWISE_FACTOR, math.sqrt(terms))

    def _quietly(self, arguments: make.Arguments) -> Any:
        """The reference's result, or None where it has none for such arguments."""
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return self.kernel.call_reference(arguments)
            except Exception:  # the candidate boundary: no oracle in this format
                return None


def _by_itself(found: Outcome, again: Outcome) -> Outcome:
    """A call without the changes that did not happen again: another thread of the user's process made them."""
    return replace(found, changes={name: text for name, text in found.changes.items() if name in again.changes})


def _boxed(boxing: Boxing, result: Any) -> Any:
    wrap = boxer(boxing)
    if wrap is None:
        return result
    try:
        return wrap(result)
    except (TypeError, ValueError, IndexError):
        raise Mismatch(f"the result {result!r:.60} is not of the kind seen before") from None


def _all_finite(result: Any) -> bool:
    """Whether all floating numbers of a result are finite."""
    if isinstance(result, tuple):
        return all(map(_all_finite, result))
    if isinstance(result, np.ndarray):
        return result.dtype.kind not in "fc" or bool(np.isfinite(result).all())
    return scalar_kind(result) not in ("f", "c") or bool(np.isfinite(result))


def _elements(result: Any) -> int:
    if isinstance(result, tuple):
        return max((_elements(part) for part in result), default=1)
    return int(np.size(result)) if isinstance(result, np.ndarray) else 1


def _shares(result: Any, array: Any) -> bool:
    if isinstance(result, tuple):
        return any(_shares(part, array) for part in result)
    return isinstance(result, np.ndarray) and np.may_share_memory(result, array)


def _equal_bits(first: Any, second: Any) -> bool:
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(_equal_bits, first, second))
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray) and same_bits(first, second):
        return True
    if isinstance(first, np.ndarray | np.generic | float | complex):
        return _equal(first, second)
    return type(first) is type(second)


def _equal(first: Any, second: Any) -> bool:
    return np.array_equal(first, second, equal_nan=np.asarray(first).dtype.kind in "fc")


def _name(error: type[BaseException] | None) -> str:
    return "no exception" if error is None else error.__name__
