"""Reads the database: plain `sqlite3`, read-only, trusting nothing.

`diskcache` would unpickle what it reads, so it only writes. A row counts if its key and value are text, its size is
sane, its checksum is right and it decodes to the schema; anything else is passed over. Knows nothing of what records
mean.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
from pathlib import Path

from .record import Record, decode

#: The file that diskcache keeps inside its directory.
DATABASE_FILE = "cache.db"
#: A record is some tens of kilobytes; a row beyond this is not one of ours.
MAX_ROW_BYTES = 1 << 20
#: A library of 200 kernels with ten signatures on five machines.
MAX_ROWS = 10_000
CHECKSUM_DIGITS = 32
#: A writer holds the database for milliseconds.
BUSY_TIMEOUT_S = 0.3


def seal(key: str, body: str) -> str:
    """A value with its checksum over key and body."""
    return f"{_checksum(key, body)}{body}"


def unseal(key: str, value: str) -> str | None:
    """The body of a value whose checksum is right."""
    checksum, body = value[:CHECKSUM_DIGITS], value[CHECKSUM_DIGITS:]
    return body if checksum == _checksum(key, body) else None


def _checksum(key: str, body: str) -> str:
    data = key.encode("utf-8", "surrogatepass") + b"\0" + body.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=CHECKSUM_DIGITS // 2).hexdigest()


def read(directory: Path, prefix: str) -> tuple[list[Record], list[str]]:
    """All sound records whose key begins with `prefix`, and what was wrong with the database as a whole."""
    file = directory / DATABASE_FILE
    problem = _distrusted(directory, file)
    if problem is not None:
        return [], [problem] if problem else []
    try:
        try:
            rows = _select(file, prefix)
        except sqlite3.OperationalError:
            if not os.access(directory, os.W_OK):
                raise
            _roll_back(file)
            rows = _select(file, prefix)
    except Exception as error:  # the store's reader: whatever a damaged file makes SQLite do, there are no records
        return [], [f"{file}: cannot be read ({error}); going on without records. Remove it: autotune db clear"]
    return [record for record in map(_record, rows) if record is not None], []


def _record(row: tuple[bytes, bytes]) -> Record | None:
    """The record of a row; None for one that is damaged, another version's, or not ours."""
    try:
        key, value = row[0].decode(), row[1].decode()
        body = unseal(key, value)
        return None if body is None else decode(body)
    except ValueError:
        return None


def _distrusted(directory: Path, file: Path) -> str | None:
    """None to read, "" for nothing there, or why the database is refused."""
    try:
        folder, database = directory.lstat(), file.lstat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{file}: cannot be read ({error})"
    if not stat.S_ISDIR(folder.st_mode) or not stat.S_ISREG(database.st_mode):
        return f"{file}: is a link or no regular file, and is not used as the store"
    if os.name == "nt":
        return None
    for path, info in ((directory, folder), (file, database)):
        if info.st_uid != os.getuid():
            return f"{path}: belongs to another user and is not used; choose another store with AUTOTUNE_DB"
        if info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{path}: others may write it, so it is not used; mend it with: chmod go-w {path}"
    return None


def _roll_back(file: Path) -> None:
    """Open the database once for writing, which undoes what a killed writer left half done."""
    connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()


def _select(file: Path, prefix: str) -> list[tuple[bytes, bytes]]:
    """The candidate rows as bytes: one that is not UTF-8 must not spoil the others."""
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    connection.text_factory = bytes
    try:
        for pragma in ("trusted_schema=OFF", "mmap_size=0", "cell_size_check=ON", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")
        kind = connection.execute("SELECT type FROM sqlite_master WHERE name = 'Cache'").fetchone()
        if kind != (b"table",):
            raise ValueError("it holds no table of records")
        return _rows(connection, prefix)
    finally:
        connection.close()


def _rows(connection: sqlite3.Connection, prefix: str) -> list[tuple[bytes, bytes]]:
    """The rows as far as they can be read: from the front up to a damaged page, and then from the back."""
    query = (
        "SELECT CAST(key AS TEXT), value FROM Cache NOT INDEXED WHERE raw = 1 AND mode = 1 AND filename IS NULL "
        "AND typeof(key) = 'text' AND typeof(value) = 'text' AND length(value) <= ? "
        "AND substr(key, 1, ?) = ? ORDER BY rowid {} LIMIT ?"
    )
    limits = (MAX_ROW_BYTES, len(prefix), prefix, MAX_ROWS)
    found: dict[bytes, bytes] = {}
    for order in ("ASC", "DESC"):
        try:
            for key, value in connection.execute(query.format(order), limits):
                found.setdefault(key, value)
            break
        except sqlite3.OperationalError:
            raise  # locked, or a journal to be rolled back
        except sqlite3.DatabaseError:
            if order == "DESC" and not found:
                raise
    return list(found.items())
