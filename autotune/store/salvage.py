"""Reads rows out of a database that SQLite cannot read, page by page.

Every page that looks like a leaf of a table is taken for one, whatever leads to it; the rows on it are followed through
their overflow pages (SQLite file format, sections 1.5 and 1.6, 2.1). What is found is a row only if its checksum says
so, so that nothing here can give a wrong one. Knows nothing of records.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

#: SQLite's default, which autotune has never changed; the header, which also tells, may be what is damaged.
PAGE_BYTES = 4096
#: As much of a file is looked through: the records of some hundred kernels, in some 20 ms.
MAX_BYTES = 64 << 20
_LEAF = 0x0D
#: Columns of diskcache's table: rowid, key, raw, four of times and counts, tag, size, mode, filename, value.
_COLUMNS, _KEY, _RAW, _MODE, _FILENAME, _VALUE = 12, 1, 2, 9, 10, 11
_NULL, _ONE = 0, 9

Page = Callable[[int], bytes]


def rows(file: Path, most_row_bytes: int, until_s: float) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of every row of text that can be found; the same key may come more than once.

    Parameters
    ----------
    most_row_bytes : int
        Larger rows are passed over.
    until_s : float
        When to stop, on the monotonic clock.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        count = min(os.fstat(descriptor).st_size, MAX_BYTES) // PAGE_BYTES

        def page(number: int) -> bytes:
            """A page by its number, which counts from 1."""
            if not 1 <= number <= count:
                return b""
            os.lseek(descriptor, (number - 1) * PAGE_BYTES, os.SEEK_SET)
            return os.read(descriptor, PAGE_BYTES)

        for number in range(2, count + 1):  # the first page holds the schema
            content = page(number)
            if content[:1] != bytes((_LEAF,)):
                if number % 64 == 0 and time.monotonic() > until_s:
                    return
                continue
            for row in _leaf(content, page, most_row_bytes):
                yield row
                if time.monotonic() > until_s:
                    return
    finally:
        os.close(descriptor)


def _leaf(content: bytes, page: Page, most_row_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """The rows on a leaf; a cell that makes no sense is passed over, the others are not."""
    cells = int.from_bytes(content[3:5], "big")
    for place in range(8, min(8 + 2 * cells, PAGE_BYTES - 1), 2):
        try:
            row = _row(content, int.from_bytes(content[place : place + 2], "big"), page, most_row_bytes)
        except IndexError:
            continue
        if row is not None:
            yield row


def _row(content: bytes, start: int, page: Page, most_bytes: int) -> tuple[bytes, bytes] | None:
    size, start = _varint(content, start)
    _, start = _varint(content, start)  # the rowid
    if size > most_bytes:
        return None
    payload = _payload(content, start, size, page)
    return None if payload is None else _columns(payload)


def _payload(content: bytes, start: int, size: int, page: Page) -> bytes | None:
    """What of a row lies on its page, and the rest of it from its overflow pages."""
    local = _local_bytes(size)
    payload = bytearray(content[start : start + local])
    if local == size:
        return bytes(payload)
    following = int.from_bytes(content[start + local : start + local + 4], "big")
    while len(payload) < size:
        more = page(following)
        if len(more) < PAGE_BYTES:
            return None
        payload += more[4:]
        following = int.from_bytes(more[:4], "big")
    return bytes(payload[:size])


def _local_bytes(size: int) -> int:
    """How much of a payload lies on the leaf itself (file format, 1.6)."""
    most, least = PAGE_BYTES - 35, (PAGE_BYTES - 12) * 32 // 255 - 23
    if size <= most:
        return size
    wanted = least + (size - least) % (PAGE_BYTES - 4)
    return wanted if wanted <= most else least


def _columns(payload: bytes) -> tuple[bytes, bytes] | None:
    """Key and value of a row as autotune writes them: text, without a file."""
    end, place = _varint(payload, 0)
    kinds, starts, start = [], [], end
    while place < end:
        kind, place = _varint(payload, place)
        kinds.append(kind)
        starts.append(start)
        start += _bytes_of(kind)
    if len(kinds) != _COLUMNS or start != len(payload) or kinds[_FILENAME] != _NULL:
        return None
    text = all(kinds[column] >= 13 and kinds[column] % 2 for column in (_KEY, _VALUE))
    if not text or kinds[_RAW] != _ONE or kinds[_MODE] != _ONE:
        return None
    key, value = (payload[starts[c] : starts[c] + _bytes_of(kinds[c])] for c in (_KEY, _VALUE))
    return key, value


def _bytes_of(kind: int) -> int:
    """Length of a column by its serial type (file format, 2.1)."""
    return (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind]


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and the place behind it."""
    value = 0
    for length in range(8):
        byte = content[place + length]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + length + 1
    return value << 8 | content[place + 8], place + 9
