"""First-use tuning of the call at hand.

Compiled variants are tried in a worker where the kernel can be imported there, so that a hang or a crash costs the
candidate and not the program; kernels of prompts and notebooks, and plain ones, are tried in this process, as `steady`
says. The first trial of a program pays for starting the worker's server, later ones some milliseconds.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from .. import events, quantity
from ..dispatch import sampling
from ..dispatch.policy import Known, Refusal
from ..dispatch.revision import revised
from ..dispatch.routes import Mismatch, check, compiled_mismatch, variant_hash
from ..errors import WorkerError
from ..kernel.model import REFERENCE, Kernel
from ..kernel.signature import Signature
from ..machine import fingerprint
from ..machine.fingerprint import too_large
from ..measure import arguments as make
from ..measure.worker import Lost
from ..store import store
from ..store.record import Record, decode, leaves, lookup
from . import locate, shipping
from .entrants import uses_compiler
from .hints import gather
from .steady import steady_state
from .steady import worker as isolated
from .trial import Trial

#: A call that takes more than this share of the budget cannot be compared with anything within it.
MAX_CALL_SHARE = 1 / 8
#: After this many lost workers the rest is left untried.
MAX_LOST = 3


def first_use(
    kernel: Kernel,
    signature: Signature,
    values: make.Arguments,
    *,
    known: Record | None,
    budget_s: float,
    numerics: str,
) -> Record | Known | Refusal:
    """Tune one call; who asks holds the lock of the kernel.

    Parameters
    ----------
    kernel, signature, values
        The call; its arrays are copied, never used.
    known : Record or None
        What is known of the signature.
    budget_s : float
        Seconds that this may take.
    numerics : str
        The loosest class that may win.

    Returns
    -------
    Record, Known or Refusal
        What is known now, already saved; what another process has found meanwhile; or why nothing was measured.
    """
    found = store.load(kernel.id, numerics=numerics)
    wrong = sampling.learn(kernel, found)
    saved = found.records.get(signature.key)
    mismatch = None if saved is None else _mismatch(kernel, saved)
    if mismatch is not None and mismatch.of_threads:
        return Refusal(mismatch.reason, passing=False)  # it holds in other processes, such as one that calibrates
    if mismatch is not None:
        saved = known = None  # what it says of compiled code does not hold in this environment
    if saved is not None and check(kernel, signature, saved) is None:
        saved = revised(kernel, signature, saved, cores=fingerprint().cores.count).record
        if signature.key in found.shipped:
            saved = _as_started_from(saved)
        size = kernel.size_of(values)
        if size is not None and lookup(saved.decision, size) is not None and not saved.unfinished(size):
            return Known(saved)
        known = saved
    if too_large(make.total_bytes(values)):
        return Refusal("its arrays need more than an eighth of the free memory", passing=False)
    started = time.monotonic()
    try:
        kernel.call_reference(make.copy_arguments(values))
    except Exception as error:  # the candidate boundary: the caller gets it when the reference serves
        return Refusal(f"the reference raises {type(error).__name__}", passing=True)
    call_s = time.monotonic() - started
    if call_s > budget_s * MAX_CALL_SHARE:
        return Refusal(
            f"a call takes {quantity.duration(call_s)}, too long for the budget of {budget_s:.3g} s; "
            f"autotune calibrate {kernel.name}",
            passing=False,
        )
    record = _Attempt(kernel, signature, values, known, budget_s, numerics, started, wrong).run()
    store.save(record)
    _log(kernel, signature, record, time.monotonic() - started)
    return record


def _mismatch(kernel: Kernel, record: Record) -> Mismatch | None:
    """Why the winners of a record may not be used here, threads last."""
    found = [compiled_mismatch(kernel, record, leaf.winner.variant) for leaf in leaves(record.decision)]
    return min((each for each in found if each is not None), key=lambda each: each.of_threads, default=None)


def _as_started_from(shipped: Record) -> Record:
    """A shipped record as what a trial here is joined to: nobody has calibrated on this machine."""
    return msgspec.structs.replace(shipped, provenance=msgspec.structs.replace(shipped.provenance, effort="first-use"))


class _Attempt:
    """One trial, in a worker or here."""

    def __init__(
        self,
        kernel: Kernel,
        signature: Signature,
        values: make.Arguments,
        known: Record | None,
        budget_s: float,
        numerics: str,
        started_s: float,
        wrong: dict[str, str],
    ) -> None:
        self.kernel, self.signature, self.values = kernel, signature, values
        self.known, self.budget_s, self.numerics = known, budget_s, numerics
        self.deadline_s = started_s + budget_s
        self.failures = dict(wrong)
        self.hints = gather(kernel, signature, numerics=numerics)

    def run(self) -> Record:
        location = locate.location_of(self.kernel, home_module(self.kernel)) if self._needs_worker() else None
        if location is not None:
            folder = Path(tempfile.mkdtemp(prefix="autotune-"))
            try:
                record = self._in_worker(location, folder)
            except (shipping.NotShippable, WorkerError) as reason:
                said = f"tried in this process: {reason}"
                events.log("failed", "%s: %s", self.kernel.id, said, kernel=self.kernel.id, reason=said)
                record = None
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            if record is not None:
                return record
        return self._here()

    def _needs_worker(self) -> bool:
        """Whether some compiled variant has not passed its gate as it is written now."""
        passed = self.known.variants.ulp if self.known is not None else {}
        sources = self.known.variants.sources if self.known is not None else {}
        return any(
            uses_compiler(variant) and (name not in passed or sources.get(name) != variant_hash(self.kernel, name))
            for name, variant in self.kernel.variants.items()
        )

    def _here(self) -> Record:
        trial = Trial(
            self.kernel, self.signature, self.values, self.known, self.numerics, self.budget_s, self.deadline_s,
            failures=self.failures, hints=self.hints,
        )  # fmt: skip
        with steady_state():
            return trial.run()

    def _in_worker(self, location: dict[str, str], folder: Path) -> Record | None:
        """The worker's record; None if it cannot import the kernel. A lost worker costs the candidate it was at."""
        described = shipping.pack(self.values, folder)
        for _ in range(MAX_LOST):
            job: dict[str, Any] = {
                "location": location, "folder": str(folder), "values": described, "signature": self.signature.key,
                "known": None if self.known is None else msgspec.json.encode(self.known).decode(),
                "numerics": self.numerics, "budget_s": self.budget_s, "deadline_s": self.deadline_s,
                "failures": self.failures, "hints": [hint.as_data() for hint in self.hints],
            }  # fmt: skip
            with isolated(compiled=True) as worker:
                for event in worker.run("autotune.tuner.trial_job:run", job):
                    if isinstance(event, Lost):
                        self._blame(event)
                        break
                    if "error" in event:
                        said = f"the worker says: {event['error']}"
                        events.log("failed", "%s: %s", self.kernel.id, said, kernel=self.kernel.id, reason=said)
                        return None
                    if "result" in event:
                        return decode(event["result"])
        # Nothing compiled can be trusted in this process either: only what is plain is tried.
        for name, variant in self.kernel.variants.items():
            if uses_compiler(variant):
                self.failures.setdefault(name, "lost the worker with another candidate; see the other failures")
        return self._here()

    def _blame(self, lost: Lost) -> None:
        candidate = lost.step.get("candidate")
        if candidate is None:
            raise WorkerError(f"the worker was lost at {lost.step.get('step')}: {lost.reason}")
        self.failures[candidate] = f"{lost.step['step']}: {lost.reason}"


def home_module(kernel: Kernel) -> str:
    """The module that declares a kernel, as `sys.modules` knows it."""
    from ..kernel import registry

    return str(registry.find(kernel.id).__module__)


def _log(kernel: Kernel, signature: Signature, record: Record, spent_s: float) -> None:
    cell = record.cells[-1]
    gain = f"{1 / cell.ratio:.3g} times faster than the reference" if cell.winner.variant != REFERENCE else "fastest"
    rest = f"; not tried yet: {', '.join(cell.untried)}" if cell.untried else ""
    events.log(
        "tuned", "%s [%s] at %s: %s, %s (%.2g s%s)", kernel.name, signature, quantity.size(cell.size), cell.winner,
        gain, spent_s, rest, kernel=kernel.id, signature=signature.key, size=dict(cell.size),
        variant=str(cell.winner), ratio=cell.ratio, seconds=spent_s, untried=list(cell.untried),
    )  # fmt: skip
