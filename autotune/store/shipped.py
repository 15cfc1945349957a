"""Records that come with the package: `tuning_db`, one readable JSON file for each machine.

They lie under the user's own records and decide only where every hard field of the machine is equal; elsewhere they
are hints for a search. Knows nothing of the user's database.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..errors import StoreError
from ..machine import fingerprint
from .record import SCHEMA, Record, check_depth

PACKAGE = "tuning_db"
#: An export of the 10,000 records that a store may hold, at 25 kB.
MAX_FILE_BYTES = 256 << 20


class Bundle(msgspec.Struct, frozen=True):
    """The content of an export or a shipped file."""

    schema: int
    label: str
    records: list[Record]


def directory() -> Path | None:
    """Where the package lies, or None if it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    locations = list(found.submodule_search_locations or []) if found is not None else []
    return Path(locations[0]) if locations else None


def load(kernel: str, hard: Mapping[str, str]) -> list[Record]:
    """Shipped records of a kernel for the machine with these hard fields."""
    folder = directory()
    if folder is None:
        return []
    records = []
    for file in folder.glob(f"*-{fingerprint().key}.json"):
        bundle = read_bundle(file.read_bytes(), str(file))
        records += [r for r in bundle.records if r.kernel == kernel and r.provenance.hard == dict(hard)]
    return records


def known_here() -> bool:
    """Whether records came with the package for this machine."""
    folder = directory()
    return folder is not None and any(folder.glob(f"*-{fingerprint().key}.json"))


def everything(kernel: str) -> list[Record]:
    """Shipped records of a kernel for all machines, for hints; files that cannot be read are passed over."""
    folder = directory()
    records = []
    for file in sorted(folder.glob("*.json")) if folder is not None else ():
        try:
            bundle = read_bundle(file.read_bytes(), str(file))
        except (OSError, ValueError):
            continue  # the JSON Schema beside them, and what is damaged: where they decide, `load` says so
        records += [record for record in bundle.records if record.kernel == kernel]
    return records


def write_bundle(records: list[Record], label: str) -> bytes:
    """The text of an export: indented, records sorted, so that it can be reviewed and diffed."""
    ordered = sorted(records, key=lambda record: (record.kernel, record.signature, record.numerics))
    return msgspec.json.format(msgspec.json.encode(Bundle(SCHEMA, label, ordered)), indent=1) + b"\n"


def read_bundle(content: bytes, origin: str) -> Bundle:
    """The content of an export: data only, validated, nothing in it is executed.

    Raises
    ------
    ValueError
        Not an export of this schema; the message names the file and the place.
    """
    try:
        head = msgspec.json.decode(content, type=_Head)
        if head.schema != SCHEMA:
            raise ValueError(f"has schema {head.schema}, this version reads {SCHEMA}")
        bundle = msgspec.json.decode(content, type=Bundle)
        for record in bundle.records:
            check_depth(record)
        return bundle
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{origin}: is not an export of autotune: {error}") from None


def read_file(file: Path) -> list[Record]:
    """The records of an export.

    Raises
    ------
    StoreError
        It cannot be read, is too large, or is none.
    """
    try:
        size = file.stat().st_size
        if size > MAX_FILE_BYTES:
            raise StoreError(f"{file}: has {size:,} bytes; an export has at most {MAX_FILE_BYTES:,}")
        return read_bundle(file.read_bytes(), str(file)).records
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise StoreError(str(error)) from error


def schema() -> bytes:
    """The JSON Schema of an export, as it lies beside the shipped records."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Bundle)), indent=1) + b"\n"


class _Head(msgspec.Struct):
    schema: int
