"""Calibrating kernels: what is already known stays, the rest is compiled on all cores and then measured alone.

Every record is saved as soon as it is made, so that a killed calibration goes on where it was. Knows nothing of how
progress is shown: it tells events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from .. import settings
from ..dispatch import sampling
from ..dispatch.routes import check
from ..errors import AutotuneError, CalibrationError, WorkerError
from ..kernel.model import Kernel
from ..measure.worker import Worker
from ..search import strategy
from ..space import Range
from ..store import store
from ..store.record import Record
from . import grid, hints, locate
from .compiling import Compiling
from .effort import EFFORTS
from .entrants import uses_compiler
from .first_use import home_module
from .incremental import session_for
from .session import Session
from .standing import standing
from .steady import steady_state
from .steady import worker as isolated
from .task import Task, Tell, log


def calibrate(
    kernels: Kernel | Iterable[Kernel],
    *,
    effort: str = "standard",
    budget: float | None = None,
    only: Mapping[str, str] | None = None,
    sizes: Mapping[str, Range] | None = None,
    force: bool = False,
    patience: float = 1.0,
    tell: Tell = log,
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
        Told of progress: mappings with an ``event``; by default what is left out is logged.

    Returns
    -------
    list of Record
        One for each signature, those that were already known included, and those left out that failed.

    Raises
    ------
    CalibrationError, WorkerError
        Nothing could be measured: a declaration does not fit together, or workers were lost again and again.
    UnknownStrategy
        The settings name a search strategy that does not exist.
    """
    if effort not in EFFORTS:
        raise CalibrationError(f"effort={effort!r}: expected one of {', '.join(EFFORTS)}")
    asked = settings.current()
    if asked.strategy is not None:
        strategy.find(asked.strategy)  # known before any work begins
    run = _Run(asked, effort, budget, force, patience, tell)
    tasks = []
    for kernel in [kernels] if isinstance(kernels, Kernel) else kernels:
        location = locate.location_of(kernel, home_module(kernel))
        for problem in grid.problems(kernel, only=only, sizes=sizes):
            tasks.append(Task(problem, problem.signature(), location))
    return run.all(tasks)


class _Run:
    """One calibration."""

    def __init__(
        self, asked: settings.Settings, effort: str, budget: float | None, force: bool, patience: float, tell: Tell
    ) -> None:
        self.asked, self.effort, self.force, self.patience, self.tell = asked, effort, force, patience, tell
        self.started_s = time.monotonic()
        self.deadline_s = math.inf if budget is None else time.monotonic() + budget
        self.known: dict[str, store.Found] = {}
        #: Variants that were wrong in use, by kernel; they are not tried again.
        self.wrong: dict[str, dict[str, str]] = {}
        self.failed: list[AutotuneError] = []

    def all(self, tasks: list[Task]) -> list[Record]:
        records: dict[int, Record] = {}
        open_tasks = []
        for index, task in enumerate(tasks):
            known = self._known(task)
            task.failures.update(self.wrong[task.kernel.id])
            kept = None if self.force else self._kept(task, known)
            if kept is None:
                if hints.useful(task.kernel):
                    task.hints = hints.gather(task.kernel, task.signature, numerics=self.numerics_of(task.kernel))
                open_tasks.append((index, task))
            else:
                records[index] = kept
                self.tell(task.event("kept"))
        self.tell({"event": "plan", "tasks": len(open_tasks), "kept": len(records)})
        variants = [variant for _, task in open_tasks for variant in task.kernel.variants.values()]
        Compiling(self.numerics_of, self.patience, self.tell).all([task for _, task in open_tasks])
        with isolated(compiled=any(map(uses_compiler, variants))) as worker:
            for position, (index, task) in enumerate(open_tasks):
                left_s = self.deadline_s - time.monotonic()
                if left_s <= 0:
                    self.tell(task.event("left out", reason="the budget is spent"))
                    continue
                self.tell(task.event("start", done=position, of=len(open_tasks), doing=task.doing))
                open_count = len(open_tasks) - position
                share_s = None if math.isinf(left_s) else left_s / open_count
                task.pace_s = self._pace_s(open_count)
                try:
                    records[index] = self._save(task, self._measure(task, worker, share_s))
                except (CalibrationError, WorkerError) as error:
                    self.failed.append(error)
                    self.tell(task.event("left out", reason=str(error)))
        if self.failed and len(self.failed) == len(open_tasks):
            raise self.failed[0]
        return [records[index] for index in sorted(records)]

    # -- what is known

    def numerics_of(self, kernel: Kernel) -> str:
        return self.asked.numerics if self.asked.numerics_is_explicit else kernel.numerics or self.asked.numerics

    def _known(self, task: Task) -> Record | None:
        """The user's own record of a task; shipped ones were not measured here."""
        kernel = task.kernel
        if kernel.id not in self.known:
            self.known[kernel.id] = store.load(kernel.id, numerics=self.numerics_of(kernel))
            self.wrong[kernel.id] = sampling.learn(kernel, self.known[kernel.id])
        found = self.known[kernel.id]
        return None if task.signature.key in found.shipped else found.records.get(task.signature.key)

    def _kept(self, task: Task, known: Record | None) -> Record | None:
        """The known record, if calibrating again would change nothing but noise; the task learns what would."""
        efforts = list(EFFORTS)
        task.standing = standing(
            task.kernel, task.signature, known,
            efforts=efforts[efforts.index(self.effort) :],
            ranges={name: (given.lo, given.hi) for name, given in task.problem.ranges.items()},
        )  # fmt: skip
        return task.standing.kept

    # -- measuring

    def _pace_s(self, open_count: int) -> float:
        """Seconds for each of the open signatures, so that many together do not take for ever, and that what has a
        budget is hurried rather than left out."""
        until_s = min(self.deadline_s, self.started_s + EFFORTS[self.effort].total_s)
        return max((until_s - time.monotonic()) / open_count, EFFORTS["quick"].usual_s / 2)

    def _measure(self, task: Task, worker: Worker, share_s: float | None) -> Record:
        if task.location is None:
            return self._here(task, share_s)
        result = task.outcome(
            worker, "autotune.tuner.job:calibrate", self.tell,
            numerics=self.numerics_of(task.kernel), effort=self.effort, budget_s=share_s, patience=self.patience,
        )  # fmt: skip
        if result is None:
            return self._here(task, share_s)  # declared where no other process sees it
        return msgspec.convert(result, Record)

    def _here(self, task: Task, share_s: float | None) -> Record:
        """Measure in this process: for kernels that no other process can import."""
        with steady_state():
            return self._session(task, share_s).run()

    def _session(self, task: Task, share_s: float | None) -> Session:
        budget_s = math.inf if share_s is None else share_s

        def announce(step: str, **about: Any) -> None:
            if step == "progress":
                self.tell(task.event("progress", **about))

        return session_for(
            task.problem, task.standing.known, effort=EFFORTS[self.effort].hurried(task.pace_s),
            numerics=self.numerics_of(task.kernel), announce=announce, failures=task.failures, budget_s=budget_s,
            hints=task.hints,
        )  # fmt: skip

    def _save(self, task: Task, record: Record) -> Record:
        known = self._known(task)
        if (
            record.quality == "contended"
            and known is not None
            and known.quality == "clean"
            and set(known.untried) <= set(record.untried)  # what was never measured is worth more than a quiet machine
            and known.variants.sources == record.variants.sources
            and check(task.kernel, task.signature, known) is None
        ):
            self.tell(task.event("done", kept="the clean record, because the machine was busy now"))
            return known
        if not store.save(record):
            self.tell(task.event("left out", reason="it was measured, and could not be saved"))
            return record
        before = task.standing.known
        spent_s = record.provenance.spent_s - (before.provenance.spent_s if before is not None else 0.0)
        self.tell(task.event("done", spent_s=spent_s, doing=task.doing))
        return record
