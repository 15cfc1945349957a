"""The store: records of this machine, the user's own over those that came with the package.

One interface for the rest of the project; which files and which library keep the records is known here only. In place
of a directory an exported file may be given, which is only read: for network file systems.
Reading never writes, never fails and never waits long: what cannot be read is as if it were not there, with one
warning. Writing that fails costs the next process its knowledge, never this one its result.

Knows nothing of timing, search or dispatch.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from .. import settings
from ..errors import StoreError, StoreWarning, warn
from ..machine import fingerprint
from ..private import private_directory
from ..value import Value
from . import locks, reader, shipped
from .record import SCHEMA, Record, encode

#: Directory of the database inside the store's root.
DATABASE = "db"
#: That of compiled code (`compile.code_cache`).
CODE = "code"
#: Another writer is done in milliseconds.
LOCK_WAIT_S = 5.0
_warned: set[str] = set()


class Found(Value):
    """The records of one kernel."""

    #: Records of this machine and policy, by signature; of the user's and the shipped, the user's.
    records: dict[str, Record]
    #: Signatures whose record came with the package.
    shipped: frozenset[str]
    #: Records of the kernel that are not visible here: other machines, other policies.
    foreign: tuple[Record, ...]


def root() -> Path:
    """The directory of the store."""
    return settings.current().root


def key_of(record: Record) -> str:
    """The row's key. It holds the schema, so that other versions are never read as this one."""
    machine = "|".join(f"{name}={record.provenance.hard[name]}" for name in sorted(record.provenance.hard))
    return f"{SCHEMA}|{record.kernel}|{record.signature}|{record.numerics}|{machine}"


def load(kernel: str, *, numerics: str) -> Found:
    """Everything known of a kernel; empty if the store cannot be read."""
    hard = dict(fingerprint().hard)
    own = _records(f"{SCHEMA}|{kernel}|", reader.CALL)
    visible = {r.signature: r for r in own if r.provenance.hard == hard and r.numerics == numerics}
    foreign = [r for r in own if r.signature not in visible or visible[r.signature] is not r]
    beneath: dict[str, Record] = {}
    if settings.current().shipped:
        try:
            beneath = {r.signature: r for r in shipped.load(kernel, hard) if r.numerics == numerics}
        except (OSError, ValueError) as error:
            warn_once(f"{error}; going on without what came with the package")
    return Found({**beneath, **visible}, frozenset(beneath.keys() - visible.keys()), tuple(foreign))


def load_all() -> list[Record]:
    """Every readable record in the user's database."""
    return _records(f"{SCHEMA}|", reader.COMMAND)


def _records(prefix: str, limits: reader.Limits) -> list[Record]:
    """The records whose key begins so."""
    place = root()
    if place.is_file():
        return [record for record in _exported(place) if key_of(record).startswith(prefix)]
    rows, problems = reader.read_rows(root() / DATABASE, prefix, limits)
    for problem in problems:
        warn_once(problem)
    return records_in(rows)


def _exported(file: Path) -> list[Record]:
    """The records of an export that is given in place of a store."""
    try:
        about = file.stat()
        return _read_once(file, about.st_mtime_ns, about.st_size)
    except OSError as error:
        warn_once(f"{error}; going on without records")
        return []


@lru_cache(maxsize=1)
def _read_once(file: Path, changed_ns: int, size: int) -> list[Record]:
    return shipped.read_file(file)


def records_in(rows: Mapping[str, str]) -> list[Record]:
    """The records of sealed rows that lie under the key they belong under."""
    found = ((key, reader.record_of(row)) for key, row in rows.items())
    return [record for key, record in found if record is not None and key_of(record) == key]


def save(record: Record) -> bool:
    """Write a record; False, with one warning, if it could not be written."""
    try:
        put([record])
    except StoreError as error:
        warn_once(str(error))
        return False
    return True


def put(records: list[Record]) -> None:
    """Write records.

    Raises
    ------
    StoreError
        The store is not private, not writable, on a network file system, held by another process, or the disk is full.
    """
    with writing() as database:
        write(database, sealed(records))


def sealed(records: Iterable[Record]) -> dict[str, str]:
    """The rows of records, by key.

    Raises
    ------
    StoreError
        A record is too large to be read again.
    """
    rows = {}
    for record in records:
        key = key_of(record)
        rows[key] = reader.seal(key, encode(record))
        if len(rows[key].encode()) > reader.MAX_ROW_BYTES or len(key.encode()) > reader.MAX_KEY_BYTES:
            raise StoreError(
                f"{record.kernel}: a record of {len(rows[key]):,} bytes, under a key of {len(key):,}, is not kept; the "
                f"limits are {reader.MAX_ROW_BYTES:,} and {reader.MAX_KEY_BYTES:,}: calibrate fewer sizes"
            )
    return rows


@contextlib.contextmanager
def writing() -> Iterator[Path]:
    """Hold the database for writing; yields its directory.

    Raises
    ------
    StoreError
        The store is not private, or another process holds it.
    """
    folder = root()
    if folder.is_file():
        raise StoreError(f"{folder}: is a file, which is only read as an export; save to a directory: set AUTOTUNE_DB")
    if not private_directory(folder) or not private_directory(folder / DATABASE):
        raise StoreError(
            f"{folder}: cannot be used as the store: it must be a directory of yours that nobody else may write; "
            f"mend it (chmod 700) or choose another with AUTOTUNE_DB"
        )
    with locks.database_lock(folder, wait_s=LOCK_WAIT_S) as mine:
        if not mine:
            raise StoreError(f"{folder}: another process has been writing for {LOCK_WAIT_S:g} s; try again later")
        yield folder / DATABASE


def write(database: Path, rows: dict[str, str]) -> None:
    """Write sealed rows, all of them or none, and make sure that they are there; the caller holds the database."""
    from . import writer

    try:
        writer.put(database, rows)
        found, problems = reader.read_rows(database, *(rows if len(rows) == 1 else [f"{SCHEMA}|"]))
        if not problems and rows.items() <= found.items():
            return
        damage = "; ".join(problems) or f"{database}: what was written cannot be read back"
    except writer.Damaged as error:
        damage = str(error)
    kept = _make_anew(database, rows)
    warn_once(f"{damage}; the database was made anew of its {kept} sound records, and the old one kept as *.damaged")


def _make_anew(database: Path, rows: dict[str, str], without: str | None = None) -> int:
    """Replace a damaged database by one of its sound rows, those of a kernel left out; how many were kept."""
    from . import writer

    kept, _ = reader.read_rows(database, "")
    kept = {key: value for key, value in kept.items() if without is None or not key.startswith(without)}
    writer.make_anew(database, {**kept, **rows})
    return len(kept)


def copy(source: Path, folder: Path) -> None:
    """Make a store of its own out of the records and the compiled code of another one, or of an export.

    Parameters
    ----------
    source : Path
        The other store's root, or an exported file.
    folder : Path
        A directory that nobody else may write.

    Raises
    ------
    StoreError
        The records cannot be written.
    """
    from . import writer

    if source.is_file():
        rows = sealed(_exported(source))
    else:
        rows = reader.read_rows(source / DATABASE, f"{SCHEMA}|", reader.COMMAND)[0]
    if rows:
        private_directory(folder / DATABASE)
        writer.put(folder / DATABASE, rows)
    for file in (source / CODE).glob("*/*.code"):
        place = folder / CODE / file.parent.name
        if private_directory(folder / CODE) and private_directory(place):
            with contextlib.suppress(OSError):  # what is not there is compiled again
                _link(file, place / file.name)


def _link(file: Path, place: Path) -> None:
    """The same file at another place: compiled code is replaced whole, never written to."""
    try:
        os.link(file, place)
    except OSError:  # another file system
        shutil.copyfile(file, place)


def clear(kernel: str | None = None) -> int:
    """Remove the user's records, of one kernel or all; how many there were.

    Raises
    ------
    StoreError
        They could not be removed.
    """
    from . import writer

    if not (root() / DATABASE).is_dir():
        return 0
    with writing() as database:
        if kernel is None:
            count = len(reader.read_rows(database, "")[0])
            writer.remove_all(database)
            return count
        prefix = f"{SCHEMA}|{kernel}|"
        found, _ = reader.read_rows(database, prefix)
        try:
            return writer.remove(database, found)
        except writer.Damaged:
            _make_anew(database, {}, without=prefix)
            return len(found)


def kernel_lock(kernel: str) -> contextlib.AbstractContextManager[bool]:
    """Hold the lock of one kernel, without waiting; yields whether it was free."""
    return locks.kernel_lock(root(), kernel)


def warn_once(message: str) -> None:
    """One warning for each distinct problem of the process."""
    if message not in _warned:
        _warned.add(message)
        warn(message, StoreWarning)
