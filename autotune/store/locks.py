"""Locks between processes: one for each kernel that is tuned, one for writing the database, one for any other file.

Lock files lie in the store and are empty; a lock is gone with the process that held it. Knows nothing of records.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from ..private import private_directory

DIRECTORY = "locks"
#: No kernel's name gives this file name.
_DATABASE = "=database"
_POLL_S = 0.01


@contextlib.contextmanager
def kernel_lock(root: Path, kernel: str) -> Iterator[bool]:
    """Hold the lock of one kernel, without waiting; yields whether it was free.

    Of many processes that meet an untuned kernel at once, one tunes it and the others go on with the reference.
    """
    with _lock(root, "".join(c if c.isalnum() or c in "._-" else "_" for c in kernel), wait_s=0.0) as mine:
        yield mine


@contextlib.contextmanager
def database_lock(root: Path, *, wait_s: float) -> Iterator[bool]:
    """Hold the database against other writers; yields whether that was possible in time."""
    with _lock(root, _DATABASE, wait_s=wait_s) as mine:
        yield mine


@contextlib.contextmanager
def file_lock(root: Path, file: Path, *, wait_s: float) -> Iterator[bool]:
    """Hold a file that lies anywhere against others who write it; yields whether that was possible in time."""
    name = hashlib.blake2b(os.fsencode(file.absolute()), digest_size=8).hexdigest()
    with _lock(root, f"=file-{name}", wait_s=wait_s) as mine:
        yield mine


@contextlib.contextmanager
def _lock(root: Path, name: str, *, wait_s: float) -> Iterator[bool]:
    """Hold a lock; where there is no place for lock files nothing can be shared, and so nothing collide."""
    folder = root / DIRECTORY
    if not private_directory(root) or not private_directory(folder):
        yield True
        return
    try:
        file = open(folder / f"{name}.lock", "ab", opener=_private)  # noqa: SIM115 - closed below
    except OSError:
        yield True
        return
    with file:  # an object, that no interrupt leaves open; closing it releases the lock
        until = time.monotonic() + wait_s
        while not (mine := try_lock(file.fileno())) and time.monotonic() < until:
            time.sleep(_POLL_S)
        yield mine


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


if os.name == "posix":
    import fcntl

    def try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

else:
    import msvcrt

    def try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
