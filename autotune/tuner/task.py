"""One signature to calibrate: what its workers are asked, and what is known of those that were lost.

Knows nothing of measuring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import events
from ..errors import CalibrationError, UnknownKernel, WorkerError
from ..kernel.model import REFERENCE, Kernel
from ..kernel.signature import Signature
from ..measure.worker import Lost, Worker
from ..store.record import encode
from . import grid
from .hints import Hint
from .standing import Standing

#: After this many lost workers a signature is given up.
MAX_LOST = 20

Tell = Callable[[dict[str, Any]], None]


@dataclass
class Task:
    """One signature to calibrate."""

    problem: grid.Problem
    signature: Signature
    location: dict[str, str] | None
    failures: dict[str, str] = field(default_factory=dict)
    #: What is known, and what of it is to be measured.
    standing: Standing = field(default_factory=Standing)
    #: Settings that won elsewhere.
    hints: Sequence[Hint] = ()
    #: Seconds it should take.
    pace_s: float = math.inf
    #: The only variants that are asked for; None for all.
    variants: tuple[str, ...] | None = None
    #: Sizes at which the reference took too long, as text, with the reason.
    too_long: dict[str, str] = field(default_factory=dict)

    @property
    def kernel(self) -> Kernel:
        return self.problem.kernel

    def job(self, **about: Any) -> dict[str, Any]:
        return {
            "location": self.location,
            **self.problem.as_data(),
            "failures": self.failures,
            "too_long": self.too_long,
            "known": None if self.standing.known is None else encode(self.standing.known),
            "only": self.only,
            "pace_s": None if math.isinf(self.pace_s) else self.pace_s,
            "hints": [hint.as_data() for hint in self.hints],
            **about,
        }

    @property
    def only(self) -> tuple[str, ...] | None:
        """The variants that are to be measured; None for all."""
        return self.variants if self.standing.known is None else self.standing.changes.measured

    @property
    def doing(self) -> str | None:
        """What is done with a record that is brought up to date, in words."""
        changes = self.standing.changes
        raced = ", raced against the current winners" if changes.measured else ""
        return None if self.standing.known is None else f"{changes}{raced}"

    def event(self, what: str, **about: Any) -> dict[str, Any]:
        return {"event": what, "kernel": self.kernel.name, "signature": str(self.signature), **about}

    def outcome(self, worker: Worker, entry: str, tell: Tell, **about: Any) -> Any:
        """The result of a job of this task; None if no other process can import the kernel.

        A worker that is lost costs the candidate, or the size, that it was at.

        Parameters
        ----------
        entry : str
            As `Worker.run` takes it.
        **about
            What the job is told beside what the task knows.

        Raises
        ------
        CalibrationError, WorkerError
            The job fails, or workers are lost again and again.
        """
        size = ""
        for _ in range(MAX_LOST):
            for event in worker.run(entry, self.job(**about)):
                if isinstance(event, Lost):
                    tell(self.event("lost", step=event.step, reason=event.reason))
                    if not self.blame(event, size):
                        raise WorkerError(f"{self.kernel.id}: the worker was lost at {event.step}: {event.reason}")
                    break
                if event.get("type") == UnknownKernel.__name__:
                    return None
                if "error" in event:
                    raise CalibrationError(event["error"])
                if "result" in event:
                    return event["result"]
                if "progress" in event:
                    size = event.get("size", size) if "of" in event else size
                    tell(self.event("progress", **event))
        raise CalibrationError(f"{self.kernel.id}: given up after {MAX_LOST} lost workers: {self.failures}")

    def blame(self, lost: Lost, size: str = "") -> bool:
        """Note the candidate, or the size, that the worker was lost with; False if it was at neither."""
        candidate = lost.step.get("candidate")
        if candidate == REFERENCE and size and size not in self.too_long:
            self.too_long[size] = f"the reference {lost.reason}"
            return True
        if candidate is None or candidate == REFERENCE:
            return False
        self.failures[candidate] = f"{lost.step['step']}: {lost.reason}"
        return True


def log(event: dict[str, Any]) -> None:
    """Log what a calibration leaves out."""
    if event["event"] == "left out":
        events.log(
            "skipped", "%s [%s] is not calibrated: %s", event["kernel"], event["signature"], event["reason"],
            **{name: event[name] for name in ("kernel", "signature", "reason")},
        )  # fmt: skip
