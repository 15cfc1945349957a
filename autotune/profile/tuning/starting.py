"""What serving other candidates adds to the start of a program: loading compiled code, in a fresh process.

Knows nothing of what a workload saves.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...kernel.model import REFERENCE, Kernel
from ...measure.worker import Worker
from ...store.record import lookup
from ...tuner import locate
from ...tuner.entrants import uses_compiler
from ...tuner.job import problem_of
from . import resolving

if TYPE_CHECKING:
    from .planning import Target
    from .targets import Signed

#: Calls after the first, of which the shortest is what a call takes.
LATER_CALLS = 3


def more_s(targets: Sequence[Target]) -> float | None:
    """Seconds that a run takes longer until everything is loaded; None where that cannot be told.

    What served in the recorded run had been loaded in it too, and does not count.
    """
    jobs, loaded = [], False
    for target in targets:
        signed: Signed = target.about
        kernel = signed.known.kernel
        served = {name for site in target.sites for name in site.calls.served}
        loaded = loaded or any(_compiled(kernel, name) for name in served)
        jobs += _jobs(target, served)
    if not jobs:
        return 0.0
    with Worker({"AUTOTUNE_MODE": "use"}, fork=False) as worker:
        for event in worker.run("autotune.profile.tuning.starting:run", {"calls": jobs, "loaded": loaded}):
            if isinstance(event, dict) and "result" in event:
                return float(event["result"])
    return None


def _jobs(target: Target, served: set[str]) -> list[dict[str, Any]]:
    """A call for each compiled candidate that serves now and did not, where it serves most."""
    signed: Signed = target.about
    found: dict[str, Any] = {}
    for site in sorted(target.sites, key=lambda site: site.before_s, reverse=True):
        leaf = None if signed.own is None else lookup(signed.own.decision, dict(site.size))
        winner = REFERENCE if leaf is None else str(leaf.winner)
        if winner in {*served, *found} or not _compiled(signed.known.kernel, winner):
            continue
        made = resolving.made(signed.known, signed.calls, [site.size])
        if made.problem is not None and made.points[0] is not None:
            found[winner] = {
                "location": signed.known.location, **made.problem.as_data(), "point": made.points[0],
            }  # fmt: skip
    return list(found.values())


def _compiled(kernel: Kernel, candidate: str) -> bool:
    variant = kernel.variants.get(candidate.partition("(")[0])
    return candidate != REFERENCE and variant is not None and uses_compiler(variant)


def run(job: dict[str, Any], emit: Any) -> float:
    """In a fresh process: seconds that the first calls take longer than later ones."""
    calls = []
    for each in job["calls"]:
        problem = problem_of(each)
        args, kwargs = problem.kernel.as_call(problem.arguments(each["point"]))
        calls.append((locate.find(each["location"]), args, kwargs))
    if job["loaded"]:
        import numba  # noqa: F401 - what served before had it loaded too
    total_s = 0.0
    for tuned, args, kwargs in calls:
        first_s, *later_s = (_seconds(tuned, args, kwargs) for _ in range(1 + LATER_CALLS))
        total_s += first_s - min(later_s)
    return total_s


def _seconds(tuned: Any, args: list[object], kwargs: dict[str, object]) -> float:
    started = time.perf_counter()
    tuned(*args, **kwargs)
    return time.perf_counter() - started
