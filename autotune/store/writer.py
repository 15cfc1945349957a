"""Writes the database through `diskcache`, with a disk that takes and gives only text.

Nothing is ever pickled, put in files of its own, or evicted; the settings are given at every open, because those in
the database are not trusted, and what `diskcache` did not make is never opened with it. Who calls this holds the lock
of the database. Knows nothing of what records mean.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import diskcache
from diskcache.core import MODE_RAW

from ..errors import StoreError
from . import trust
from .mounts import network_file_system

#: Every setting that diskcache knows, so that none is taken from the database: they become attributes and PRAGMAs.
SETTINGS = {
    **diskcache.DEFAULT_SETTINGS,
    "eviction_policy": "none",
    "cull_limit": 0,
    "size_limit": 2**40,
    "statistics": 0,
    "tag_index": 0,
    "sqlite_mmap_size": 0,
    "sqlite_journal_mode": "delete",
    "sqlite_synchronous": 2,
    "sqlite_secure_delete": 1,  # a page that is free holds no old row that looks like one
}
#: What SQLite says of a file that is no sound database of ours; a lock, a full disk or a failing one is not among them.
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA,
           sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)  # fmt: skip
#: How long to wait for another writer.
TIMEOUT_S = 5.0


class Damaged(StoreError):
    """The database itself is damaged; `make_anew` replaces it."""


class TextDisk(diskcache.Disk):  # type: ignore[misc]
    """Keys and values are text in the database itself; anything else is refused."""

    def put(self, key: object) -> tuple[str, bool]:
        if type(key) is not str:
            raise StoreError(f"a key must be text, found {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> str:
        if type(key) is not str or not raw:
            raise Damaged("the database holds a key that autotune did not write")
        return key

    def store(self, value: object, read: bool, key: Any = diskcache.core.UNKNOWN) -> tuple[int, int, None, str]:
        if type(value) is not str or read:
            raise StoreError(f"a value must be text, found {type(value).__name__}")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: int, filename: object, value: object, read: bool) -> str:
        if mode != MODE_RAW or filename is not None or type(value) is not str:
            raise Damaged("the database holds a value that autotune did not write")
        return value

    def filename(self, key: Any = diskcache.core.UNKNOWN, value: Any = diskcache.core.UNKNOWN) -> tuple[str, str]:
        raise StoreError("autotune keeps nothing in files of their own")

    def remove(self, file_path: object) -> None:
        """Nothing is in files, so nothing is removed, whatever a row says."""


@contextmanager
def _opened(directory: Path) -> Iterator[Any]:
    network = network_file_system(directory)
    if network is not None:
        raise StoreError(
            f"{directory}: lies on {network}, where a database cannot be shared safely; decisions are kept in memory "
            "only. Set AUTOTUNE_DB to a directory on a local disk, or to an export (autotune db export), which is only "
            "read"
        )
    try:
        _inspect(directory)
        cache = diskcache.Cache(str(directory), timeout=TIMEOUT_S, disk=TextDisk, **SETTINGS)
        try:
            yield cache
        finally:
            cache.close()
    except StoreError:
        raise
    except Exception as error:  # as in the store's reader: whatever a damaged file makes diskcache do
        kind = Damaged if _is_damage(error) else StoreError
        raise kind(f"{directory}: records could not be saved ({type(error).__name__}: {error})") from error


def _inspect(directory: Path) -> None:
    """Make sure that the database is one that diskcache made: a trigger would run, a setting become an attribute.

    A file that is not there is made here, for the owner alone; its journals are then, too.

    Raises
    ------
    Damaged
        It is not.
    """
    file = directory / trust.DATABASE_FILE
    reason = trust.foreign(directory)
    if reason is not None:
        raise Damaged(reason)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
    if file.stat().st_size == 0:
        return
    connection = sqlite3.connect(file, timeout=TIMEOUT_S)  # for writing: rolls back what was left half done
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        if not _schema(connection) <= _expected_schema(directory):  # less, if a writer was killed while making it
            raise Damaged(f"{file}: holds tables, indexes or triggers that autotune did not make")
        known = {*SETTINGS, *diskcache.core.METADATA}
        names = connection.execute("SELECT key FROM Settings") if _has_settings(connection) else ()
        for (name,) in names:
            if name not in known:
                raise Damaged(f"{file}: holds the setting {name!r:.80}, which autotune did not make")
    finally:
        connection.close()


def _has_settings(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'Settings'").fetchone() is not None


def _schema(connection: sqlite3.Connection) -> set[tuple[str, str, str, str | None]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


class _Blueprint(diskcache.Cache):  # type: ignore[misc]
    """What the installed diskcache makes, made in memory."""

    def __init__(self, directory: Path) -> None:
        self.memory = sqlite3.connect(":memory:", isolation_level=None)
        super().__init__(str(directory), disk=TextDisk, **SETTINGS)

    @property
    def _con(self) -> sqlite3.Connection:
        return self.memory

    def close(self) -> None:
        """Nothing: it is closed, and opened again, while it is being made."""


@lru_cache(maxsize=1)
def _expected_schema(directory: Path) -> set[tuple[str, str, str, str | None]]:
    memory: sqlite3.Connection = _Blueprint(directory).memory
    try:
        return _schema(memory)
    finally:
        memory.close()


def _is_damage(error: Exception) -> bool:
    """Whether an error speaks of the file's content, rather than of the disk or of another process."""
    if isinstance(error, OSError | diskcache.Timeout):
        return False
    code: int | None = getattr(error, "sqlite_errorcode", None)  # text that is not UTF-8 has none
    return code is None or code & 0xFF in _DAMAGE


def put(directory: Path, rows: dict[str, str]) -> None:
    """Write rows, all of them or none.

    Raises
    ------
    StoreError
        They could not be written.
    """
    with _opened(directory) as cache, cache.transact(retry=False):
        for key, value in rows.items():
            if not cache.set(key, value, retry=False):
                raise StoreError(f"{directory}: another process holds the database")


def make_anew(directory: Path, rows: dict[str, str]) -> None:
    """Replace a damaged database by one of these rows; the damaged one stays beside it, as ``*.damaged``.

    Whoever is killed meanwhile, or meets a full disk, leaves the damaged one where it was, with what is sound in it.

    Raises
    ------
    StoreError
        They could not be written.
    """
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix="anew-") as folder:
        put(Path(folder), rows)
        try:
            for file in directory.glob(f"{trust.DATABASE_FILE}*"):
                aside = file.with_name(f"{file.name}.damaged")
                if file.name == trust.DATABASE_FILE:
                    shutil.copyfile(file, aside)
                elif file.suffix != ".damaged":
                    os.replace(file, aside)  # a journal of the damaged one must not meet the new one
            os.replace(Path(folder) / trust.DATABASE_FILE, directory / trust.DATABASE_FILE)
        except OSError as error:
            raise StoreError(f"{directory}: the damaged database cannot be replaced ({error.strerror})") from error


def remove(directory: Path, keys: Iterable[str]) -> int:
    """Remove rows; how many there were.

    Raises
    ------
    StoreError
        They could not be removed; `Damaged` if the database is no sound one.
    """
    with _opened(directory) as cache, cache.transact(retry=False):
        return sum(bool(cache.delete(key, retry=False)) for key in keys)


def remove_all(directory: Path) -> None:
    """Remove the database, whatever is in it, and what was moved aside earlier.

    Raises
    ------
    StoreError
        It cannot be removed.
    """
    try:
        for file in directory.glob(f"{trust.DATABASE_FILE}*"):
            file.unlink()
    except OSError as error:
        raise StoreError(f"{directory}: cannot be cleared ({error.strerror})") from error
