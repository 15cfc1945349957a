"""What happens on a miss: whether first-use tuning is safe here and now.

Each rule is a small predicate that gives a reason or None, over facts that can be injected. The reference is always a
right answer, so that a reason costs speed only. Knows nothing of how tuning is done.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..machine.load import BUSY_PRESSURE_PERCENT, cpu_pressure_percent
from ..value import Value

if TYPE_CHECKING:
    from ..store.record import Record

#: Tuning that a process may do before it is rationed, and its share of the process's age after that.
FREE_TUNING_S = 5.0
TUNING_SHARE = 0.05
#: How long the reference serves after a refusal that may pass (load, budget, a lock) before it is asked again.
ASK_AGAIN_S = 5.0

RANK_VARIABLES = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")
CI_VARIABLES = ("CI", "CONTINUOUS_INTEGRATION", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TF_BUILD", "BUILDKITE")


class Refusal(Value):
    """Why a call is not tuned."""

    reason: str
    #: Whether asking again later may give another answer.
    passing: bool


class Known(Value):
    """What was known already."""

    record: Record


class Spending:
    """What this process has spent on tuning."""

    def __init__(self, spent_s: float = 0.0, started_s: float | None = None) -> None:
        self.spent_s = spent_s
        self.started_s = time.monotonic() if started_s is None else started_s

    def left_s(self, now_s: float) -> float:
        """Seconds that may still be spent."""
        if self.spent_s < FREE_TUNING_S:
            return FREE_TUNING_S - self.spent_s
        return (now_s - self.started_s) * TUNING_SHARE - self.spent_s


def in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def in_worker_process() -> bool:
    """Whether a pool of `multiprocessing`, loky or dask started this process; all of them tell its parent."""
    process = sys.modules.get("multiprocessing.process")
    return process is not None and process.parent_process() is not None


def shutting_down_now() -> bool:
    """Whether the program is over: atexit handlers run when the main thread is, and before the interpreter says so."""
    return sys.is_finalizing() or not threading.main_thread().is_alive()


def interrupting() -> str | None:
    """What on the stack runs at a moment that the program did not choose: a finalizer, or a signal handler."""
    signals = sys.modules.get("signal")
    handlers = map(signals.getsignal, signals.valid_signals()) if signals is not None and in_main_thread() else ()
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    frame = sys._getframe()
    while (above := frame.f_back) is not None:
        frame = above
        if frame.f_code.co_name == "__del__":
            return "a finalizer"
        if frame.f_code in codes:
            return "a signal handler"
    return None


def running_event_loop() -> bool:
    """Whether user code runs inside asyncio; ipykernel's own loop, around every cell, does not count."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return False
    kernel_app = sys.modules.get("ipykernel.kernelapp")
    return kernel_app is None or not kernel_app.IPKernelApp.initialized()


_tuning = threading.local()


def is_tuning() -> bool:
    """Whether this thread is tuning."""
    return getattr(_tuning, "depth", 0) > 0


class Tuning:
    """Marks the time in which this thread tunes: calls inside it are never tuned themselves."""

    def __enter__(self) -> None:
        _tuning.depth = getattr(_tuning, "depth", 0) + 1

    def __exit__(self, *_: object) -> None:
        _tuning.depth -= 1


class Surroundings(Value):
    """The facts that the rules look at; tests replace them."""

    environ: Mapping[str, str] = os.environ
    explicit: bool = False
    forked_after_openmp: Callable[[], bool] = staticmethod(lambda: False)
    in_main_thread: Callable[[], bool] = staticmethod(in_main_thread)
    event_loop: Callable[[], bool] = staticmethod(running_event_loop)
    worker_process: Callable[[], bool] = staticmethod(in_worker_process)
    interrupting: Callable[[], str | None] = staticmethod(interrupting)
    finalizing: Callable[[], bool] = staticmethod(shutting_down_now)
    pressure_percent: Callable[[], float | None] = staticmethod(cpu_pressure_percent)
    tuning: Callable[[], bool] = staticmethod(is_tuning)
    now_s: Callable[[], float] = staticmethod(time.monotonic)


Rule = Callable[[Surroundings], str | None]


def on_ci(about: Surroundings) -> str | None:
    if about.explicit:
        return None
    found = next((name for name in CI_VARIABLES if about.environ.get(name, "").lower() not in ("", "0", "false")), None)
    return f"{found} is set: continuous integration" if found else None


def under_pytest(about: Surroundings) -> str | None:
    if about.explicit or "PYTEST_CURRENT_TEST" not in about.environ:
        return None
    return "running under pytest"


def not_first_rank(about: Surroundings) -> str | None:
    for name in RANK_VARIABLES:
        if about.environ.get(name, "0") not in ("", "0"):
            return f"{name}={about.environ[name]}: only rank 0 tunes"
    return None


def after_fork(about: Surroundings) -> str | None:
    return "forked from a process that ran OpenMP" if about.forked_after_openmp() else None


def other_thread(about: Surroundings) -> str | None:
    return None if about.in_main_thread() else "not the main thread"


def pool_worker(about: Surroundings) -> str | None:
    return "a worker of a process pool" if about.worker_process() else None


def interrupted(about: Surroundings) -> str | None:
    by = about.interrupting()
    return f"inside {by}" if by else None


def in_event_loop(about: Surroundings) -> str | None:
    return "an event loop is running in this thread" if about.event_loop() else None


def nested(about: Surroundings) -> str | None:
    return "called while tuning" if about.tuning() else None


def shutting_down(about: Surroundings) -> str | None:
    return "the interpreter is shutting down" if about.finalizing() else None


def machine_busy(about: Surroundings) -> str | None:
    if about.explicit:
        return None
    pressure = about.pressure_percent()
    if pressure is None or pressure <= BUSY_PRESSURE_PERCENT:
        return None
    return f"the machine is busy (CPU pressure {pressure:.0f} %)"


#: (rule, whether its refusal may pass)
RULES: tuple[tuple[Rule, bool], ...] = (
    (nested, True),
    (on_ci, False),
    (under_pytest, False),
    (not_first_rank, False),
    (after_fork, False),
    (pool_worker, False),
    (other_thread, True),
    (in_event_loop, True),
    (shutting_down, False),
    (interrupted, True),
    (machine_busy, True),
)


def refusal(about: Surroundings, spending: Spending) -> Refusal | None:
    """Why this call must not be tuned now, or None if it may."""
    for rule, passing in RULES:
        reason = rule(about)
        if reason is not None:
            return Refusal(reason, passing)
    if spending.left_s(about.now_s()) <= 0:
        return Refusal("this process has spent its share of time on tuning", passing=True)
    return None
