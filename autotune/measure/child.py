"""The life of an isolated process: reads jobs, runs them, tells events; leaves nothing behind and shows nothing.

It ends when its jobs do, and when its parent does. Knows nothing of what the jobs do: an entry point is a name.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from . import output

#: Address space beyond what the process has after starting, for compiling, threads and copies of the data.
EXTRA_MEMORY_BYTES = 4 << 30


def main() -> None:
    """A process of its own: jobs come on standard input, events go to standard output."""
    die_with_parent(int(sys.argv[1]))
    jobs, events = os.dup(0), os.dup(1)
    with open(os.devnull, "rb") as nowhere:
        os.dup2(nowhere.fileno(), 0)
    serve(jobs, events)


def serve(jobs: int, events: int) -> None:
    """Run jobs from one descriptor and tell events to the other, until the jobs end.

    Each job is a line of JSON with its entry point, its argument and the parent's `sys.path`.
    """
    output.install()
    limit_memory()

    def emit(event: dict[str, Any]) -> None:
        os.write(events, (json.dumps(event) + "\n").encode())

    with open(jobs, encoding="utf-8") as lines:
        for line in lines:
            request = json.loads(line)
            sys.path[:] = dict.fromkeys([*request["path"], *sys.path])
            module, _, name = request["entry"].partition(":")
            try:
                function: Callable[..., Any] = getattr(importlib.import_module(module), name)
                emit({"result": function(request["job"], emit)})
            except (Exception, SystemExit) as error:  # the candidate boundary: the parent decides
                emit({"error": str(error), "type": type(error).__name__})


def die_with_parent(parent: int) -> None:
    """Have the system kill this process when the thread that started it ends (Linux).

    Elsewhere a process ends when its jobs do, which is when the parent's end of the pipe closes.
    """
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the system knew
            os._exit(1)


def limit_memory() -> None:
    """No core file, and no more address space than `EXTRA_MEMORY_BYTES` beyond what is used now."""
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with open("/proc/self/statm", encoding="ascii") as handle:
        used = int(handle.read().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = used + EXTRA_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
