"""The sampling check: one call in so many is made by the reference as well, and the results are compared.

Which call is left to chance, because a program's own rhythm (two sizes in turn) would hide a size from every N-th. A
variant that is wrong gives way at once: the reference's result is returned, the variant disabled in this process and
marked in the store, so that no later process uses it until its source is edited.

Comparing is reached through one hook. Knows nothing of how it is done.
"""

from __future__ import annotations

import importlib
import itertools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .. import events
from ..kernel import condemned
from ..kernel.model import Kernel
from ..kernel.signature import Signature, signature_of
from ..private import private_directory
from . import guards, policy, serve
from .plan import Resting, Target, ToThreads, ToVariant
from .routes import variant_hash

if TYPE_CHECKING:
    from random import Random

    from ..store.record import Record
    from ..store.store import Found
    from .dispatcher import Dispatcher

#: Where calls are held against the reference; imported when the first one is.
HOOK = "autotune.measure.sample"
#: Inputs up to this are saved beside a mismatch: a hundred of them are no burden on a disk.
MAX_SAVED_BYTES = 1 << 20
#: Directory of the saved inputs inside the store's root.
SAVED = "mismatches"


class Sampler:
    """Says which calls are due: one in `every`, at random.

    Parameters
    ----------
    every : int
    rng : Random
    names : dict
        Globals of the public function, whose code takes from ``_tick`` until it gives out: some 40 ns, without a lock.
    """

    def __init__(self, every: int, rng: Random, names: dict[str, Any]) -> None:
        self.every = every
        self._rng, self._names = rng, names
        self.renew()

    def renew(self) -> None:
        """Choose the next call: the `every`-th from here on average."""
        gap = self._rng.randint(1, 2 * self.every - 1)
        self._names["_tick"] = itertools.repeat(None, gap - 1)

    def due(self) -> bool:
        """Count a call; whether it is due."""
        for _one in self._names["_tick"]:
            return False
        self.renew()
        return True


def sampler(kernel: Kernel, asked: int | None, names: dict[str, Any]) -> Sampler | None:
    """The sampler of a kernel; None if no call is to be checked."""
    every = kernel.verify if asked is None else asked
    if every == 0 or not kernel.variants:
        return None
    import random

    return Sampler(every, random.Random(), names)  # noqa: S311 - of the system's own entropy


def sample(dispatcher: Dispatcher, arguments: tuple[object, ...]) -> Any:
    """A call that is due, from the instrumented code."""
    if dispatcher.sampler is not None:
        dispatcher.sampler.renew()
    values = dispatcher.face.values(arguments)
    target = _loaded(dispatcher, values) or dispatcher.found_target(values)
    if isinstance(target, ToVariant):
        return check(dispatcher, target, values)
    return dispatcher.kernel.call_reference(values)


def _loaded(dispatcher: Dispatcher, values: Mapping[str, object]) -> Target | None:
    """What serves a call, if that is known already: then nothing has to be generated anew."""
    signature = signature_of(dispatcher.kernel, values)
    entry = dispatcher.entries.get(signature.key) if isinstance(signature, Signature) else None
    if entry is None:
        return None
    try:
        size = dispatcher.kernel.size_of(values)
    except Exception:  # the variant guard: what has no size is not served by a variant
        return None
    leaf = None if size is None else entry.leaf(size)
    target = None if leaf is None else entry.loader.target(leaf)
    if isinstance(target, ToThreads | Resting):
        target = target.target
    return target if isinstance(target, ToVariant) else None


class _Sample(Protocol):
    """What the hook makes of a call; see `autotune.measure.sample.Sample`."""

    total_bytes: int

    def judge(self, values: Any, result: Any, raised: Exception | None, numerics: str) -> str | None: ...
    def restore(self, values: Mapping[str, object]) -> None: ...
    def save(self, path: Path, about: Mapping[str, str]) -> None: ...


def check(dispatcher: Dispatcher, target: ToVariant, values: Mapping[str, object]) -> Any:
    """Make a call with its variant and with the reference; the variant's result if they agree, else the reference's."""
    kernel, variant = dispatcher.kernel, dispatcher.kernel.variants[target.candidate.variant]
    taken: _Sample | None = importlib.import_module(HOOK).take(kernel, values)
    result, raised = None, None
    try:
        with guards.turn.inside(target, wait=True):
            result = serve.as_function(kernel, target)(*values.values())
    except Exception as error:  # the variant guard
        raised = error
    if taken is None:  # no memory for copies
        if raised is None:
            return result
        return dispatcher.rescue(target, raised, *(values[name] for name in dispatcher.face.names))
    mismatch = taken.judge(values, result, raised, variant.numerics)
    if mismatch is None and raised is None:
        return result
    taken.restore(values)
    if mismatch is not None:
        _fail(dispatcher, target, values, mismatch, taken)
    return kernel.call_reference(values)


def _fail(
    dispatcher: Dispatcher, target: ToVariant, values: Mapping[str, object], mismatch: str, taken: _Sample
) -> None:
    """A variant is wrong: say what is needed to see it again, and let nobody use it any more."""
    kernel, name = dispatcher.kernel, target.candidate.variant
    signature = signature_of(kernel, values)
    assert isinstance(signature, Signature), "only calls that have one are served by a variant"
    size = ", ".join(f"{feature}={value}" for feature, value in (kernel.size_of(values) or {}).items())
    with dispatcher.lock:
        told = condemned.reason_against(kernel.variants[name]) is not None
        condemned.condemn(kernel.variants[name], f"{condemned.MARK}{mismatch} ({signature} at {size})")
    serve.disable(dispatcher, name, f"gave a wrong result ({mismatch})")
    if told:
        return  # another thread was quicker
    source = variant_hash(kernel, name)
    about = {"kernel": kernel.id, "signature": signature.key, "size": size, "candidate": str(target.candidate),
             "source": source, "mismatch": mismatch}  # fmt: skip
    writes = policy.not_first_rank(policy.Surroundings()) is None
    inputs = _save(dispatcher, taken, about) if writes else "its inputs are saved by rank 0 alone"
    events.log(
        "wrong", "%s [%s] at %s: %s is wrong: %s. The reference's result was given. Source %s; %s",
        kernel.id, signature, size, target.candidate, mismatch, source, inputs,
        kernel=kernel.id, signature=signature.key, size=kernel.size_of(values) or {}, variant=str(target.candidate),
        reason=mismatch, source=source,
    )  # fmt: skip
    if writes:
        mark(dispatcher, signature, name)


def _save(dispatcher: Dispatcher, taken: _Sample, about: Mapping[str, str]) -> str:
    """Save the inputs if they are small; where, or why not."""
    if taken.total_bytes > MAX_SAVED_BYTES:
        return f"its inputs were not saved: {taken.total_bytes:,} bytes"
    folder = dispatcher.open().root / SAVED
    text = "-".join((about["kernel"], about["candidate"].partition("(")[0], about["source"]))
    path = folder / ("".join(c if c.isalnum() or c in "._-" else "_" for c in text) + ".npz")
    if not private_directory(folder.parent) or not private_directory(folder):
        return f"its inputs could not be saved in {folder}"
    previous = os.umask(0o077)
    try:
        part = path.with_name(f"{os.getpid()}-{path.name}")
        taken.save(part, about)
        os.replace(part, path)
    except OSError as error:
        return f"its inputs could not be saved: {error.strerror}"
    finally:
        os.umask(previous)
    return f"its inputs are in {path}"


# -- the store


def mark(dispatcher: Dispatcher, signature: Signature, name: str) -> None:
    """Record that a variant is wrong, so that no later process uses it while its source is the same.

    What else the record says stays: whoever reads it takes out what rests on the variant, as where one was removed.
    """
    import msgspec

    from ..store import store
    from ..store.record import Choice, Failure

    kernel = dispatcher.kernel
    reason = condemned.reason_against(kernel.variants[name]) or condemned.MARK
    known = store.load(kernel.id, numerics=dispatcher.numerics).records.get(signature.key)
    if known is None:
        known = _nothing_but(kernel, signature, dispatcher.numerics)
    failures = [failure for failure in known.variants.failures if failure.candidate.variant != name]
    sources = {**known.variants.sources, name: variant_hash(kernel, name)}
    about = msgspec.structs.replace(
        known.variants, sources=sources, failures=[*failures, Failure(Choice(name), reason)]
    )
    store.save(msgspec.structs.replace(known, variants=about))


def _nothing_but(kernel: Kernel, signature: Signature, numerics: str) -> Record:
    """A record that decides nothing, for a failure to stand in."""
    import time

    from .. import __version__
    from ..machine import fingerprint
    from ..store.record import SCHEMA, Gap, Provenance, Record, Variants

    machine = fingerprint()
    return Record(
        schema=SCHEMA, kernel=kernel.id, signature=signature.key, sizes=kernel.size.texts(), numerics=numerics,
        decision=Gap(), cells=[],
        variants=Variants(sources={each: variant_hash(kernel, each) for each in ("reference", *kernel.variants)}),
        provenance=Provenance(
            hard=dict(machine.hard), soft=dict(machine.soft), compiled={}, tool=__version__,
            created_s=round(time.time(), 3), origin="verify", label=machine.label,
        ),
    )  # fmt: skip


def learn(kernel: Kernel, found: Found) -> dict[str, str]:
    """Let variants that records of this machine mark as wrong not win; the reasons by name."""
    from ..machine import fingerprint

    hard = dict(fingerprint().hard)
    for record in (*found.records.values(), *found.foreign):
        if record.provenance.hard == hard:
            reasons = {failure.candidate.variant: failure.reason for failure in record.variants.failures}
            recall(kernel, {**record.variants.excluded, **reasons}, record.variants.sources)
    against = {name: condemned.reason_against(variant) for name, variant in kernel.variants.items()}
    return {name: reason for name, reason in against.items() if reason is not None}


def recall(kernel: Kernel, reasons: Mapping[str, str], sources: Mapping[str, str] | None = None) -> None:
    """Let the variants among `reasons` that are marked as wrong not win; of `sources`, only as they are now."""
    for name, reason in reasons.items():
        marked = reason.startswith(condemned.MARK) and name in kernel.variants
        if marked and (sources is None or sources.get(name) == variant_hash(kernel, name)):
            condemned.condemn(kernel.variants[name], reason)
