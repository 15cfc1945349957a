"""The worker's entry point for first use. Knows nothing of the parent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..dispatch import sampling
from ..errors import CalibrationError
from ..kernel.signature import NotCovered, signature_of
from ..store.record import decode, encode
from . import shipping
from .hints import Hint
from .job import Emit, announcer, found
from .steady import steady_state
from .trial import Trial


def run(job: dict[str, Any], emit: Emit) -> str:
    """Tune one call; the record as JSON text."""
    kernel = found(job)
    values = shipping.unpack(job["values"], Path(job["folder"]))
    signature = signature_of(kernel, values)
    if isinstance(signature, NotCovered) or signature.key != job["signature"]:
        raise CalibrationError(f"kernel {kernel.id} sees another call here: {signature}")
    sampling.recall(kernel, job["failures"])
    with steady_state():
        trial = Trial(
            kernel, signature, values, None if job["known"] is None else decode(job["known"]),
            job["numerics"], job["budget_s"], job["deadline_s"],
            announcer(emit, 1.0), dict(job["failures"]), [Hint.from_data(item) for item in job["hints"]],
        )  # fmt: skip
        return encode(trial.run())
