"""A process that has imported what workers need, and forks one in milliseconds whenever asked (Linux).

This process asks; `forkserver_main` is the server's side. There is one server a process, started when the first worker
is, and a new one where variables that libraries read while they are imported, or the CPU affinity, have changed. It
ends with this process, or when it had nothing to do for a minute. A child of this process made by `os.fork` starts a
server of its own.

Knows nothing of jobs.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from .process import Process, kill_group, python

#: Seconds in which a server imports what it is asked for (0.9 s on a quiet machine) and answers.
ANSWER_DEADLINE_S = 60.0
#: Variables that Python, Numba, BLAS and OpenMP libraries, and the C library read once, as they start.
READ_ONCE = ("PYTHON", "NUMBA_", "OMP_", "KMP_", "GOMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "TBB_", "LD_",
             "MALLOC_", "GLIBC_", "NPY_", "NUMEXPR_")  # fmt: skip
#: Seconds that a server may take to end its children and itself before it is killed.
END_DEADLINE_S = 5.0


class CannotFork(Exception):
    """No server, or one that may not fork; the message says why."""


@dataclass
class _Server:
    """A running server and the socket to it."""

    popen: subprocess.Popen[bytes]
    control: socket.socket
    #: What it was started with; it serves no process that has other settings.
    settings: tuple[Any, ...]

    @classmethod
    def start(cls, environ: dict[str, str]) -> _Server:
        ours, theirs = socket.socketpair()
        try:
            popen = python(
                "autotune.measure.forkserver_main", str(theirs.fileno()), str(os.getpid()), environ=environ,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.settimeout(ANSWER_DEADLINE_S)
        return cls(popen, ours, _settings(environ))

    def ask(self, request: dict[str, Any], files: list[int]) -> int:
        """The pid of a new child.

        Raises
        ------
        CannotFork
            The server will not.
        OSError
            It is gone, or does not answer.
        """
        body = json.dumps(request).encode()
        socket.send_fds(self.control, [len(body).to_bytes(8, "big")], files)
        self.control.sendall(body)
        answer = b""
        while not answer.endswith(b"\n"):
            part = self.control.recv(4096)
            if not part:
                raise ConnectionResetError("the server is gone")
            answer += part
        found = json.loads(answer)
        if "pid" not in found:
            raise CannotFork(found["refused"])
        return int(found["pid"])

    def close(self) -> None:
        """Let it go: it ends once its children have."""
        self.control.close()

    def kill(self) -> None:
        """End it, its children with it."""
        self.close()
        self.popen.terminate()
        try:
            self.popen.wait(END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


_lock = threading.Lock()
_server: _Server | None = None
#: Servers with other settings, whose children may still be at work.
_let_go: list[_Server] = []


def _settings(environ: dict[str, str]) -> tuple[Any, ...]:
    read = sorted((name, value) for name, value in environ.items() if name.startswith(READ_ONCE))
    return (sys.executable, tuple(read), tuple(sorted(os.sched_getaffinity(0))))


def _fork(environ: dict[str, str], preload: tuple[str, ...], files: list[int]) -> int:
    """The pid of a worker forked by this process's server, which is started if need be."""
    global _server
    request = {"environ": environ, "preload": list(preload), "directory": _directory()}
    with _lock:
        _let_go[:] = [server for server in _let_go if server.popen.poll() is None]
        for _ in range(2):  # a server that ended meanwhile is replaced once
            if _server is not None and _server.settings != _settings(environ):
                _server.close()
                _let_go.append(_server)
                _server = None
            if _server is None:
                _server = _Server.start(environ)
            try:
                return _server.ask(request, files)
            except OSError:
                _server.kill()
                _server = None
    raise CannotFork("the server ends as soon as it is started")


def _directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return os.sep


def shut_down() -> None:
    """End the server of this process, and the workers that it forked."""
    global _server
    with _lock:
        for server in (*_let_go, *([_server] if _server is not None else ())):
            server.kill()
        _let_go.clear()
        _server = None


def _after_fork() -> None:
    """In a forked child of this process: the servers are the parent's."""
    global _server, _lock
    _lock = threading.Lock()
    for server in (*_let_go, *([_server] if _server is not None else ())):
        server.close()
        server.popen.returncode = 0  # not ours to wait for
    _let_go.clear()
    _server = None


atexit.register(shut_down)
os.register_at_fork(after_in_child=_after_fork)


class Forked(Process):
    """A process forked by the server.

    Parameters
    ----------
    environ : dict
        Its whole environment.
    preload : tuple of str
        Modules that the server imports first, if it can.

    Raises
    ------
    CannotFork
        The server may not fork, or there is none.
    WorkerError
        Python cannot be started.
    """

    def __init__(self, environ: dict[str, str], preload: tuple[str, ...]) -> None:
        self._preload, self._status = preload, -1
        self._code: int | None = None
        self._once = threading.Lock()
        super().__init__(environ)

    def _start(self, environ: dict[str, str], jobs: int, events: int) -> int:
        self._status, told = os.pipe()
        try:
            return _fork(environ, self._preload, [jobs, events, told])
        finally:
            os.close(told)

    def __del__(self) -> None:
        super().__del__()
        self._close_status()

    def _close_status(self) -> None:
        if self._status >= 0:
            os.close(self._status)
            self._status = -1

    def ended(self, timeout_s: float = 0.0) -> int | None:
        with self._once:
            if self._code is None and _readable(self._status, timeout_s):
                text = os.read(self._status, 64)
                self._close_status()
                if not text:  # the server is gone, and with it, by the system, this child, but not what that started
                    kill_group(self.pid)
                self._code = int(text) if text else -signal.SIGKILL
            return self._code


def _readable(file: int, timeout_s: float) -> bool:
    """Whether something, or the end, can be read from a descriptor, however large its number."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(timeout_s * 1e3))
