"""The parts that single processes leave beside a workload's file, and putting them together.

Each process of a recorded program writes a part of its own, ``workload.json.RUN.PID.part``. Parts of processes that
are over are put into the file, by the last of them, by `autotune record`, or by whoever reads the file next. Knows
nothing of how calls are recorded.
"""

from __future__ import annotations

import contextlib
import glob
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from ... import settings
from ...errors import WorkloadError, WorkloadWarning, warn
from ...store import locks
from ...value import Value
from .. import document
from ..merging import joined, merge
from ..workload import FORMAT, SCHEMA, Run, Workload
from .ledger import Ledger
from .part import decode, decode_first

#: How long to wait for others who put parts together, which takes them some milliseconds a part.
WAIT_S = 10.0


class Part(Value, by_identity=True):
    """What one process has left."""

    path: Path
    workload: Workload
    #: Whether its run makes the file anew.
    anew: bool
    #: Whether its process is over.
    over: bool

    @property
    def run(self) -> str:
        return self.workload.run.ids[0] if self.workload.run.ids else ""


def path_of(target: Path, run: str) -> Path:
    """Where this process writes its part."""
    return target.with_name(f"{target.name}.{run}.{os.getpid()}-{time.monotonic_ns() % 10**9:09d}.part")


def unusable(target: Path) -> str | None:
    """Why a workload cannot be recorded into a file; None if it can."""
    if target.is_dir():
        return f"{target} is a directory; name a file in it, such as {target / 'workload.json'}"
    if target.exists() and not target.is_file():
        return f"{target} is no regular file; name one"
    if not os.access(target.parent, os.W_OK | os.X_OK):
        found = "may not be written" if target.parent.is_dir() else "does not exist"
        return f"the directory {target.parent} {found}; make it, or choose another path"
    if target.exists():
        try:
            document.read(target)
        except WorkloadError as error:
            return f"there is another file in its place, which is left as it is: {error}; or choose another path"
    return None


def whole(target: Path) -> Workload:
    """The workload of a file with all its parts; those of processes that are over are put into it if that can be done.

    Raises
    ------
    WorkloadError
        It cannot be read.
    """
    try:
        collect(target)
    except WorkloadError:
        if not target.exists() or os.access(target.parent, os.W_OK):
            raise
    left = list(_parts(target))
    base = document.read(target) if target.exists() or not left else None
    added = set() if base is None else set(base.run.parts)
    found = _together(base, [part for part in left if part.path.name not in added])
    return found if found is not None else document.read(target)


def unwritten(target: Path, run: str) -> bool:
    """Whether a process of a run could not write what it called; the empty part that tells so is removed."""
    found = False
    for path in target.parent.glob(f"{glob.escape(target.name)}.{run}.*.part"):
        with contextlib.suppress(FileNotFoundError):  # somebody else has just removed it
            if not path.stat().st_size:
                path.unlink()
                found = True
    return found


def collect(target: Path, about: Callable[[Run], Run] | None = None) -> None:
    """Put the parts of processes that are over into the file.

    Parameters
    ----------
    target : Path
    about : callable, optional
        Changes what the file says of the run.

    Raises
    ------
    WorkloadError
        What is in the file's place is no workload, or it cannot be written; the parts are left.
    """
    if not _names(target) and about is None:
        return
    with locks.file_lock(settings.current().root, target, wait_s=WAIT_S) as mine:
        if not mine:
            return  # whoever is at it is putting others together; the parts are there for the next one
        base = document.read(target) if target.exists() else None
        added = set() if base is None else set(base.run.parts)
        over = [part for part in _parts(target) if part.over]
        found = _together(base, [part for part in over if part.path.name not in added])
        if found is not None and (about is not None or over):
            run = found.run if about is None else about(found.run)
            names = [part.path.name for part in over]
            run = msgspec.structs.replace(run, parts=names)
            document.write(target, msgspec.structs.replace(found, run=run))
        for part in over:
            part.path.unlink(missing_ok=True)


def _together(base: Workload | None, found: list[Part]) -> Workload | None:
    """What is in the file and the parts, run by run."""
    runs: dict[str, list[Part]] = {}
    for part in sorted(found, key=lambda part: part.workload.run.started_s):
        runs.setdefault(part.run, []).append(part)
    for run, several in runs.items():
        workload = joined([part.workload for part in several])
        if base is not None and run in base.run.ids:
            base = joined([base, workload])
        elif base is None or any(part.anew for part in several):
            base = workload
        else:
            base = merge([base, workload])
    return base


# -- single parts


def _names(target: Path) -> list[Path]:
    return sorted(target.parent.glob(f"{glob.escape(target.name)}.*.part"))


def _parts(target: Path) -> Iterator[Part]:
    """The parts beside a file; of one that is damaged, what stands before the damage."""
    for path in _names(target):
        try:
            with path.open("rb") as file:
                over = locks.try_lock(file.fileno())
                changed_s = os.fstat(file.fileno()).st_mtime
                content = file.read()
        except FileNotFoundError:  # somebody has just put it into the file
            continue
        except OSError as error:
            warn(f"{path}: this part of the workload cannot be read and is left out: {error.strerror}", WorkloadWarning)
            continue
        if not content:  # its process could not write it, and has said so
            with contextlib.suppress(OSError):
                path.unlink()
            continue
        part = _read(path, content, changed_s, over=over)
        if part is not None:
            yield part


def _read(path: Path, content: bytes, changed_s: float, *, over: bool) -> Part | None:
    first, *lines = content.split(b"\n")
    try:
        state = decode_first(first)
    except ValueError as error:
        aside = path.with_name(f"{path.name}.damaged")
        warn(f"{path}: this part of the workload is left out: {error}; it is kept as {aside.name}", WorkloadWarning)
        if over:
            os.replace(path, aside)
        return None
    workload = state.workload
    if not state.ended:
        ledger = Ledger()
        ledger.load(workload.kernels)
        for event in state.kinds:
            ledger.add(event)
        for number, text in enumerate(lines[:-1], 2):  # after the last whole line there is nothing, or half a one
            try:
                ledger.add(decode(text))
            except (ValueError, LookupError) as error:
                warn(f"{path}, line {number}: what follows in this part is left out: {error}", WorkloadWarning)
                break
        run = _ended_at(workload.run, changed_s)
        workload = Workload(FORMAT, SCHEMA, run, ledger.kernels())
    return Part(path, workload, state.anew, over or state.ended)


def _ended_at(run: Run, changed_s: float) -> Run:
    """What is said of a process that could not say it itself: it was there as long as it wrote."""
    return msgspec.structs.replace(run, wall_s=max(run.wall_s, changed_s - run.started_s))
