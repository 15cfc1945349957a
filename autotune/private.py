"""Directories that nobody else may write. Knows nothing of what is put there."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def private_directory(path: Path) -> bool:
    """Create `path` if need be; whether it is a real directory of ours that nobody else may write."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return is_private(path)


def is_private(path: Path) -> bool:
    """Whether `path` is a real directory of ours that nobody else may write."""
    try:
        info = path.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(info.st_mode):
        return False
    if os.name == "nt":
        return True
    return info.st_uid == os.getuid() and not info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
