"""Whether the files of the database may be touched at all: whose they are, and what opening them would do elsewhere.

Looks at owners, modes and a few bytes at known places; opens nothing with SQLite. Knows nothing of rows.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: The file that diskcache keeps inside its directory.
DATABASE_FILE = "cache.db"
#: What ends a journal that names another file (SQLite, "Rollback journal": the super-journal record).
_JOURNAL_MAGIC = bytes.fromhex("d9d505f920a163d7")
#: Where the header tells how the file is journaled, and what it says there of a rollback journal (SQLite file format,
#: 1.3.3): anything else makes SQLite open, and make, a write-ahead log beside it.
_JOURNALING, _ROLLBACK = slice(18, 20), b"\x01\x01"


def refusal(directory: Path) -> str | None:
    """None where the database may be read, "" where there is none, or why it is refused."""
    file = directory / DATABASE_FILE
    try:
        found = [(path, path.lstat()) for path in (directory.parent, directory, file)]
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"{file}: cannot be read ({error})"
    *folders, (_, database) = found
    if not all(stat.S_ISDIR(info.st_mode) for _, info in folders) or not stat.S_ISREG(database.st_mode):
        return f"{file}: is a link or no regular file, or lies behind a link, and is not used as the store"
    if os.name == "nt":
        return None
    for path, info in found:
        if info.st_uid != os.getuid():
            return f"{path}: belongs to another user and is not used; choose another store with AUTOTUNE_DB"
        if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{path}: others may write it, so it is not used; mend it with: chmod go-w {path}"
    return None


def foreign(directory: Path) -> str | None:
    """What of the files cannot have been written by autotune, and would reach beyond them if SQLite followed it.

    Rolling a journal back deletes the file that it names as its super-journal, wherever that lies; autotune writes
    one database at a time, which needs none.
    """
    file = directory / DATABASE_FILE
    journal = file.with_name(f"{DATABASE_FILE}-journal")
    if _ends(journal) == _JOURNAL_MAGIC:
        return f"{journal}: names another file"
    header = _begins(file)
    if len(header) == _JOURNALING.stop and header[_JOURNALING] != _ROLLBACK:
        return f"{file}: is not kept as autotune keeps it"
    return None


def _begins(file: Path) -> bytes:
    try:
        with open(file, "rb") as handle:
            return handle.read(_JOURNALING.stop)
    except OSError:
        return b""


def _ends(file: Path) -> bytes:
    try:
        with open(file, "rb") as handle:
            handle.seek(max(0, os.fstat(handle.fileno()).st_size - len(_JOURNAL_MAGIC)))
            return handle.read(len(_JOURNAL_MAGIC))
    except OSError:
        return b""
