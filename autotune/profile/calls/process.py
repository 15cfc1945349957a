"""What is said of a process that is recorded: how it was started, how long it takes, on what machine.

Knows nothing of what it calls.
"""

from __future__ import annotations

import sys
import time

from ... import __version__
from ...machine import fingerprint
from ..workload import Run
from .overhead import dispatch_s

#: So many looks at the clock tell what one takes.
CLOCK_LOOKS = 200


class Process:
    """This process, from now on."""

    def __init__(self) -> None:
        self._dispatch_s = dispatch_s()
        self._started_s, self._begun_s, self._cpu_s = time.time(), time.monotonic(), time.process_time()

    def run(self, name: str, mode: str, threads: int) -> Run:
        """The run as far as this process is concerned."""
        machine = fingerprint()
        return Run(
            command=list(sys.argv),
            started_s=self._started_s,
            wall_s=time.monotonic() - self._begun_s,
            cpu_s=time.process_time() - self._cpu_s,
            threads=threads,
            peak_bytes=peak_bytes(),
            mode=mode,
            cores=machine.cores.count,
            dispatch_s=self._dispatch_s,
            machine=dict(machine.hard),
            label=machine.label,
            tool=__version__,
            ids=[name],
        )


def peak_bytes() -> int:
    """The most memory that this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def clock_s() -> float:
    """What looking at the clock twice takes: the least of many, since nothing makes it quicker."""
    least = 1.0
    for _ in range(CLOCK_LOOKS):
        begun_s = time.perf_counter()
        least = min(least, time.perf_counter() - begun_s)
    return least
