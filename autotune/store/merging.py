"""Joins the records of exports and of other stores to the user's own: of two for the same, the better one stays.

Clean is better than contended, and newer than older. What is read is data only: validated, and never executed. Knows
nothing of how it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import StoreError
from ..value import Value
from . import reader, shipped, store, trust
from .record import SCHEMA, Record


class Step(Value):
    """What a merge does with one record."""

    record: Record
    #: The file or directory that it comes from.
    origin: str
    #: added, replaced or kept: the user's own is kept.
    action: str
    #: What is better about the one that stays.
    reason: str


def merge(sources: Iterable[Path], *, dry_run: bool = False) -> list[Step]:
    """Join records to the user's own; what was, or in a dry run would be, done with each.

    Raises
    ------
    StoreError
        A source cannot be read, or the store not be written; nothing has been changed then.
    """
    incoming = [(record, str(source)) for source in sources for record in records_of(source)]
    if dry_run:
        return plan(incoming, store.load_all())
    with store.writing() as database:
        steps = plan(incoming, store.load_all())
        better = {store.key_of(step.record): step.record for step in steps if step.action != "kept"}
        if better:
            store.write(database, store.sealed(better.values()))
    return steps


def plan(incoming: Iterable[tuple[Record, str]], own: Iterable[Record]) -> list[Step]:
    """What to do with each incoming record, one after the other."""
    known = {store.key_of(record): record for record in own}
    steps = []
    for record, origin in incoming:
        key = store.key_of(record)
        action, reason = _compare(record, known.get(key))
        if action != "kept":
            known[key] = record
        steps.append(Step(record, origin, action, reason))
    return steps


def _compare(record: Record, own: Record | None) -> tuple[str, str]:
    if own is None:
        return "added", "nothing was recorded"
    if record == own:
        return "kept", "it is the same"
    if record.quality != own.quality:
        if record.quality == "clean":
            return "replaced", f"clean, the other {own.quality}"
        return "kept", f"{own.quality}, the other {record.quality}"
    if record.provenance.created_s > own.provenance.created_s:
        return "replaced", "newer"
    return "kept", "newer" if record.provenance.created_s < own.provenance.created_s else "of the same time"


def records_of(source: Path) -> list[Record]:
    """The records of an export, of a directory of exports, or of a store.

    Raises
    ------
    StoreError
        It is none of these, or cannot be read; the message says where and why.
    """
    if not source.is_dir():
        return shipped.read_file(source)
    database = source / store.DATABASE
    if (database / trust.DATABASE_FILE).exists():
        rows, problems = reader.read_rows(database, f"{SCHEMA}|")
        if problems and not rows:
            raise StoreError(problems[0])
        return store.records_in(rows)
    files = [file for file in sorted(source.glob("*.json")) if not file.name.endswith(".schema.json")]
    if not files:
        raise StoreError(
            f"{source}: holds neither a store ({store.DATABASE}/{trust.DATABASE_FILE}) nor exports (*.json)"
        )
    return [record for file in files for record in shipped.read_file(file)]
