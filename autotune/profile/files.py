"""Workloads as files: `read`, `write`, and `merge`. Knows nothing of how calls are recorded."""

from __future__ import annotations

import os
from pathlib import Path

from . import document
from .calls import parts
from .merging import merge
from .workload import Workload

__all__ = ["merge", "put", "read", "write"]


def read(path: str | os.PathLike[str]) -> Workload:
    """The workload of a file, and of what processes have left beside it that are running still or were killed.

    Raises
    ------
    WorkloadError
        It cannot be read, or is no workload of this version; the message says what was found and what to do.
    """
    return parts.whole(Path(path).absolute())


def write(path: str | os.PathLike[str], workload: Workload) -> None:
    """Write a workload; whoever reads the file meanwhile, or after a crash, finds the old one or the new one, whole.

    Raises
    ------
    WorkloadError
        It cannot be written: no such directory, no permission, a full disk. The old file is as it was.
    """
    document.write(Path(path), workload)


def put(path: str | os.PathLike[str], content: bytes, what: str) -> None:
    """Write a file in the same way; `what` it is, is said where that fails.

    Raises
    ------
    WorkloadError
        It cannot be written.
    """
    document.put(Path(path), content, what)
