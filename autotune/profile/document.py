"""One workload as one file. Knows nothing of how calls are recorded, and of the parts of single processes."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..errors import WorkloadError
from .workload import Workload, decode, encode

#: A workload has some hundred bytes for each size of a signature, and at most 128 sizes; nothing larger is one.
MAX_BYTES = 1 << 28


def read(path: Path) -> Workload:
    """The workload of a file, and of nothing beside it.

    Raises
    ------
    WorkloadError
        It cannot be read, or is no workload of this version; the message says what was found and what to do.
    """
    try:
        return decode(content_of(path, MAX_BYTES))
    except OSError as error:
        raise WorkloadError(
            f"{path}: cannot be read: {error.strerror}; record a program: autotune record -o {path} script.py"
        ) from None
    except ValueError as error:
        remedy = f"record the program anew: autotune record -o {path} script.py"
        if "newer autotune" in str(error):
            remedy = "read it with that version, or record the program anew"
        raise WorkloadError(f"{path}: is no workload that can be read: {error}; {remedy}") from None


def write(path: Path, workload: Workload) -> None:
    """Write a workload; whoever reads the file meanwhile, or after a crash, finds the old one or the new one, whole.

    Raises
    ------
    WorkloadError
        It cannot be written: no such directory, no permission, a full disk. The old file is as it was.
    """
    put(path, encode(workload), "the workload")


def put(path: Path, content: bytes, what: str) -> None:
    """Write a file in the same way; `what` it is, is said where that fails.

    Raises
    ------
    WorkloadError
        It cannot be written.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        raise WorkloadError(f"{path}: {what} cannot be written: {error.strerror}; choose another path") from None


def content_of(path: Path, most_bytes: int) -> bytes:
    """The content of a file, which may be a device without an end.

    Raises
    ------
    OSError
        It cannot be read.
    ValueError
        It is larger than what is looked for can be.
    """
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes:,} bytes")
    return content


def write_whole(path: Path, content: bytes) -> None:
    """Write a file: whoever reads it meanwhile, or after a crash, finds the old one or the new one, whole.

    Raises
    ------
    OSError
        It cannot be written; the old file is as it was.
    """
    if path.exists() and not path.is_file():  # /dev/stdout, a pipe
        with path.open("wb") as file:
            file.write(content)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
