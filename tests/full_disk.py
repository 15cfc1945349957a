"""Disks that are full: what files of this process may grow to, or a small file system of one's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="sets limits and owners, which Windows does not have")


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process can be written to: EFBIG, which is an I/O error to SQLite."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@lru_cache(maxsize=1)
def can_mount() -> bool:
    """Whether a file system may be mounted in a name space of one's own."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def on_disk(place: Path, size: str, *command: str, first: str = "true") -> list[str]:
    """A command with a file system of a size at a place, which it alone sees; `first` is run in a shell before it."""
    script = f'mount -t tmpfs -o size={size} none {place} || exit 1; {first}; exec "$@"'
    return ["unshare", "-rm", "sh", "-c", script, "sh", *command]
