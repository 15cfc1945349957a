"""Where recording reaches the calls of a kernel: the public function gets code that counts them.

A call is counted by an iterator that gives out after a random number of calls, in some 40 ns and without a lock. The
call at which it does is looked at: made by a second function, with the code that serves while nothing is recorded, and
told to the tap. The tap is reached through one hook, when a program asks for recording by `AUTOTUNE_RECORD` or
by `autotune.recording`. While nothing is recorded none of this is in the public function. Knows nothing of what is
made of a call.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .dispatcher import Dispatcher

#: Where recording is, imported when it is first asked for.
HOOK = "autotune.profile.calls.environment"
#: What tells of the calls so far.
STATS = "autotune.profile.calls.stats"
#: The variable that asks for it.
VARIABLE = "AUTOTUNE_RECORD"

#: How calls are counted: not at all, all alike, or for each octave of an array's size; the last is the code of the
#: function that makes the calls that are looked at.
NOT, ALIKE, BY_OCTAVE, INSIDE = "", "alike", "by octave", "inside"


class Tap(Protocol):
    """What is told of the calls of one kernel; all of it must be quick, and raise nothing."""

    @property
    def counting(self) -> str:
        """`ALIKE` or `BY_OCTAVE`."""
        ...

    def begin(self, due: Iterator[None], arguments: tuple[object, ...]) -> Any:
        """This iterator gave out at a call: it is clocked, and what is returned is handed on to `ended`; or None."""
        ...

    def ended(self, looked: Any, took_s: float, result: object, arguments: tuple[object, ...]) -> None:
        """It is over; the result is None where it raised."""
        ...

    def missed(self, took_s: float) -> None:
        """A call had to be looked up, which took so long."""
        ...


#: Gives a dispatcher its tap; None while nothing is recorded.
connect: Callable[[Dispatcher], Tap] | None = None


def tap_of(dispatcher: Dispatcher) -> Tap | None:
    """The tap of a kernel that is called for the first time."""
    if connect is None and os.environ.get(VARIABLE):
        importlib.import_module(HOOK).start_as_asked()
    return None if connect is None else connect(dispatcher)


def prepare(dispatcher: Dispatcher, listener: Tap) -> str:
    """Make the function that makes the calls that are looked at; how the calls are to be counted."""
    names, face = dispatcher.namespace.globals, dispatcher.face
    names.update(_begin=listener.begin, _ended=listener.ended)
    if face.starred:
        source, filename = face.unnamed("_inside"), f"<autotune {dispatcher.kernel.id} forward>"
        names["_unnamed_inside"] = dispatcher.namespace.define(source, "_unnamed", filename)
    code = dispatcher.compiled(INSIDE).__code__
    names["_inside"] = FunctionType(code, names, dispatcher.function.__name__)  # is given all of its parameters
    return listener.counting


def octaves_of(dispatcher: Dispatcher) -> str:
    """The array parameter whose size tells calls apart; empty where there is none."""
    arrays = dispatcher.kernel.array_parameters
    return next((name for name in dispatcher.face.names if name in arrays), "")
