"""Tuning on a miss: asks the policy, reaches the tuner through one hook, and takes over what it found.

Knows nothing of how tuning is done.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .. import events
from ..compile.layers import expected_layer
from ..errors import DeclarationError, VariantWarning, warn
from . import guards, policy, sampling
from .entry import Entry, take_over
from .plan import Later, ToReference

if TYPE_CHECKING:
    from ..store.record import Record
    from ..store.store import Found
    from .dispatcher import Dispatcher

#: Where the tuner is, imported when first needed.
TUNER = "autotune.tuner"

spending = policy.Spending()


def tune_if_due(dispatcher: Dispatcher, entry: Entry, values: Mapping[str, object]) -> None:
    """Tune a call of which nothing is known, if that is asked for, safe, and within what a process may spend."""
    asked = dispatcher.open()
    if asked.mode != "first-use" or isinstance(entry.gap, ToReference):
        return
    about = policy.Surroundings(explicit=asked.mode_is_explicit, forked_after_openmp=guards.single_threaded)
    refused = policy.refusal(about, spending)
    if refused is None:
        try:
            budget_s = min(asked.budget_s, spending.left_s(time.monotonic()))
            refused = tune(dispatcher, entry, values, budget_s=budget_s)
        except Exception as error:  # the candidate boundary: a call must not fail because it was to be tuned
            name, said = dispatcher.kernel.id, f"{type(error).__name__}: {error}"
            events.log("failed", "%s: tuning failed", name, error=error, kernel=name, reason=said)
            warn(f"{name}: first use could not tune a call, the reference serves: {said}", VariantWarning)
            refused = policy.Refusal(said, passing=False)
    if refused is not None:
        entry.reason = f"not tuned: {refused.reason}"
        entry.gap = Later(time.monotonic() + policy.ASK_AGAIN_S) if refused.passing else ToReference()
        kernel, signature = dispatcher.kernel, entry.signature
        events.log(
            "miss", "%s (%s): %s", kernel.name, signature, entry.reason,
            kernel=kernel.id, signature=signature.key, reason=refused.reason,
        )  # fmt: skip
        dispatcher.rebuild()


def tune(
    dispatcher: Dispatcher, entry: Entry, values: Mapping[str, object], *, budget_s: float
) -> policy.Refusal | None:
    """Tune the call at hand through the tuner's hook and take over what it finds.

    Of many processes that meet a kernel at once one gets here with its lock; the others are told so before they import
    anything.
    """
    from ..store import store

    alone = any(variant.threads for variant in dispatcher.kernel.variants.values()) and expected_layer() == "workqueue"
    if alone and not guards.turn.enter():
        return policy.Refusal("another thread is in parallel code, where the workqueue layer bears one", passing=True)
    dispatcher.tuning_now = True
    started = time.monotonic()
    try:
        with policy.Tuning(), store.kernel_lock(dispatcher.kernel.id) as mine:
            if not mine:
                return policy.Refusal("another process is tuning this kernel", passing=True)
            if _found_meanwhile(dispatcher, entry, values):
                return None
            outcome = importlib.import_module(TUNER).first_use(
                dispatcher.kernel, entry.signature, values,
                known=entry.record, budget_s=budget_s, numerics=dispatcher.numerics,
            )  # fmt: skip
    except DeclarationError as error:
        warn(f"{error}; the reference serves", VariantWarning)
        return policy.Refusal(str(error), passing=False)
    finally:
        dispatcher.tuning_now = False
        if alone:
            guards.turn.leave()
        spending.spent_s += time.monotonic() - started
    if isinstance(outcome, policy.Refusal):
        return outcome
    if isinstance(outcome, policy.Known):
        entry.use(outcome.record, "store")
    else:
        dispatcher.tuned += 1
        entry.use(outcome, "first-use")
    return None


def _found_meanwhile(dispatcher: Dispatcher, entry: Entry, values: Mapping[str, object]) -> bool:
    """Whether another process has found what serves this call since the store was read; then that is taken over."""
    before, key = dispatcher.found, entry.signature.key
    dispatcher.found = found = read_store(dispatcher)
    record = found.records.get(key)
    if record is None or before is None or record == before.records.get(key):
        return False
    take_over(dispatcher.kernel, entry.signature, entry, record, "store")
    size = dispatcher.kernel.size_of(values)
    return size is not None and entry.leaf(size) is not None and not entry.unfinished(size)


def read_store(dispatcher: Dispatcher) -> Found:
    """What is recorded of a kernel; variants that records mark as wrong do not win from now on."""
    from ..store import store

    found = store.load(dispatcher.kernel.id, numerics=dispatcher.numerics)
    sampling.learn(dispatcher.kernel, found)
    return found


def remember(dispatcher: Dispatcher, records: Iterable[Record]) -> None:
    """Use records in this process even where the store could not take them."""
    found = read_store(dispatcher)
    made = {record.signature: record for record in records if found.records.get(record.signature) != record}
    dispatcher.found = found if not made else type(found)({**found.records, **made}, found.shipped - made.keys(), ())
