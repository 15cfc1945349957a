"""Where threads must not be used: a child forked from a process in which OpenMP has run.

GNU OpenMP kills such a child at its first parallel loop; TBB survives it. Every dispatcher is told of a fork, because
locks held by threads that do not exist in the child would never be released. Knows nothing of decisions.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

from ..compile.layers import running_layer

_forked_after_openmp = False
_listeners: weakref.WeakSet[Any] = weakref.WeakSet()


def single_threaded() -> bool:
    """Whether this process must not enter a parallel kernel."""
    return _forked_after_openmp


def listen(dispatcher: Any) -> None:
    """Have ``dispatcher.after_fork()`` called in forked children."""
    _listeners.add(dispatcher)


def _after_fork_in_child(layer: Callable[[], str | None] = running_layer) -> None:
    global _forked_after_openmp
    ran_openmp = layer() == "omp"
    _forked_after_openmp = _forked_after_openmp or ran_openmp
    for dispatcher in list(_listeners):
        dispatcher.after_fork(choose_again=ran_openmp)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
