"""Running a command in a fresh process: how long it took, how it ended, what it said. Nothing of it is left behind.

Knows nothing of what is run.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ... import settings
from ...errors import ProgramError
from ...measure.process import REAP_DEADLINE_S, children_cpu_s, kill_group

#: What a program prints beyond this is read and forgotten: a hundred times what anybody reads.
MAX_OUTPUT_BYTES = 16 << 20
#: What is kept of the end of its standard error, where a traceback ends.
MAX_ERRORS_BYTES = 16 << 10
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Ended:
    """A run that is over."""

    #: Wall time from its start until it ended.
    seconds: float
    #: Processor time of it and of the children it waited for; None where the system does not tell.
    cpu_s: float | None
    #: Exit code, or minus the number of the signal that killed it.
    code: int
    #: Whether it was killed because its time was over.
    timed_out: bool
    #: Its standard output, and whether there was more than is kept.
    output: bytes
    cut: bool
    #: The end of its standard error.
    errors: str

    @property
    def how(self) -> str:
        """How it ended, in words."""
        if self.timed_out:
            return f"did not end within {self.seconds:.0f} s"
        if self.code < 0:
            return f"was killed by {_signal_name(-self.code)}"
        return f"ended with exit code {self.code}"

    @property
    def last_words(self) -> str:
        """The last line of its standard error that says something."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def environment(directory: Path) -> dict[str, str]:
    """The user's environment, with the settings that hold in a directory."""
    environ = {**os.environ, **settings.as_environ(str(directory))}
    environ.pop("AUTOTUNE_RECORD", None)  # recording would be measured too
    return environ


def run(
    command: Sequence[str], *, directory: Path, environ: Mapping[str, str], timeout_s: float | None = None
) -> Ended:
    """Run a command to its end, with nothing on its standard input.

    It leads a session of its own. What it has started and left running is killed when it ends, and all of it when the
    time is over or this process is interrupted.

    Raises
    ------
    ProgramError
        It cannot be started.
    """
    before_s = children_cpu_s()
    start = time.perf_counter()
    try:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directory,
            env=dict(environ), start_new_session=os.name == "posix",
        )  # fmt: skip
    except OSError as error:
        raise ProgramError(f"{command[0]}: cannot be started: {error.strerror}") from error
    over = threading.Event()
    ended_s: list[float] = []

    def wait() -> None:
        process.wait()
        ended_s.append(time.perf_counter())
        over.set()

    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = (
        _Kept(process.stdout, MAX_OUTPUT_BYTES, end=False),
        _Kept(process.stderr, MAX_ERRORS_BYTES, end=True),
    )
    threads = [threading.Thread(target=work, daemon=True) for work in (wait, output.read, errors.read)]
    try:
        for thread in threads:
            thread.start()
        timed_out = not over.wait(timeout_s)
    finally:
        if os.name == "posix" or not over.is_set():
            kill_group(process.pid)  # what it left running, or all of it
        over.wait(REAP_DEADLINE_S)
        for thread in threads:
            if thread.ident is not None:  # an interrupt may come before it is started
                thread.join(REAP_DEADLINE_S)
    after_s = children_cpu_s()
    seconds = (ended_s[0] if ended_s else time.perf_counter()) - start
    return Ended(
        seconds, None if before_s is None or after_s is None else after_s - before_s, process.returncode or 0,
        timed_out, output.content(), output.cut, errors.content().decode("utf-8", "replace"),
    )  # fmt: skip


class _Kept:
    """Reads a pipe to its end, and keeps the beginning or the end of what comes."""

    def __init__(self, pipe: IO[bytes], most: int, *, end: bool) -> None:
        self._pipe, self._most, self._end = pipe, most, end
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self.cut = False

    def read(self) -> None:
        with self._pipe:
            while piece := os.read(self._pipe.fileno(), _PIECE_BYTES):
                self._keep(piece)

    def _keep(self, piece: bytes) -> None:
        if not self._end:
            kept = piece[: self._most - self._size]
            self.cut |= len(kept) < len(piece)
            piece = kept
        self._pieces.append(piece)
        self._size += len(piece)
        while self._end and self._size - len(self._pieces[0]) > self._most:
            self._size -= len(self._pieces.popleft())

    def content(self) -> bytes:
        found = b"".join(self._pieces)
        return found[-self._most :] if self._end else found


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
