"""Where a program runs when it is compared: a fresh copy of the working directory for every run, or the directory.

In a copy a program finds what it reads by a relative path, and what it writes by one touches nothing of the user's and
is not there for the next run. Paths that lead out of the directory (``../data``, absolute ones, links) are not copied:
they lead where they always do. Knows nothing of what is run.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import ProgramError

#: More than this is not copied for every run: it would take seconds each time.
MAX_COPY_BYTES = 512 << 20
MAX_COPY_FILES = 20_000
#: Directories that hold nothing a program reads as data: histories, caches, environments.
LEFT_OUT = {
    ".git", ".hg", ".svn", "__pycache__", "node_modules", ".tox", ".nox", ".mypy_cache", ".ruff_cache",
    ".pytest_cache", ".hypothesis",
}  # fmt: skip
#: What a virtual environment is known by (PEP 405).
ENVIRONMENT = "pyvenv.cfg"
#: What a store of records is known by; the runs use the user's, wherever it is.
STORE = "db/cache.db"

#: A file as it was: changed, size, number.
State = tuple[int, int, int]


def states(folder: Path) -> dict[str, State]:
    """Every regular file below a folder, as it is now."""
    found = {}
    for path in _files(folder):
        info = path.lstat()
        if stat.S_ISREG(info.st_mode):
            found[str(path.relative_to(folder))] = info.st_mtime_ns, info.st_size, info.st_ino
    return found


def written(folder: Path, before: dict[str, State]) -> dict[str, Path]:
    """The files that are new or other than before, by their path in the folder."""
    return {name: folder / name for name, state in states(folder).items() if before.get(name) != state}


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _left_out(Path(place) / name)]
        yield from (Path(place) / name for name in names)


def _left_out(folder: Path) -> bool:
    return folder.name in LEFT_OUT or any((folder / mark).is_file() for mark in (ENVIRONMENT, STORE))


def measured(folder: Path) -> None:
    """Look whether a directory can be copied for every run.

    Raises
    ------
    ProgramError
        It holds too much.
    """
    count = size = 0
    for path in _files(folder):
        count, size = count + 1, size + path.lstat().st_size
        if count > MAX_COPY_FILES or size > MAX_COPY_BYTES:
            raise ProgramError(
                f"{folder}: holds more than {MAX_COPY_FILES:,} files or {MAX_COPY_BYTES >> 20} MiB, too much to copy "
                "for every run; run it from a smaller directory, or where it is with --in-place"
            )


@contextmanager
def copied(folder: Path, base: Path) -> Iterator[Path]:
    """A copy of a directory below `base`, without what `LEFT_OUT` names; gone afterwards.

    Raises
    ------
    ProgramError
        It cannot be copied.
    """
    place = Path(tempfile.mkdtemp(prefix="run-", dir=base))
    try:
        try:
            _copy(folder, place)
        except OSError as error:
            raise ProgramError(
                f"{folder}: cannot be copied to {place}: {error.strerror or error}; run the program where it is with "
                "--in-place, or set TMPDIR to a directory with room"
            ) from error
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _copy(folder: Path, place: Path) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            source, target = Path(entry.path), place / entry.name
            if entry.is_symlink():
                target.symlink_to(_target(source))
            elif entry.is_dir():
                if not _left_out(source) and source != place.parent:
                    target.mkdir()
                    _copy(source, target)
            elif entry.is_file():
                shutil.copy2(source, target)


def _target(link: Path) -> str:
    """Where a link leads: as written inside the tree, from the root where that would lead out of a copy."""
    goal = os.readlink(link)
    return goal if os.path.isabs(goal) or ".." not in Path(goal).parts else str((link.parent / goal).resolve())
