"""What a candidate may not change: the state of the process that user code shares with it.

A snapshot before a call and one after it tell what was changed; what was changed is put back. Knows nothing of
candidates: whoever asks decides what a change means.

Not looked at, because reading it would itself disturb the process or take longer than the call: the umask, signal
handlers, resource limits, other threads.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Field:
    """One piece of process state."""

    read: Callable[[], Any]
    restore: Callable[[Any], None]
    #: ``tell(before, after)``: how a change reads, after "changes".
    tell: Callable[[Any, Any], str]
    #: Whether importing a module, or starting Numba's threads, may change it; then such a call proves nothing.
    by_loading: bool = False


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""


def _restore_directory(before: str) -> None:
    if before:
        os.chdir(before)


def _errors() -> dict[str, Any]:
    return {**np.geterr(), "call": np.geterrcall()}


def _restore_errors(before: Mapping[str, Any]) -> None:
    modes = {name: mode for name, mode in before.items() if name != "call"}
    np.seterr(**modes)
    np.seterrcall(before["call"])


def numba_layer() -> Any:
    """Numba's module of threading layers, or None while Numba is not loaded."""
    return sys.modules.get("numba.np.ufunc.parallel")


def layer_is_running() -> bool:
    """Whether Numba has started its threads in this process."""
    return bool(getattr(numba_layer(), "_is_initialized", False))


def numba_threads() -> int | None:
    """Threads that Numba's parallel code uses from this thread; asking never starts them. None without Numba."""
    numba = sys.modules.get("numba")
    if numba is None or numba_layer() is None:
        return None
    return int(numba.get_num_threads()) if layer_is_running() else all_numba_threads()


def all_numba_threads() -> int | None:
    """Threads that Numba starts with, the most that it can be told to use; None without Numba."""
    numba = sys.modules.get("numba")
    return None if numba is None else int(numba.config.NUMBA_NUM_THREADS)


def set_numba_threads(count: int | None) -> None:
    """Have Numba's parallel code use `count` threads; None for as many as it started with."""
    numba = sys.modules.get("numba")
    if numba is not None and numba_layer() is not None:
        wanted = all_numba_threads() if count is None else count
        if numba_threads() != wanted:
            numba.set_num_threads(wanted)


def thread_pools() -> Any:
    """threadpoolctl's view of the BLAS and OpenMP libraries that are loaded now.

    Importing it sets a variable for Intel's OpenMP, which is taken back: the environment is the user's.
    """
    name = "KMP_DUPLICATE_LIB_OK"
    before = os.environ.get(name)
    from threadpoolctl import ThreadpoolController

    if before is None:
        os.environ.pop(name, None)
    return ThreadpoolController()


@lru_cache(maxsize=2)
def _blas(modules: int) -> tuple[Any, ...]:
    """Handles of the BLAS libraries that are loaded; looked for again when modules were (120 µs)."""
    return tuple(thread_pools().select(user_api="blas").lib_controllers)


def blas_libraries() -> tuple[Any, ...]:
    """threadpoolctl's handles of the BLAS libraries in this process."""
    return _blas(len(sys.modules))


def _blas_threads() -> dict[str, int]:
    return {str(library.filepath): int(library.num_threads) for library in blas_libraries()}


def _restore_blas(before: Mapping[str, int]) -> None:
    for library in blas_libraries():
        wanted = before.get(library.filepath)
        if wanted is not None and library.num_threads != wanted:
            library.set_num_threads(wanted)


def _restore_environ(before: Mapping[str, str]) -> None:
    for name in set(os.environ) - before.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


def _numpy_random() -> tuple[Any, ...]:
    """NumPy's global generator: kind, key, position, and the normal deviate kept for the next call."""
    kind, key, *rest = np.random.get_state()
    return (kind, bytes(np.asarray(key)), *rest)


def _restore_numpy_random(before: tuple[Any, ...]) -> None:
    kind, key, *rest = before
    np.random.set_state((kind, np.frombuffer(key, dtype=np.uint32), *rest))


def _restore_filters(before: list[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}={after[name]!r:.40}" if name in after else f"{name} removed"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


FIELDS: Mapping[str, Field] = {
    "working directory": Field(_directory, _restore_directory, lambda b, a: f"the working directory to {a}"),
    "errstate": Field(
        _errors, _restore_errors, lambda b, a: f"NumPy's error state (np.seterr): {_different(b, a)}"
    ),
    "Numba threads": Field(
        numba_threads, set_numba_threads, lambda b, a: f"Numba's thread count (numba.set_num_threads) to {a}"
    ),
    "BLAS threads": Field(
        _blas_threads, _restore_blas, lambda b, a: f"the thread count of BLAS: {_different(b, a)}", by_loading=True
    ),
    "environment": Field(
        lambda: dict(os.environ), _restore_environ, lambda b, a: f"the environment: {_different(b, a)}",
        by_loading=True,
    ),
    "warning filters": Field(
        lambda: list(warnings.filters), _restore_filters, lambda b, a: "the warning filters", by_loading=True
    ),
    "recursion limit": Field(
        sys.getrecursionlimit, sys.setrecursionlimit, lambda b, a: f"the recursion limit to {a}", by_loading=True
    ),
    "NumPy's random state": Field(
        _numpy_random, _restore_numpy_random, lambda b, a: "NumPy's global random state (np.random); use a generator"
    ),
    "Python's random state": Field(
        random.getstate, random.setstate, lambda b, a: "the global random state (module random); use a generator"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """Process state at one moment."""

    values: Mapping[str, Any]
    #: What tells whether something was loaded since.
    loaded: tuple[int, bool]

    @classmethod
    def take(cls) -> Snapshot:
        return cls({name: field.read() for name, field in FIELDS.items()}, _loaded())

    def restore(self) -> dict[str, str]:
        """Put back what differs now.

        Returns
        -------
        dict
            What was changed since, by field, as text. What the loading of a module explains is put back unmentioned,
            and so is Numba's thread count where Numba was not loaded before and has all its threads.
        """
        excused = _loaded() != self.loaded
        changes = {}
        for name, field in FIELDS.items():
            before, after = self.values[name], field.read()
            if before == after or (before is None and after == all_numba_threads()):
                continue
            field.restore(before)
            if not (excused and field.by_loading):
                changes[name] = field.tell(before, after)
        return changes


def _loaded() -> tuple[int, bool]:
    return len(sys.modules), layer_is_running()


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Put back on leaving, whatever happens, what was changed inside."""
    before = Snapshot.take()
    with warnings.catch_warnings():
        try:
            yield
        finally:
            before.restore()
