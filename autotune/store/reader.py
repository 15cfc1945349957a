"""Reads the database: plain `sqlite3`, read-only, trusting nothing.

`diskcache` would unpickle what it reads, so it only writes. A row counts if its key and value are text, its size is
sane, its checksum is right and it decodes to the schema; anything else is passed over. What SQLite cannot read of a
damaged file is looked for page by page. Rows, bytes and seconds are limited, whatever the file says. Knows nothing of
what records mean.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from ..value import Value
from . import salvage, trust
from .record import Record, decode
from .trust import DATABASE_FILE

#: A record is some tens of kilobytes; a row beyond this is not one of ours.
MAX_ROW_BYTES = 1 << 20
#: A signature of 32 arguments, and a machine.
MAX_KEY_BYTES = 1 << 14
CHECKSUM_DIGITS = 32
#: A writer holds the database for milliseconds; a call waits for that at most twice.
BUSY_TIMEOUT_S = 0.1
#: A writer was killed before it had made the table, or what says that there is one is damaged.
UNBORN = "it holds no table of records"
#: SQLite asks whether to go on after this many of its steps, some 0.1 ms.
_STEPS = 10_000


class Limits(Value):
    """How much is read, of a file that may say anything."""

    rows: int
    #: Together; decoded they take five times as much.
    most_bytes: int
    #: For each way of looking: the table, its index, the pages.
    seconds: float


#: For a call that waits: a kernel of 64 signatures on five machines, of which most have records of 25 kB.
CALL = Limits(rows=1000, most_bytes=8 << 20, seconds=0.04)
#: For commands, which read everything: a library of 200 kernels with ten signatures on five machines.
COMMAND = Limits(rows=10_000, most_bytes=256 << 20, seconds=10.0)


def seal(key: str, body: str) -> str:
    """A value with its checksum over key and body."""
    return f"{_checksum(key, body)}{body}"


def unseal(key: str, value: str) -> str | None:
    """The body of a value whose checksum is right."""
    checksum, body = value[:CHECKSUM_DIGITS], value[CHECKSUM_DIGITS:]
    return body if checksum == _checksum(key, body) else None


def record_of(sealed: str) -> Record | None:
    """The record of a sound row; None for another version's."""
    try:
        return decode(sealed[CHECKSUM_DIGITS:])
    except ValueError:
        return None


def _checksum(key: str, body: str) -> str:
    data = key.encode("utf-8", "surrogatepass") + b"\0" + body.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=CHECKSUM_DIGITS // 2).hexdigest()


def read_rows(directory: Path, prefix: str, limits: Limits = COMMAND) -> tuple[dict[str, str], list[str]]:
    """The sound rows, sealed as they are, of whatever schema; and what was wrong with the database as a whole."""
    refused = trust.refusal(directory)
    if refused is not None:
        return {}, [refused] if refused else []
    file = directory / DATABASE_FILE
    found = _Rows(prefix, limits)
    try:
        problem = _read(directory, found)
        if problem is None:
            return found.sound, []
        for key, value in salvage.rows(file, MAX_ROW_BYTES + 2 * MAX_KEY_BYTES, time.monotonic() + limits.seconds):
            found.add(key, value)
    except Exception as error:  # the store's reader: whatever a damaged file leads to, what was read so far is all
        problem = str(error)
    if problem == UNBORN and not found.sound:
        return {}, []
    return found.sound, [
        f"{file}: cannot be read as it should be ({problem}); going on with the {len(found.sound)} sound records found "
        "in it. The next calibration makes it anew; autotune db clear removes it"
    ]


def _read(directory: Path, found: _Rows) -> str | None:
    """Read what SQLite gives; None, or why that is not all."""
    problem = trust.foreign(directory)
    if problem is not None:
        return problem
    file = directory / DATABASE_FILE
    try:
        try:
            return _select(file, found)
        except sqlite3.OperationalError as error:
            if not _is_waiting(error):
                raise
            mendable = not _is_busy(error) and os.access(directory, os.W_OK)
        if mendable:
            try:
                _roll_back(file)
                return _select(file, found)
            except sqlite3.OperationalError as error:
                if not _is_waiting(error):
                    raise
        return _read_copy(directory, found)
    except (sqlite3.Error, OSError) as error:
        return str(error)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return (error.sqlite_errorcode or 0) & 0xFF == sqlite3.SQLITE_BUSY


def _is_waiting(error: sqlite3.OperationalError) -> bool:
    """Whether a writer holds the database, or was killed and left something to be rolled back."""
    return _is_busy(error) or (error.sqlite_errorcode or 0) & 0xFF in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def _roll_back(file: Path) -> None:
    """Open the database once for writing, which undoes what a killed writer left half done."""
    connection = sqlite3.connect(file, timeout=BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    finally:
        connection.close()


def _read_copy(directory: Path, found: _Rows) -> str | None:
    """Read a copy, where the files themselves are held by a writer, or wait for a roll-back that is not ours to do."""
    file = directory / DATABASE_FILE
    if file.stat().st_size > salvage.MAX_BYTES:
        return "it is too large to be copied aside"
    with tempfile.TemporaryDirectory(prefix="autotune-") as folder:
        # The journal first: what is committed in between is then in the database, and at worst read as it was.
        for name in (f"{DATABASE_FILE}-journal", DATABASE_FILE):
            try:
                shutil.copyfile(directory / name, Path(folder) / name)
            except FileNotFoundError:
                continue
        if trust.foreign(Path(folder)) is not None:
            return "its journal names another file"
        _roll_back(Path(folder) / DATABASE_FILE)
        return _select(Path(folder) / DATABASE_FILE, found)


def _select(file: Path, found: _Rows) -> str | None:
    """Read a database that is at rest; None, or why that is not all."""
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    connection.text_factory = bytes  # a row that is not UTF-8 must not spoil the others
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW_BYTES + 2 * MAX_KEY_BYTES)
    _limit_time(connection, found.limits.seconds)
    try:
        for pragma in ("trusted_schema=OFF", "mmap_size=0", "cell_size_check=ON", "query_only=ON"):
            connection.execute(f"PRAGMA {pragma}")
        kind = connection.execute("SELECT type FROM sqlite_master WHERE name = 'Cache'").fetchone()
        if kind != (b"table",):
            return UNBORN if kind is None else "its table of records is no table"
        return found.fill(connection)
    finally:
        connection.close()


class _Rows:
    """Rows of text as they are found, each key once."""

    def __init__(self, prefix: str, limits: Limits) -> None:
        self.prefix, self.limits = prefix, limits
        self.sound: dict[str, str] = {}
        self._bytes = 0

    def add(self, key: bytes, value: bytes) -> None:
        """Take a row over, if it is sound, one of those that are looked for, and there is room."""
        if len(value) > MAX_ROW_BYTES:
            return
        try:
            name, text = key.decode(), value.decode()
        except UnicodeDecodeError:
            return
        if not name.startswith(self.prefix) or name in self.sound or unseal(name, text) is None:
            return
        self._bytes += len(value)
        if self._bytes <= self.limits.most_bytes and len(self.sound) < self.limits.rows:
            self.sound[name] = text

    def fill(self, connection: sqlite3.Connection) -> str | None:
        """Take over what a query gives; None, or why that may not be all."""
        _limit_time(connection, self.limits.seconds)
        try:
            for key, value in connection.execute(_ROWS, (len(self.prefix), self.prefix, self.limits.rows)):
                self.add(key, value)
            expected = connection.execute("SELECT value FROM Settings WHERE key = 'count'").fetchone()
            counted = connection.execute("SELECT count(*) FROM Cache NOT INDEXED").fetchone()
        except sqlite3.DatabaseError as error:
            interrupted = error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
            if isinstance(error, sqlite3.OperationalError) and not interrupted:
                raise  # locked, or a journal to be rolled back
            problem = None if interrupted else str(error)
            return self._one_by_one(connection, _INDEXED if interrupted else _LISTED) or problem
        return None if expected == counted else "it does not hold as many rows as it says"

    def _one_by_one(self, connection: sqlite3.Connection, listing: str) -> str | None:
        """As `fill`, each row by itself, so that one that cannot be read costs no other.

        The index leads to the rows where there are too many of others; else it is not trusted.
        """
        _limit_time(connection, self.limits.seconds)
        bounds: tuple[object, ...] = (len(self.prefix), self.prefix)
        if listing is _INDEXED:
            bounds = (self.prefix, f"{self.prefix}\U0010ffff")
        problem = None
        numbers = []
        try:
            for (number,) in connection.execute(listing, (*bounds, self.limits.rows)):
                numbers.append(number)
        except sqlite3.DatabaseError as error:
            problem = str(error)
        for number in numbers:
            try:
                for key, value in connection.execute(_ROW, (number,)):
                    self.add(key, value)
            except sqlite3.DatabaseError as error:
                problem = str(error)
        return problem


_TEXT = "raw = 1 AND mode = 1 AND filename IS NULL AND typeof(key) = 'text' AND typeof(value) = 'text'"
_ROWS = f"SELECT key, value FROM Cache NOT INDEXED WHERE {_TEXT} AND substr(key, 1, ?) = ? LIMIT ?"
_ROW = f"SELECT key, value FROM Cache WHERE rowid = ? AND {_TEXT}"
_LISTED = "SELECT rowid FROM Cache NOT INDEXED WHERE typeof(key) = 'text' AND substr(key, 1, ?) = ? LIMIT ?"
_INDEXED = "SELECT rowid FROM Cache WHERE typeof(key) = 'text' AND key >= ? AND key < ? LIMIT ?"


def _limit_time(connection: sqlite3.Connection, seconds: float) -> None:
    until = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
