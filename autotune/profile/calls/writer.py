"""Writes the part of one process: a first line with everything so far, then a line for each thing that happens.

Lines go to the system at once, so that a process may be killed at any moment; when they have become many, the part is
written anew, in one piece. While the file is open it is locked, which tells others that its process is alive. Knows
nothing of what the lines say.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...store.locks import try_lock

#: Lines are gathered into a new first line when there are so many bytes of them: some ten thousand calls that were
#: looked at, which take a minute or more to come about and 0.1 s to read.
MOST_BYTES = 1 << 20


class Writer:
    """The part of this process.

    Parameters
    ----------
    path : Path
        Of the part.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._bytes = 0
        self._most = MOST_BYTES

    @property
    def full(self) -> bool:
        """Whether it is time to write the part anew."""
        return self._bytes > self._most

    def begin(self, first: bytes) -> None:
        """Write the part anew, with this first line; whoever reads it meanwhile finds the old or the new one, whole.

        Where that fails and there is no part yet, an empty one is left, for which there is room on a full disk.

        Raises
        ------
        OSError
            The disk is full, or the directory may not be written.
        """
        new = self.path.with_name(f"{self.path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        try:
            try_lock(descriptor)
            _write(descriptor, first)
            os.replace(new, self.path)
        except BaseException:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                new.unlink()
                self.path.touch()
            raise
        self.close()
        self._descriptor, self._bytes = descriptor, 0
        self._most = max(MOST_BYTES, 8 * len(first))

    def add(self, line: bytes) -> None:
        """Add a line.

        Raises
        ------
        OSError
            The disk is full.
        """
        _write(self._descriptor, line)
        self._bytes += len(line)

    def close(self) -> None:
        """Close the file; in a forked child its parent's stays locked."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
