"""Where threads must not be used, and where one Python thread at a time may: facts of the process.

GNU OpenMP kills a forked child of a process in which it has run, and under TBB such a child may hang if it was not the
main thread that forked: there the single-threaded runners-up serve. Numba's own layer, workqueue, aborts the process
when two Python threads enter parallel code: there a call takes its turn, or does without threads. Every dispatcher is
told of a fork, because locks held by threads that do not exist in the child would never be released. Knows nothing of
decisions.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..compile.layers import running_layer

if TYPE_CHECKING:
    from .plan import ToVariant

#: Why this process must not enter parallel code; None where it may.
_why_single: str | None = None
_forked_by_main_thread = True
_listeners: weakref.WeakSet[Any] = weakref.WeakSet()


def single_threaded() -> bool:
    """Whether this process must not enter a parallel kernel."""
    return _why_single is not None


def why_single() -> str | None:
    """Why it must not."""
    return _why_single


class Turn:
    """Lets one Python thread at a time into parallel code; a thread that is inside may enter again."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def enter(self) -> bool:
        """Enter if no other thread is inside."""
        return self._lock.acquire(blocking=False)

    def wait(self) -> None:
        """Enter as soon as no other thread is inside."""
        self._lock.acquire()

    def leave(self) -> None:
        self._lock.release()

    @contextmanager
    def inside(self, target: ToVariant, *, wait: bool) -> Iterator[bool]:
        """Be inside for a call of a target, if it is one that must be called alone; whether that may be now.

        Parameters
        ----------
        wait : bool
            Wait for the thread that is inside, if another is.
        """
        if not target.alone:
            yield True
            return
        if wait:
            self.wait()
        elif not self.enter():
            yield False
            return
        try:
            yield True
        finally:
            self.leave()

    def renew(self) -> None:
        """In a forked child: threads that were inside do not exist."""
        self._lock = threading.RLock()


turn = Turn()


def listen(dispatcher: Any) -> None:
    """Have ``dispatcher.after_fork()`` called in forked children."""
    _listeners.add(dispatcher)


def listening() -> list[Any]:
    """The dispatchers of this process."""
    return list(_listeners)


def _before_fork() -> None:
    global _forked_by_main_thread
    _forked_by_main_thread = threading.current_thread() is threading.main_thread()


def _after_fork_in_child(layer: Callable[[], str | None] = running_layer) -> None:
    global _why_single
    running = layer()
    if running == "omp":
        _why_single = "this process was forked from one in which OpenMP had run"
    elif running == "tbb" and not _forked_by_main_thread:
        _why_single = "this process was forked by a thread other than the main one, and TBB had run"
    turn.renew()
    for dispatcher in list(_listeners):
        dispatcher.after_fork(choose_again=_why_single is not None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
