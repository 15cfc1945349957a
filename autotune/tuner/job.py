"""What the worker does: entry points by name, jobs and answers as JSON.

Knows nothing of the parent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from ..dispatch import sampling
from ..kernel.model import Kernel
from ..machine import fingerprint
from ..measure.gate import Case, Gate
from ..space import Range
from ..store.record import decode
from . import grid, incremental, locate
from .contest import Contest
from .effort import EFFORTS
from .entrants import entrants, small_candidates, static_count, uses_compiler
from .examples import Examples
from .hints import Hint
from .joining import with_sizes
from .occurring import Occurring, small
from .steady import steady_state

Emit = Callable[[dict[str, Any]], None]


def found(job: dict[str, Any]) -> Kernel:
    """The kernel of a job.

    Raises
    ------
    UnknownKernel
        Importing its module does not declare it.
    """
    kernel: Kernel = locate.find(job["location"]).__autotune__.kernel
    return kernel


def announcer(emit: Emit, patience: float) -> Callable[..., None]:
    """Turns announcements into events; `patience` stretches every deadline."""

    def announce(step: str, **about: Any) -> None:
        if "deadline_s" in about:
            about["deadline_s"] *= patience
        emit({"step" if step != "progress" else "progress": step, **about})

    return announce


def problem_of(job: dict[str, Any]) -> grid.Problem:
    kernel = found(job)
    ranges = {name: Range(lo, hi) for name, (lo, hi) in job["ranges"].items()}
    if "examples" in job:
        examples = tuple((size, example) for size, example in job["examples"])
        return Examples(kernel, job["fixed"], ranges, job["seed"], key=job["key"], examples=examples)
    return grid.Problem(kernel, job["fixed"], ranges, job.get("seed", 0))


def calibrate(job: dict[str, Any], emit: Emit) -> Any:
    """Calibrate one signature, or bring what is known of it up to date; the record as plain data."""
    sampling.recall(found(job), job["failures"])
    with steady_state():
        session = incremental.session_for(
            problem_of(job),
            None if job.get("known") is None else decode(job["known"]),
            effort=EFFORTS[job["effort"]].hurried(math.inf if job.get("pace_s") is None else job["pace_s"]),
            numerics=job["numerics"],
            announce=announcer(emit, job.get("patience", 1.0)),
            failures=job["failures"],
            too_long=job.get("too_long", {}),
            budget_s=math.inf if job.get("budget_s") is None else job["budget_s"],
            hints=[Hint.from_data(item) for item in job.get("hints", ())],
        )
        return msgspec.to_builtins(session.run())


def calibrate_sizes(job: dict[str, Any], emit: Emit) -> Any:
    """Calibrate one signature at the sizes of a program and join the outcome to what is known: the record, and what
    serves each size now against what served in the program, as plain data."""
    sampling.recall(found(job), job["failures"])
    known = None if job["record"] is None else decode(job["record"])
    before = known.variants.failures if known is not None else []
    with steady_state():
        session = Occurring(
            problem_of(job), EFFORTS[job["effort"]], job["numerics"], announcer(emit, job["patience"]),
            {**{str(failure.candidate): failure.reason for failure in before}, **job["failures"]}, job["too_long"],
            math.inf if job["budget_s"] is None else job["budget_s"],
            [Hint.from_data(item) for item in job["hints"]], points=job["points"],
            between=job["between"], ready=job["ready"],
        )  # fmt: skip
        measured = session.run()
        record = with_sizes(known, measured)
        gains = session.gains(record, job["served"])
        return {"record": msgspec.to_builtins(record), "contended": measured.quality == "contended", "gains": gains}


def compile_all(job: dict[str, Any], emit: Emit) -> Any:
    """Compile every candidate that may compete for one signature into the code cache; the failures."""
    with steady_state():
        problem = problem_of(job)
        signature = problem.signature()
        cores = fingerprint().cores.count
        announce = announcer(emit, job.get("patience", 1.0))
        contest = Contest(problem.kernel, signature, cores, problem.seed, announce, dict(job["failures"]))
        points = [
            {name: max(given.lo, min(given.hi, size)) for name, given in problem.ranges.items()}
            for size in COMPILE_SIZES[: 1 if len(problem.ranges) > 1 else None]
        ]
        made = [problem.arguments(point) for point in points]
        if isinstance(problem, Examples):
            made = [small(values) for values in made[:1]]
        gate = Gate(problem.kernel, [Case(str(point), values) for point, values in zip(points, made, strict=False)])
        for variant in entrants(problem.kernel, signature, numerics=job["numerics"], cores=cores).variants:
            if uses_compiler(variant) and (job.get("only") is None or variant.name in job["only"]):
                candidates = small_candidates(variant) or []
                for candidate in candidates if static_count(variant) > 1 else candidates[:1]:
                    contest.admit_candidate(candidate, gate, lambda _: ())
        return contest.failures


#: Sizes at which code is run to be compiled: past the special cases for tiny inputs, and past a block.
COMPILE_SIZES = (64, 100_000)
