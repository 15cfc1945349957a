"""Temporary directories that are gone when a comparison ends; where it was killed, when the next one begins.

Knows nothing of what is put there.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...errors import AutotuneError
from ...private import is_private
from ...store.locks import try_lock

#: What they are known by, and the file in each whose lock says that its process lives.
PREFIX, HELD = "autotune-pairs-", "held"


@contextmanager
def directory(error: type[AutotuneError]) -> Iterator[Path]:
    """A private directory, gone afterwards; those that killed processes have left are removed first.

    Raises
    ------
    AutotuneError
        Of the given class: it cannot be made.
    """
    try:
        _remove_left()
        place, held = _made()
    except OSError as reason:
        raise error(f"no temporary directory can be made: {reason.strerror}; set TMPDIR") from reason
    try:
        with held:
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _made() -> tuple[Path, BinaryIO]:
    """A directory, and what it is held by."""
    while True:
        place = Path(tempfile.mkdtemp(prefix=PREFIX))
        held = (place / HELD).open("wb")
        if try_lock(held.fileno()):
            return place, held
        held.close()  # another process, just looking for what was left, takes it away


def _remove_left() -> None:
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if is_private(place):
            with contextlib.suppress(OSError), (place / HELD).open("rb") as held:
                if try_lock(held.fileno()):
                    shutil.rmtree(place, ignore_errors=True)
