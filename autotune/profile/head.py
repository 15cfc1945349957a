"""The head of a JSON document: what it says of itself, looked at before the rest. Knows nothing of files."""

from __future__ import annotations

from typing import TypeVar

import msgspec

Document = TypeVar("Document")


class _Head(msgspec.Struct):
    format: str = ""
    schema: int = 0


def decode(text: str | bytes, kind: type[Document], *, format: str, schema: int, otherwise: str) -> Document:
    """A document with the fields ``format`` and ``schema``.

    Parameters
    ----------
    kind : type
        What it is decoded to.
    format, schema : str, int
        What it must say of itself: that no other JSON file is taken for it, nor one of another version.
    otherwise : str
        What is said of one of another format: ``"is no baseline"``.

    Raises
    ------
    ValueError
        Not JSON, another format, another schema, or a field that is missing or of the wrong type; the message says
        where.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.format != format:
            raise ValueError(f"{otherwise}: its format is {head.format[:40]!r}, expected {format!r}")
        if head.schema != schema:
            newer = ", and was written by a newer autotune" if head.schema > schema else ""
            raise ValueError(f"has schema {head.schema}, this version reads {schema}{newer}")
        return msgspec.json.decode(text, type=kind)
    except RecursionError:
        raise ValueError("nested too deeply") from None
