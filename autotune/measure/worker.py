"""An isolated process that runs jobs and can be killed: only another process can time out native code.

The parent sends jobs as lines of JSON and gets events and one result back; what the job prints is discarded. The child
announces each risky step with the seconds it may take; if it is late, dies or closes the channel, the parent kills its
whole process group and knows which step it was. Knows nothing of what the jobs do: an entry point is a name.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import WorkerError

#: Seconds that starting Python and importing NumPy and Numba may take on a loaded machine (0.9 s on a quiet one).
START_DEADLINE_S = 60.0
#: What a step may take if it does not say.
STEP_DEADLINE_S = 60.0
#: Address space beyond what the worker has after starting, for compiling, threads and copies of the data.
EXTRA_MEMORY_BYTES = 4 << 30

Event = dict[str, Any]


@dataclass(frozen=True)
class Lost:
    """A worker that died or was late, and the step it had announced."""

    step: Event
    reason: str


@dataclass
class Worker:
    """A child process that runs jobs one after the other.

    Parameters
    ----------
    environ : dict
        Variables set for the child on top of this process's environment.
    """

    environ: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[str] | None = field(default=None, init=False)
    _lines: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue, init=False)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the child.

        Raises
        ------
        WorkerError
            Python cannot be started.
        """
        if not sys.executable:
            raise WorkerError("cannot start a worker: this Python is embedded and has no executable of its own")
        environ = {**os.environ, **self.environ}
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_package_root(), environ.get("PYTHONPATH")]))
        options: dict[str, Any] = (
            {"start_new_session": True}
            if os.name == "posix"
            else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        )
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "autotune.measure.worker"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, encoding="utf-8", env=environ, **options,
            )  # fmt: skip
        except OSError as error:
            raise WorkerError(f"cannot start a worker with {sys.executable}: {error}") from error
        self._lines = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True).start()

    @staticmethod
    def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def run(self, entry: str, job: dict[str, Any]) -> Iterator[Event | Lost]:
        """Run one job: its events as they come, the last of them ``{"result": …}`` or a `Lost`.

        Parameters
        ----------
        entry : str
            ``"package.module:function"``; called in the child as ``function(job, emit)``.
        job : dict
            JSON.
        """
        if not self.alive:
            self.start()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        step: Event = {"step": "start", "deadline_s": START_DEADLINE_S}
        message = json.dumps({"entry": entry, "job": job, "path": [p for p in sys.path if isinstance(p, str)]})
        try:
            process.stdin.write(message + "\n")
            process.stdin.flush()
        except OSError:
            yield self._lose(step, "the worker died while starting")
            return
        while True:
            try:
                line = self._lines.get(timeout=step.get("deadline_s", STEP_DEADLINE_S))
            except queue.Empty:
                yield self._lose(step, f"took longer than {step.get('deadline_s', STEP_DEADLINE_S):.1f} s")
                return
            if line is None:
                yield self._lose(step, "")
                return
            event: Event = json.loads(line)
            if "step" in event:
                step = event
            yield event
            if "result" in event or "error" in event:
                return

    def _lose(self, step: Event, reason: str) -> Lost:
        code = None
        if self._process is not None:
            if not reason:
                try:
                    code = self._process.wait(timeout=1)
                except subprocess.TimeoutExpired:
                    code = None
            self.kill()
        return Lost(step, reason or _how_it_ended(code))

    def kill(self) -> None:
        """Kill the child and everything it started."""
        process, self._process = self._process, None
        if process is None:
            return
        if os.name == "posix":
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                process.kill()
        else:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def close(self) -> None:
        """End the child: it leaves when its input closes, and is killed if it does not."""
        process = self._process
        if process is not None and process.stdin is not None:
            try:
                process.stdin.close()
                process.wait(timeout=1)
            except (OSError, subprocess.TimeoutExpired):
                pass
        self.kill()


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "closed its channel"
    if code < 0:
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"
    return f"ended the process with status {code}"


def _package_root() -> str:
    return str(Path(__file__).resolve().parents[2])


def main() -> None:
    """The child: private channel, no output, no core file, gone when the parent is."""
    channel = _private_channel()
    _die_with_parent()
    _limit_memory()

    def emit(event: Event) -> None:
        os.write(channel, (json.dumps(event) + "\n").encode())

    for line in sys.stdin:
        request = json.loads(line)
        sys.path[:] = dict.fromkeys([*request["path"], *sys.path])
        module, _, name = request["entry"].partition(":")
        try:
            function: Callable[..., Any] = getattr(importlib.import_module(module), name)
            emit({"result": function(request["job"], emit)})
        except Exception as error:  # the candidate boundary: the parent decides
            emit({"error": str(error), "type": type(error).__name__})


def _private_channel() -> int:
    """Where events go; the job's own standard output and error lead nowhere."""
    channel = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the life of the process
    sys.stderr = sys.stdout
    return channel


def _die_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _limit_memory() -> None:
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm", encoding="ascii") as handle:
        used = int(handle.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + EXTRA_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


if __name__ == "__main__":
    main()
