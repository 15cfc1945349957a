"""Calibrating kernels: what is already known stays, the rest is compiled on all cores and then measured alone.

Every record is saved as soon as it is made, so that a killed calibration goes on where it was. Knows nothing of how
progress is shown: it tells events.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from .. import settings
from ..dispatch.routes import check, variant_hash
from ..errors import CalibrationError, UnknownKernel, WorkerError
from ..kernel.model import REFERENCE, Kernel
from ..kernel.signature import Signature
from ..machine import compiled_fields, fingerprint
from ..measure.worker import Lost, Worker
from ..space import Range
from ..store import store
from ..store.record import Record
from . import grid, locate
from .entrants import entrants, uses_compiler
from .first_use import home_module
from .session import EFFORTS, Session

#: After this many lost workers a signature is given up; what failed by then is in the message.
MAX_LOST = 20

Tell = Callable[[dict[str, Any]], None]


@dataclass
class Task:
    """One signature to calibrate."""

    problem: grid.Problem
    signature: Signature
    location: dict[str, str] | None
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def kernel(self) -> Kernel:
        return self.problem.kernel

    def job(self, **about: Any) -> dict[str, Any]:
        return {
            "location": self.location,
            "fixed": dict(self.problem.fixed),
            "ranges": {name: (given.lo, given.hi) for name, given in self.problem.ranges.items()},
            "seed": self.problem.seed,
            "failures": self.failures,
            **about,
        }

    def event(self, what: str, **about: Any) -> dict[str, Any]:
        return {"event": what, "kernel": self.kernel.name, "signature": str(self.signature), **about}


def calibrate(
    kernels: Kernel | Iterable[Kernel],
    *,
    effort: str = "standard",
    budget: float | None = None,
    only: Mapping[str, str] | None = None,
    sizes: Mapping[str, Range] | None = None,
    force: bool = False,
    patience: float = 1.0,
    tell: Tell = lambda event: None,
) -> list[Record]:
    """Calibrate kernels and save their records.

    Parameters
    ----------
    kernels : Kernel or iterable of Kernel
        In this order, so that kernels used by others come first.
    effort : str
        quick, standard or thorough.
    budget : float, optional
        Seconds for everything; what does not fit is left out and named.
    only : mapping, optional
        Choices to keep, such as ``{"dtype": "float64"}``.
    sizes : mapping, optional
        Ranges instead of the declared ones.
    force : bool
        Measure anew what is already known.
    patience : float
        Stretches the deadlines of candidates.
    tell : callable
        Told of progress: mappings with an ``event``.

    Returns
    -------
    list of Record
        One for each signature, those that were already known included.

    Raises
    ------
    CalibrationError
        A declaration does not fit together, or a signature's workers were lost again and again.
    """
    if effort not in EFFORTS:
        raise CalibrationError(f"effort={effort!r}: expected one of {', '.join(EFFORTS)}")
    asked = settings.current()
    run = _Run(asked.numerics, effort, budget, force, patience, tell)
    tasks = []
    for kernel in [kernels] if isinstance(kernels, Kernel) else kernels:
        location = locate.location_of(kernel, home_module(kernel))
        for problem in grid.problems(kernel, only=only, sizes=sizes):
            tasks.append(Task(problem, problem.signature(), location))
    return run.all(tasks)


class _Run:
    """One calibration."""

    def __init__(
        self, numerics: str, effort: str, budget: float | None, force: bool, patience: float, tell: Tell
    ) -> None:
        self.numerics, self.effort, self.force, self.patience, self.tell = numerics, effort, force, patience, tell
        self.deadline_s = math.inf if budget is None else time.monotonic() + budget
        self.known: dict[str, store.Found] = {}

    def all(self, tasks: list[Task]) -> list[Record]:
        records: dict[int, Record] = {}
        open_tasks = []
        for index, task in enumerate(tasks):
            kept = None if self.force else self._still_good(task)
            if kept is None:
                open_tasks.append((index, task))
            else:
                records[index] = kept
                self.tell(task.event("kept"))
        self.tell({"event": "plan", "tasks": len(open_tasks), "kept": len(records)})
        self._compile([task for _, task in open_tasks])
        with Worker({"AUTOTUNE_MODE": "use"}) as worker:
            for position, (index, task) in enumerate(open_tasks):
                left_s = self.deadline_s - time.monotonic()
                if left_s <= 0:
                    self.tell(task.event("left out", reason="the budget is spent"))
                    continue
                self.tell(task.event("start", done=position, of=len(open_tasks)))
                share_s = None if math.isinf(left_s) else left_s / (len(open_tasks) - position)
                records[index] = self._save(task, self._measure(task, worker, share_s))
        return [records[index] for index in sorted(records)]

    # -- what is known

    def numerics_of(self, kernel: Kernel) -> str:
        loosened = self.numerics == "reassociated" and kernel.numerics is not None
        return kernel.numerics if loosened and kernel.numerics is not None else self.numerics

    def _known(self, task: Task) -> Record | None:
        """The user's own record of a task; shipped ones were not measured here."""
        kernel = task.kernel
        if kernel.id not in self.known:
            self.known[kernel.id] = store.load(kernel.id, numerics=self.numerics_of(kernel))
        found = self.known[kernel.id]
        return None if task.signature.key in found.shipped else found.records.get(task.signature.key)

    def _still_good(self, task: Task) -> Record | None:
        """The known record, if calibrating again would change nothing but noise."""
        known, kernel = self._known(task), task.kernel
        if known is None or known.provenance.origin != "calibrate" or known.quality != "clean":
            return None
        efforts = list(EFFORTS)
        ranges = {name: (given.lo, given.hi) for name, given in task.problem.ranges.items()}
        sources = {name: variant_hash(kernel, name) for name in (REFERENCE, *kernel.variants)}
        if (
            known.provenance.effort not in efforts[efforts.index(self.effort) :]
            or known.provenance.ranges != ranges
            or known.variants.sources != sources
            or known.provenance.budget_s is not None
            or check(kernel, task.signature, known) is not None
            or (known.provenance.compiled and dict(compiled_fields()) != known.provenance.compiled)
        ):
            return None
        return known

    # -- compiling

    def _compile(self, tasks: list[Task]) -> None:
        """Fill the code cache on all cores; a worker that is lost costs the candidate it was at."""
        cores = fingerprint().cores.count
        pending: queue.SimpleQueue[Task] = queue.SimpleQueue()
        for task in tasks:
            able = entrants(task.kernel, task.signature, numerics=self.numerics_of(task.kernel), cores=cores).variants
            if task.location is not None and any(uses_compiler(variant) for variant in able):
                pending.put(task)
        total = pending.qsize()
        done: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._compile_tasks, args=(pending, done, stop), daemon=True)
            for _ in range(min(cores, total))
        ]
        for thread in threads:
            thread.start()
        try:
            running, count = len(threads), 0
            while running:
                compiled = done.get()
                if compiled is None:
                    running -= 1
                else:
                    count += 1
                    self.tell(compiled.event("compiled", done=count, of=total))
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _compile_tasks(
        self, pending: queue.SimpleQueue[Task], done: queue.SimpleQueue[Task | None], stop: threading.Event
    ) -> None:
        with Worker({"AUTOTUNE_MODE": "use"}) as worker:
            while not stop.is_set():
                try:
                    task = pending.get_nowait()
                except queue.Empty:
                    break
                self._compile_task(task, worker, stop)
                done.put(task)
        done.put(None)

    def _compile_task(self, task: Task, worker: Worker, stop: threading.Event) -> None:
        for _ in range(MAX_LOST):
            job = task.job(numerics=self.numerics_of(task.kernel), patience=self.patience)
            lost = None
            for event in worker.run("autotune.tuner.job:compile_all", job):
                if isinstance(event, Lost):
                    lost = event
                if stop.is_set():
                    worker.kill()
                    return
            if lost is None or not _blame(task, lost):
                return

    # -- measuring

    def _measure(self, task: Task, worker: Worker, share_s: float | None) -> Record:
        if task.location is None:
            return self._session(task, share_s).run()
        for _ in range(MAX_LOST):
            job = task.job(
                numerics=self.numerics_of(task.kernel), effort=self.effort, budget_s=share_s, patience=self.patience
            )
            for event in worker.run("autotune.tuner.job:calibrate", job):
                if isinstance(event, Lost):
                    self.tell(task.event("lost", step=event.step, reason=event.reason))
                    if not _blame(task, event):
                        raise WorkerError(f"{task.kernel.id}: the worker was lost at {event.step}: {event.reason}")
                    break
                if event.get("type") == UnknownKernel.__name__:
                    return self._session(task, share_s).run()  # declared where no other process sees it
                if "error" in event:
                    raise CalibrationError(event["error"])
                if "result" in event:
                    return msgspec.convert(event["result"], Record)
                if "progress" in event:
                    self.tell(task.event("progress", **event))
        raise CalibrationError(f"{task.kernel.id}: given up after {MAX_LOST} lost workers: {task.failures}")

    def _session(self, task: Task, share_s: float | None) -> Session:
        """In this process: for kernels that no other process can import."""
        budget_s = math.inf if share_s is None else share_s

        def announce(step: str, **about: Any) -> None:
            if step == "progress":
                self.tell(task.event("progress", **about))

        return Session(
            task.problem, EFFORTS[self.effort], self.numerics_of(task.kernel), announce, task.failures, budget_s
        )

    def _save(self, task: Task, record: Record) -> Record:
        known = self._known(task)
        if (
            record.quality == "contended"
            and known is not None
            and known.quality == "clean"
            and known.variants.sources == record.variants.sources
            and check(task.kernel, task.signature, known) is None
        ):
            self.tell(task.event("done", kept="the clean record, because the machine was busy now"))
            return known
        store.put([record])
        self.tell(task.event("done", spent_s=record.provenance.spent_s))
        return record


def _blame(task: Task, lost: Lost) -> bool:
    """Note the candidate that the worker was lost with; False if it was not at one."""
    candidate = lost.step.get("candidate")
    if candidate is None or candidate == REFERENCE:
        return False
    task.failures[candidate] = f"{lost.step['step']}: {lost.reason}"
    return True
