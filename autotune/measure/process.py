"""A child process with a channel: jobs go in and events come out, line by line; it can be killed with all it started.

Two ways of starting one: a new Python here, a fork of a prepared one in `forkserver`. Knows nothing of jobs.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from ..errors import WorkerError

#: Seconds in which a process that was killed is gone, even on a loaded machine.
REAP_DEADLINE_S = 10.0


class Process(ABC):
    """A child process that leads its own process group.

    Parameters
    ----------
    environ : dict
        Its whole environment.
    """

    _jobs = -1

    def __init__(self, environ: dict[str, str]) -> None:
        jobs, self._jobs = os.pipe()
        heard, events = os.pipe()
        try:
            self.pid = self._start(environ, jobs, events)
        except BaseException:
            os.close(heard)
            self._close_jobs()
            raise
        finally:
            os.close(jobs)
            os.close(events)
        #: What the child says, and None once it can say nothing more.
        self.lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(heard, self.lines), daemon=True).start()

    def __del__(self) -> None:
        self._close_jobs()

    @abstractmethod
    def _start(self, environ: dict[str, str], jobs: int, events: int) -> int:
        """Start it with the child's ends of the pipes; its pid."""

    @abstractmethod
    def ended(self, timeout_s: float = 0.0) -> int | None:
        """Its exit status, minus a signal's number if that killed it, or None if it runs after `timeout_s`."""

    def send(self, line: str) -> None:
        """Send one job.

        Raises
        ------
        OSError
            The process is gone.
        """
        data = (line + "\n").encode()
        while data:
            data = data[os.write(self._jobs, data) :]

    def kill(self) -> None:
        """Kill it and everything it started."""
        if self.ended() is None:
            kill_group(self.pid)
            self.ended(REAP_DEADLINE_S)
        self._close_jobs()

    def close(self) -> None:
        """End it: it leaves when its jobs end, and is killed if it does not."""
        self._close_jobs()
        self.ended(1.0)
        self.kill()

    def _close_jobs(self) -> None:
        if self._jobs >= 0:
            os.close(self._jobs)
            self._jobs = -1


def _read(descriptor: int, lines: queue.SimpleQueue[str | None]) -> None:
    with open(descriptor, encoding="utf-8") as events:
        for line in events:
            lines.put(line)
    lines.put(None)


def children_cpu_s() -> float | None:
    """Processor time of the children that were waited for."""
    if os.name != "posix":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def kill_group(pid: int) -> None:
    """Kill a process and what it started."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left in it
            os.killpg(pid, signal.SIGKILL)
    else:
        os.kill(pid, signal.SIGTERM)


class Spawned(Process):
    """A new Python.

    Raises
    ------
    WorkerError
        Python cannot be started.
    """

    def _start(self, environ: dict[str, str], jobs: int, events: int) -> int:
        self._popen = python("autotune.measure.worker", str(os.getpid()), environ=environ, stdin=jobs, stdout=events)
        return self._popen.pid

    def ended(self, timeout_s: float = 0.0) -> int | None:
        try:
            code = self._popen.wait(timeout_s) if timeout_s else self._popen.poll()
        except subprocess.TimeoutExpired:
            return None
        return code

    def kill(self) -> None:
        kill_group(self.pid)  # what it started may outlive it
        super().kill()


def python(module: str, *arguments: str, environ: dict[str, str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a module of autotune in a new Python with a session of its own.

    Raises
    ------
    WorkerError
        Python cannot be started.
    """
    if not sys.executable:
        raise WorkerError("cannot start a worker: this Python is embedded and has no executable of its own")
    root = str(Path(__file__).resolve().parents[2])
    environ = {**environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, environ.get("PYTHONPATH")]))}
    if os.name == "posix":
        options["start_new_session"] = True
    else:
        options["creationflags"] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stderr=subprocess.DEVNULL, env=environ, **options
        )
    except OSError as error:
        raise WorkerError(f"cannot start a worker with {sys.executable}: {error}") from error
