"""The store: records of this machine, the user's own over those that came with the package.

One interface for the rest of the project; which files and which library keep the records is known here only.
Reading never writes, never fails and never waits long: what cannot be read is as if it were not there, with one
warning. Writing that fails costs the next process its knowledge, never this one its result.

Knows nothing of timing, search or dispatch.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .. import settings
from ..errors import StoreError, StoreWarning, warn
from ..machine import fingerprint
from ..private import private_directory
from ..value import Value
from . import reader, shipped
from .record import SCHEMA, Record, encode

#: Directory of the database inside the store's root.
DATABASE = "db"
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
    rows, problems = reader.read(root() / DATABASE, f"{SCHEMA}|{kernel}|")
    for problem in problems:
        warn_once(problem)
    own = [record for record in rows if record.kernel == kernel]
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
    rows, problems = reader.read(root() / DATABASE, f"{SCHEMA}|")
    for problem in problems:
        warn_once(problem)
    return rows


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
        The store is not private, not writable, on a network file system, or the disk is full.
    """
    from . import writer

    folder = root()
    if not private_directory(folder) or not private_directory(folder / DATABASE):
        raise StoreError(
            f"{folder}: cannot be used as the store: it must be a directory of yours that nobody else may write; "
            f"mend it (chmod 700) or choose another with AUTOTUNE_DB"
        )
    database = folder / DATABASE
    try:
        writer.put(database, _rows(records))
        damage = None if _readable(database, records) else f"{database}: what was written cannot be read back"
    except writer.Damaged as error:
        damage = str(error)
    if damage is not None:
        kept = _make_anew(database, records)
        warn_once(f"{damage}; the database was moved aside (*.damaged), and its {kept} sound records were kept")


def _make_anew(database: Path, records: list[Record], without: str | None = None) -> int:
    """Replace a damaged database by one of its sound records, those of a kernel left out; how many were kept."""
    from . import writer

    kept, _ = reader.read(database, f"{SCHEMA}|")
    kept = [record for record in kept if record.kernel != without]
    writer.set_aside(database)
    if kept or records:
        writer.put(database, _rows([*kept, *records]))
    return len(kept)


def _readable(database: Path, records: list[Record]) -> bool:
    """Whether what was just written, and with it the database, can be read."""
    rows, problems = reader.read(database, f"{SCHEMA}|")
    return not problems and {key_of(record) for record in records} <= {key_of(row) for row in rows}


def _rows(records: list[Record]) -> dict[str, str]:
    return {key_of(record): reader.seal(key_of(record), encode(record)) for record in records}


def clear(kernel: str | None = None) -> int:
    """Remove the user's records, of one kernel or all; how many there were."""
    from . import writer

    database = root() / DATABASE
    if not database.is_dir():
        return 0
    try:
        return writer.remove(database, f"{SCHEMA}|{kernel}|" if kernel else "")
    except writer.Damaged:
        before = len(load_all())
        if kernel is None:
            writer.set_aside(database)
            return before
        return before - _make_anew(database, [], without=kernel)


@contextlib.contextmanager
def kernel_lock(kernel: str) -> Iterator[bool]:
    """Hold the lock of one kernel, without waiting; yields whether it was free.

    Of many processes that meet an untuned kernel at once, one tunes it and the others go on with the reference.
    """
    folder = root()
    if not private_directory(folder) or not private_directory(folder / "locks"):
        yield True  # nothing can be shared, so nothing can collide
        return
    name = "".join(c if c.isalnum() or c in "._-" else "_" for c in kernel)
    try:
        descriptor = os.open(folder / "locks" / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield True
        return
    try:
        yield try_lock(descriptor)
    finally:
        os.close(descriptor)  # releases the lock


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


def warn_once(message: str) -> None:
    """One warning for each distinct problem of the process."""
    if message not in _warned:
        _warned.add(message)
        warn(message, StoreWarning)
