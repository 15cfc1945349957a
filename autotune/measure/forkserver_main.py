"""The server's side of `forkserver`: ``python -m autotune.measure.forkserver_main SOCKET PARENT``.

A request brings the environment, the working directory, names of modules to import first, and three descriptors:
where the child's jobs come from, where its events go, and where this process tells how it ended. Forking is safe only
where no thread of another library runs, because a lock that such a thread holds would stay locked in the child: so
nothing parallel is ever run here, threads are counted before every fork, and with any that are not those of OpenBLAS,
which ends its own before a fork and starts them anew on both sides, the request is refused.

Knows nothing of jobs.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from typing import Any

from . import child
from .state import layer_is_running, thread_pools

#: A server that nobody asked for this long ends; a program that tunes its kernels does so in its first seconds.
IDLE_S = 60.0
#: How often the parent is looked for where the system cannot tell that it ended (Linux before 5.3).
LOOK_S = 1.0


class Server:
    """Forks children on request until its parent ends, lets it go, or asks for nothing for a while.

    Parameters
    ----------
    control : socket
        Where requests come from.
    parent : int
        The pid of the process that started it.
    """

    def __init__(self, control: socket.socket, parent: int) -> None:
        self.control, self.parent = control, parent
        #: Where to tell how a child ended, by pid.
        self.children: dict[int, int] = {}
        #: Whether requests may still come, and whether all is to end at once.
        self._open, self._stop = True, False
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_stop", True))
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._own = [control.fileno(), self._woken, wake]
        self._watch: int | None = None
        with contextlib.suppress(OSError):  # an older system, or the parent is gone, which getppid tells
            self._watch = os.pidfd_open(parent)
            self._own.append(self._watch)

    def run(self) -> None:
        """Serve."""
        while os.getppid() == self.parent and not self._stop and (self._open or self.children):
            watched = [self._woken, *([self.control] if self._open else ())]
            if self._watch is not None:
                watched.append(self._watch)
            patience = IDLE_S if self._watch is not None else LOOK_S
            ready = select.select(watched, [], [], patience)[0]
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            self._reap()
            if self.control in ready:
                self._request()
            if not ready and self._watch is not None and not self.children:
                break
        for pid in list(self.children):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Tell of children that ended; what they started goes with them."""
        for pid, told in list(self.children.items()):
            # Not waited for before its group is killed: until then no other process gets its number.
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            with contextlib.suppress(OSError):  # nobody wants to know any more
                os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(told)
            del self.children[pid]

    def _request(self) -> None:
        head, files, _, _ = socket.recv_fds(self.control, 8, 3)
        for file in files:
            os.set_inheritable(file, False)
        body = self._receive(int.from_bytes(head, "big")) if len(head) == 8 and len(files) == 3 else b""
        if not body:
            self._open = False
            for file in files:
                os.close(file)
            return
        answer = self._fork(json.loads(body), *files)
        with contextlib.suppress(OSError):  # the parent ended meanwhile, as the next look tells
            self.control.sendall((json.dumps(answer) + "\n").encode())

    def _receive(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self.control.recv(min(size, 1 << 16))
            if not part:
                return b""
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _fork(self, request: dict[str, Any], jobs: int, events: int, told: int) -> dict[str, Any]:
        for name in request["preload"]:
            with contextlib.suppress(ImportError):  # the job will say so itself
                importlib.import_module(name)
        reason = unsafe()
        if reason is not None:
            for file in (jobs, events, told):
                os.close(file)
            return {"refused": reason}
        gc.freeze()  # what is shared stays shared
        server, pid = os.getpid(), os.fork()
        if pid == 0:
            self._become_child(request, server, jobs, events, told)
        with contextlib.suppress(PermissionError, ProcessLookupError):  # it was quicker, or is gone already
            os.setpgid(pid, pid)
        os.close(jobs)
        os.close(events)
        self.children[pid] = told
        return {"pid": pid}

    def _become_child(self, request: dict[str, Any], server: int, jobs: int, events: int, told: int) -> None:
        """The rest of a child's life."""
        status = 1
        try:
            os.setpgid(0, 0)
            child.die_with_parent(server)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            for file in (*self._own, *self.children.values(), told):
                os.close(file)
            self.control.detach()
            os.environ.clear()
            os.environ.update(request["environ"])
            with contextlib.suppress(OSError):  # it was deleted: the child stays where the server is
                os.chdir(request["directory"])
            if not sys.flags.safe_path:
                sys.path[0] = os.getcwd()
            importlib.invalidate_caches()
            child.serve(jobs, events)
            status = 0
        finally:
            os._exit(status)


def unsafe() -> str | None:
    """Why this process may not fork, or None."""
    if threading.active_count() > 1:
        return "Python threads are running"
    if layer_is_running():
        return "Numba's threads are running"
    others = len(os.listdir("/proc/self/task")) - 1
    if others and others > _openblas_threads():
        return f"{others} native threads are running"
    return None


def _openblas_threads() -> int:
    """Threads of OpenBLAS's own pools, which it ends before a fork."""
    pools = [
        library
        for library in thread_pools().lib_controllers
        if library.internal_api == "openblas" and getattr(library, "threading_layer", "") == "pthreads"
    ]
    return sum(library.num_threads - 1 for library in pools)


def main() -> None:
    # Its parent's death is seen by `run`; the thread that started it may end before the parent does.
    Server(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])).run()


if __name__ == "__main__":
    main()
