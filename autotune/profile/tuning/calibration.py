"""Calibrating from a workload: step by step where most is to be gained, until nothing pays any more or time is over.

Every record is saved as soon as it is made. Knows nothing of how progress is shown: it tells events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ... import settings
from ...errors import AutotuneError, CalibrationError, WorkerError
from ...measure.worker import Worker
from ...store import store
from ...store.record import Record
from ...tuner.compiling import Compiling
from ...tuner.effort import EFFORTS
from ...tuner.entrants import uses_compiler
from ...tuner.hints import gather
from ...tuner.locating import Size
from ...tuner.steady import worker as isolated
from ...tuner.task import Task, Tell
from ..workload import Workload
from . import gains, resolving, starting
from .costs import Costs
from .planning import Plan, Step, Target
from .resolving import Resolved
from .targets import Signed, estimate, targets_of

#: How many runs of the program savings are counted for, if nobody says: as one that is run daily has in a quarter.
RUNS = 100.0
#: Share of the time that is left in which the variants of a signature are compiled; others are left untried.
COMPILING_SHARE = 0.8
#: Why a kernel cannot be measured that was declared while something else was imported.
NOT_FOUND = "no other process can import it; first use tunes it"
#: Why what was measured is not used.
KEPT = "the machine was busy, so the clean record stays as it is"
#: Kept for looking at the start of a program in a fresh process, which imports Numba (MEASUREMENT.md, section 8).
STARTING_S = 2.0


@dataclass
class Outcome:
    """What a calibration from a workload has done."""

    workload: Workload
    resolved: Resolved
    targets: list[Target] = field(default_factory=list)
    #: Signatures that are left out, with the reason.
    left_out: list[tuple[str, str]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    #: What follows for the start of a run from what serves now: seconds more than in the recorded run.
    start_s: float | None = None
    #: Why it ended.
    reason: str = ""
    spent_s: float = 0.0


def calibrate_workload(
    workload: Workload,
    *,
    names: Iterable[str] = (),
    effort: str = "standard",
    budget: float | None = None,
    runs: float = RUNS,
    force: bool = False,
    tell: Tell,
) -> Outcome:
    """Calibrate what a program calls, at the sizes that it calls it with.

    Parameters
    ----------
    workload : Workload
    names : iterable of str
        Only these kernels of it.
    effort : str
        quick, standard or thorough.
    budget : float, optional
        Seconds for everything, compilation included.
    runs : float
        A step is taken only if it saves more in so many runs than it takes.
    force : bool
        Measure anew what is already known.
    tell : callable
        Told of progress: mappings with an ``event``.

    Raises
    ------
    UnknownKernel
        `names` are not in the workload.
    CalibrationError, WorkerError
        Nothing could be measured, though something was tried.
    """
    return _Spending(workload, effort, budget, runs, force, tell).all(names)


class _Spending:
    """One calibration from a workload."""

    def __init__(
        self, workload: Workload, effort: str, budget: float | None, runs: float, force: bool, tell: Tell
    ) -> None:
        self.asked = settings.current()
        self.workload, self.effort, self.force, self.tell = workload, EFFORTS[effort], force, tell
        self.started_s = time.monotonic()
        self.deadline_s = math.inf if budget is None else self.started_s + budget - min(STARTING_S, budget / 10)
        self.costs = Costs(self.effort)
        self.runs = runs
        self.failed: list[AutotuneError] = []

    @property
    def left_s(self) -> float:
        return self.deadline_s - time.monotonic()

    def numerics_of(self, kernel: Any) -> str:
        return self.asked.numerics if self.asked.numerics_is_explicit else kernel.numerics or self.asked.numerics

    def all(self, names: Iterable[str]) -> Outcome:
        resolved = resolving.resolve(self.workload, names, self.numerics_of)
        found = Outcome(self.workload, resolved, *targets_of(self.workload, resolved, force=self.force))
        plan = Plan(found.targets, self.costs, self.runs)
        self.tell({"event": "plan", "tasks": len(found.targets)})
        with isolated(compiled=True) as worker:
            while (step := plan.next(self.left_s)) is not None:
                self._take(step, worker, found)
        if self.failed and not found.records:
            raise self.failed[0]
        steps = [plan.step(target) for target in found.targets]
        paying = any(step is not None and step.saving_s * self.runs > step.cost_s for step in steps)
        found.reason = "the budget is spent" if paying else "nothing is left that pays"
        found.spent_s = time.monotonic() - self.started_s
        found.start_s = starting.more_s(found.targets)
        return found

    # -- measuring

    def _task(self, step: Step) -> tuple[Task, list[Size]] | None:
        """What the workers are asked, and at which points; sites whose calls cannot be made are marked so."""
        signed: Signed = step.target.about
        made = resolving.made(signed.known, signed.calls, [site.size for site in step.sites])
        for site, point in zip(step.sites, made.points, strict=True):
            if point is None:
                site.unable = f"{made.reason or 'its arguments cannot be made'}; first use tunes it"
        if made.problem is None:
            return None
        task = Task(made.problem, signed.signature, signed.known.location)
        task.failures.update(signed.known.wrong)
        task.hints = gather(signed.known.kernel, signed.signature, numerics=signed.known.numerics)
        return task, [point for point in made.points if point is not None]

    def _compile(self, signed: Signed, task: Task) -> list[str]:
        """Compile the variants of a signature on all cores; those that are done."""
        declared = signed.known.signatures.declared(signed.signature.key)  # with sizes that are soon done
        able = [variant for variant in task.kernel.variants.values() if uses_compiler(variant)]
        until_s = math.inf if math.isinf(self.deadline_s) else time.monotonic() + self.left_s * COMPILING_SHARE
        tasks = [
            Task(declared or task.problem, task.signature, task.location, task.failures, variants=(variant.name,))
            for variant in able
        ]
        done = Compiling(self.numerics_of, 1.0, self.tell, until_s=until_s).all(tasks)
        return [name for each in done for name in each.variants or ()]

    def _take(self, step: Step, worker: Worker, found: Outcome) -> None:
        """Measure one signature at some sizes."""
        started_s = time.monotonic()
        signed: Signed = step.target.about
        asked = self._task(step)
        if asked is None or asked[0].location is None:
            self._left_out(step, found, NOT_FOUND)
            return
        task, points = asked
        ready = self._compile(signed, task)
        self.tell(
            task.event(
                "start", of=len(found.targets), sizes=len(step.sites), saving_s=step.saving_s, cost_s=step.cost_s
            )
        )
        served = list(dict.fromkeys(name for site in step.sites for name in site.calls.served))
        between = [site.size for site in step.target.sites if site.open and site not in step.sites]
        try:
            result = task.outcome(
                worker, "autotune.tuner.job:calibrate_sizes", self.tell,
                numerics=signed.known.numerics, effort=self.effort.name, patience=1.0, points=points,
                budget_s=None if math.isinf(self.deadline_s) else max(self.left_s, 0.0), served=served, between=between,
                ready=ready, record=None if signed.own is None else msgspec.json.encode(_as_own(signed)).decode(),
            )  # fmt: skip
        except (CalibrationError, WorkerError) as error:
            self.failed.append(error)
            self._left_out(step, found, str(error))
            return
        if result is None:
            self._left_out(step, found, NOT_FOUND)
            return
        took_s = time.monotonic() - started_s
        signed.spent_s += took_s
        step.target.compiled = True
        self.costs.learn(step.model_s, took_s)
        if result["contended"] and signed.own is not None and signed.own.quality == "clean":
            self._left_out(step, found, KEPT)
            return
        self._learn(step, self._saved(task, result, found), result["gains"], found)
        self.tell(task.event("done", spent_s=took_s))

    def _left_out(self, step: Step, found: Outcome, reason: str) -> None:
        for site in step.sites:
            site.unable = site.unable or reason
        reasons = dict.fromkeys(site.unable for site in step.sites if site.unable)
        found.left_out += [(step.target.name, reason) for reason in reasons]
        self.tell({"event": "left out", "kernel": step.target.name, "reason": "; ".join(reasons)})

    def _saved(self, task: Task, result: Mapping[str, Any], found: Outcome) -> Record:
        record = msgspec.convert(result["record"], Record)
        if not store.save(record):
            found.left_out.append((task.kernel.name, "it was measured, and could not be saved"))
        found.records = [other for other in found.records if store.key_of(other) != store.key_of(record)] + [record]
        return record

    def _learn(self, step: Step, record: Record, measured: Sequence[Mapping[str, Any]], found: Outcome) -> None:
        """What was found at the sites of a step, and what follows for the others of the kernel."""
        signed: Signed = step.target.about
        signed.learn(record)
        for site in step.sites:
            here = next((each for each in measured if each["size"] == dict(site.size)), None)
            if here is None:
                site.unable = site.unable or next(iter(record.skipped), "there was no time for it")
                continue
            site.after = gains.weighed(here, site.calls.served, site.calls.warm)
            site.call_s = gains.seconds_now(here, site.calls.served, site.calls.warm)
            site.unable = "" if site.after is not None else "what served in the program is not there any more"
        for target in found.targets:
            if target.about.known is signed.known:
                estimate(target)


def _as_own(signed: Signed) -> Record:
    """What a measurement is joined to; a shipped record as if first use had begun it: nobody has calibrated here."""
    assert signed.own is not None
    if signed.signature.key not in signed.known.found.shipped:
        return signed.own
    provenance = msgspec.structs.replace(signed.own.provenance, effort="first-use", origin="first-use")
    return msgspec.structs.replace(signed.own, provenance=provenance)
