"""What candidates print: swallowed and counted.

In the worker, standard output and error of the process, which native code writes to as well, lead to a memory file of
fixed size that cannot grow (Linux; elsewhere to nowhere, uncounted): printing can neither fill a disk nor block, as a
pipe does that nobody reads while the interpreter lock is held. In the user's own process only what Python prints from
the measuring thread is swallowed, because its file descriptors are not ours to change.

Knows nothing of who prints.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

#: Raw output beyond this is refused with PermissionError; ordinary candidates print nothing at all.
MAX_RAW_BYTES = 4 << 20


class Meter:
    """Counts what is printed since it was last reset.

    Parameters
    ----------
    file : int, optional
        Descriptor of the memory file that standard output and error of the process lead to.
    """

    def __init__(self, file: int | None = None) -> None:
        self._file = file
        self._printed = 0
        self._libc = ctypes.CDLL(None) if file is not None else None

    def add(self, size: int) -> None:
        self._printed += size

    def reset(self) -> None:
        self._flush()
        self._printed = 0
        if self._file is not None:
            with contextlib.suppress(OSError):  # a candidate may have closed it
                os.lseek(self._file, 0, os.SEEK_SET)

    def read(self) -> int:
        """Bytes printed since the last reset."""
        self._flush()
        raw = 0
        if self._file is not None:
            with contextlib.suppress(OSError):
                raw = os.lseek(self._file, 0, os.SEEK_CUR)
        return self._printed + raw

    def _flush(self) -> None:
        """Write out what the C library holds back."""
        if self._libc is not None:
            self._libc.fflush(None)


class _Bytes(io.RawIOBase):
    """The binary side of a `Sink`."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._sink.meter.add(size)
        return size

    def fileno(self) -> int:
        return self._sink.fileno()


class Sink(io.TextIOBase):
    """Stands in for a standard stream: counts, and shows nothing.

    Parameters
    ----------
    meter : Meter
    instead_of : file or None
        The stream whose place it takes, if the process has one.
    only : int, optional
        Ident of the thread whose output is swallowed; what others print goes on to the stream.
    """

    def __init__(self, meter: Meter, instead_of: TextIO | None, only: int | None = None) -> None:
        self.meter = meter
        self._stream, self._only = instead_of, only
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return super().fileno() if self._stream is None else self._stream.fileno()

    def write(self, text: str) -> int:
        if self._only is not None and threading.get_ident() != self._only:
            return len(text) if self._stream is None else self._stream.write(text)
        self.meter.add(len(text))
        return len(text)


def install() -> None:
    """Swallow, for the life of this process, all that it prints."""
    sealed = _sealed_file()
    file, meter = (os.open(os.devnull, os.O_RDWR), Meter()) if sealed is None else (sealed, Meter(sealed))
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    # The old streams are kept by the new ones: they hold the numbers 1 and 2.
    sys.stdout, sys.stderr = Sink(meter, sys.stdout), Sink(meter, sys.stderr)


def _sealed_file() -> int | None:
    """A memory file that cannot grow; None where the system has none."""
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        sealed = os.memfd_create("autotune-output", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    except OSError:  # a sandbox that forbids it
        return None
    os.ftruncate(sealed, MAX_RAW_BYTES)
    fcntl.fcntl(sealed, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    return sealed


@contextlib.contextmanager
def swallowed() -> Iterator[Meter]:
    """Swallow what this thread prints inside; the meter counts it from here on."""
    if isinstance(sys.stdout, Sink):
        sys.stdout.meter.reset()
        yield sys.stdout.meter
        return
    meter, streams, mine = Meter(), (sys.stdout, sys.stderr), threading.get_ident()
    sys.stdout, sys.stderr = (Sink(meter, stream, only=mine) for stream in streams)
    try:
        yield meter
    finally:
        sys.stdout, sys.stderr = streams
