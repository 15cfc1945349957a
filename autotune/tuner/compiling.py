"""Compiling before measuring: fills the code cache on all cores. Knows nothing of times or decisions."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable

from ..kernel.model import Kernel
from ..machine import fingerprint
from ..measure.worker import Lost, Worker
from .entrants import entrants, uses_compiler
from .steady import worker as isolated
from .task import MAX_LOST, Task, Tell


class Compiling:
    """Compiles the candidates of many tasks in isolated workers.

    Parameters
    ----------
    numerics_of : callable
        The loosest class that may win for a kernel.
    patience : float
        Stretches the deadlines of candidates.
    tell : callable
        Told of progress.
    until_s : float
        When to stop, by ``time.monotonic()``; what is not compiled then is compiled when it is needed.
    """

    def __init__(
        self, numerics_of: Callable[[Kernel], str], patience: float, tell: Tell, *, until_s: float = math.inf
    ) -> None:
        self.numerics_of, self.patience, self.tell, self.until_s = numerics_of, patience, tell, until_s

    def all(self, tasks: list[Task]) -> list[Task]:
        """Compile what the tasks need, and which of them are done; a lost worker costs the candidate it was at."""
        cores = fingerprint().cores.count
        pending: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            able = entrants(task.kernel, task.signature, numerics=self.numerics_of(task.kernel), cores=cores).variants
            needed = [variant for variant in able if task.only is None or variant.name in task.only]
            if task.location is not None and any(uses_compiler(variant) for variant in needed):
                pending.put(task)
        total = pending.qsize()
        done: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        finished: list[Task] = []
        stop = threading.Event()
        workers = [isolated(compiled=True) for _ in range(min(cores, total))]
        threads = [
            threading.Thread(target=self._worker, args=(worker, pending, done, stop), daemon=True) for worker in workers
        ]
        for thread in threads:
            thread.start()
        try:
            running = len(threads)
            while running:
                try:
                    compiled = done.get(timeout=self._left_s())
                except queue.Empty:
                    stop.set()
                    for worker in workers:
                        worker.kill()
                    break
                if compiled is None:
                    running -= 1
                else:
                    finished.append(compiled)
                    self.tell(compiled.event("compiled", done=len(finished), of=total))
        except BaseException:
            stop.set()
            for worker in workers:
                worker.kill()  # whoever interrupts does not wait until the compiler is done
            raise
        for thread in threads:
            thread.join()
        return finished

    def _left_s(self) -> float | None:
        return None if math.isinf(self.until_s) else max(0.0, self.until_s - time.monotonic())

    def _worker(
        self,
        worker: Worker,
        pending: queue.SimpleQueue[Task],
        done: queue.SimpleQueue[Task | None],
        stop: threading.Event,
    ) -> None:
        with worker:
            while not stop.is_set():
                try:
                    task = pending.get_nowait()
                except queue.Empty:
                    break
                self._task(task, worker, stop)
                done.put(task)
        done.put(None)

    def _task(self, task: Task, worker: Worker, stop: threading.Event) -> None:
        for _ in range(MAX_LOST):
            if stop.is_set():
                return
            job = task.job(numerics=self.numerics_of(task.kernel), patience=self.patience)
            lost = None
            for event in worker.run("autotune.tuner.job:compile_all", job):
                if isinstance(event, Lost):
                    lost = event
                if stop.is_set():
                    worker.kill()
                    return
            if lost is None or not task.blame(lost):
                return
