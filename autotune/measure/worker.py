"""An isolated process that runs jobs and can be killed: only another process can time out native code.

The parent sends jobs as lines of JSON and gets events and one result back; what the job prints is discarded. The child
announces each risky step with the seconds it may take; if it is late, dies or closes the channel, the parent kills its
whole process group and knows which step it was. Knows nothing of what the jobs do: an entry point is a name.

On Linux workers are forked by a server that has imported what they need (`forkserver`), elsewhere, and wherever the
server cannot or may not fork, they are started as a new Python. Both behave alike. What the isolation is made of: a
process group of its own, which is killed as a whole; a deadline for each step; no more address space than
`child.EXTRA_MEMORY_BYTES` beyond what it starts with, and no core file; output that leads nowhere; and an end when the
parent ends, by whatever cause. Which kernels can be tried here, and what holds for those of ``__main__`` and of
notebooks that cannot, is said in `tuner.steady`.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .process import Process, Spawned

#: Seconds that starting Python and importing NumPy and Numba may take on a loaded machine (0.9 s on a quiet one).
START_DEADLINE_S = 60.0
#: What a step may take if it does not say.
STEP_DEADLINE_S = 60.0

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
    preload : tuple of str
        Modules that jobs need: a forked worker has them imported already.
    fork : bool
        Whether it may be forked by the server; on Linux by default.
    """

    environ: dict[str, str] = field(default_factory=dict)
    preload: tuple[str, ...] = ()
    fork: bool = sys.platform == "linux"
    _process: Process | None = field(default=None, init=False)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.ended() is None

    def start(self) -> None:
        """Start the child.

        Raises
        ------
        WorkerError
            Python cannot be started.
        """
        self.kill()
        environ = {**os.environ, **self.environ}
        environ.pop("AUTOTUNE_RECORD", None)  # what is measured is not what the program calls
        if self.fork:
            from .forkserver import CannotFork, Forked

            try:
                self._process = Forked(environ, self.preload)
            except CannotFork:
                self.fork = False
            else:
                return
        self._process = Spawned(environ)

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
        step: Event = {"step": "start", "deadline_s": START_DEADLINE_S}
        try:
            process.send(json.dumps({"entry": entry, "job": job, "path": [p for p in sys.path if isinstance(p, str)]}))
        except OSError:
            yield self._lose(step, "the worker died while starting")
            return
        while True:
            try:
                line = process.lines.get(timeout=step.get("deadline_s", STEP_DEADLINE_S))
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
                code = self._process.ended(1.0)
            self.kill()
        return Lost(step, reason or _how_it_ended(code))

    def kill(self) -> None:
        """Kill the child and everything it started."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the child: it leaves when its input closes, and is killed if it does not."""
        process, self._process = self._process, None
        if process is not None:
            process.close()


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "closed its channel"
    if code < 0:
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"
    return f"ended the process with status {code}"


if __name__ == "__main__":
    from .child import main

    main()
