"""Decisions that a lock file fixes: obeying them, and making them of records.

What a lock names is held against what is declared now, because source and file are edited apart from each other. What
does not fit is served by the reference. Nothing here looks at the machine, the store, the clock or the load.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DeclarationError, StaleRecord, warn
from ..kernel import condemned
from ..kernel.boxes import legal
from ..kernel.coverage import not_covered, unavailable
from ..kernel.model import NUMERICS, REFERENCE, Kernel
from ..kernel.signature import Signature
from .entry import Entry
from .plan import ToReference
from .routes import Loader, candidate_of, compiled_mismatch, handling_of, variant_hash

if TYPE_CHECKING:
    from ..settings import Settings
    from ..store.lockfile import Frozen, Lock
    from ..store.record import Decision, Leaf, Pick, Record

#: Bytecode, and with it every source hash, belongs to a minor version of Python.
PYTHON = sys.implementation.cache_tag or ""

_read: dict[Path, Lock] = {}
_warned: set[str] = set()


def load(path: Path) -> Lock:
    """A lock file, read once: an edit while a program runs must not change what it does half way.

    Raises
    ------
    LockError
        It is missing, damaged, or of a later version.
    """
    from ..store import lockfile

    if path not in _read:
        _read[path] = lockfile.read(path)
    return _read[path]


def forget() -> None:
    """Read lock files anew when they are next needed."""
    _read.clear()


# -- obeying


def keys(asked: Settings, kernel: str) -> set[str]:
    """Signatures of a kernel that the lock file decides, where one is obeyed.

    Raises
    ------
    LockError
        As `load`.
    """
    return load(asked.lock_file()).of_kernel(kernel) if asked.locked else set()


def open_locked(kernel: Kernel, signature: Signature, asked: Settings, disabled: set[str]) -> Entry:
    """What the lock file says of a signature, held against what is declared now.

    Raises
    ------
    LockError
        As `load`.
    """
    from ..store.record import Gap

    loader = Loader(kernel, signature, disabled=disabled)
    entry = Entry(signature, loader, Gap(), ToReference())
    lock = load(asked.lock_file())
    strictest = asked.numerics if asked.numerics_is_explicit else None
    frozen = lock.decisions.get((kernel.id, signature.key))
    if frozen is None:
        entry.reason = f"{lock.path} says nothing of this signature"
        return entry
    reason = _refused(kernel, signature, frozen, lock, strictest)
    if reason is None:
        entry.obey(frozen.decision, "locked")
        return entry
    entry.reason = reason
    if any(pick.variant != REFERENCE for pick in _picks(frozen.decision)):
        _warn_once(
            f"{kernel.name} ({signature}): {reason}; the reference serves. Write {lock.path} anew: autotune freeze"
            if lock.python == PYTHON
            else f"{lock.path}: {reason}; the references serve. Write it anew with this Python: autotune freeze"
        )
    return entry


def _warn_once(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        warn(message, StaleRecord)


def _refused(kernel: Kernel, signature: Signature, frozen: Frozen, lock: Lock, strictest: str | None) -> str | None:
    """Why a frozen decision is not obeyed, or None."""
    from ..store.record import features_used

    if lock.python != PYTHON:
        return f"frozen with {lock.python}, whose sources cannot be compared with those of {PYTHON}"
    known = set(kernel.size.names)
    for feature in sorted(features_used(frozen.decision)):
        if feature.startswith("_") or (known and feature not in known):
            return f"branches on the unknown size {feature}"
    for name in (REFERENCE, *(pick.variant for pick in _picks(frozen.decision))):
        if name != REFERENCE and name not in kernel.variants:
            return f"names {name}, which is not declared"
        then, now = frozen.sources.get(name, "?"), variant_hash(kernel, name)
        if then != now:
            return f"frozen for source {then} of {name}, which is now {now}"
    for pick in _picks(frozen.decision):
        reason = _unfit(kernel, signature, pick, strictest)
        if reason is not None:
            return f"names {pick}, {reason}"
    return None


def _unfit(kernel: Kernel, signature: Signature, pick: Pick, strictest: str | None) -> str | None:
    if candidate_of(kernel, pick) is None:
        return "which is no legal setting"
    if not legal(handling_of(pick)):
        return f"and handles its result as {handling_of(pick)}, which means nothing"
    if pick.variant == REFERENCE:
        return None
    variant = kernel.variants[pick.variant]
    if strictest is not None and NUMERICS.index(variant.numerics) > NUMERICS.index(strictest):
        return f"which is {variant.numerics}, and AUTOTUNE_NUMERICS allows {strictest}"
    try:
        reason = unavailable(variant) or not_covered(kernel, variant, signature)
    except DeclarationError as error:
        reason = f"cannot be judged: {error}"
    return None if reason is None else f"which {reason}"


def _picks(decision: Decision) -> list[Pick]:
    from ..store.record import leaves

    return [pick for leaf in leaves(decision) for pick in (leaf.winner, leaf.single) if pick is not None]


# -- making


def frozen(kernel: Kernel, record: Record, *, threads: bool) -> Frozen | None:
    """The decision of a record as a lock keeps it: as far as it holds for what is declared now.

    Parameters
    ----------
    threads : bool
        Whether winners with threads may stay although their results can depend on the number of cores. Otherwise they
        give way to their runner-up with one thread, unless they are bit for bit the reference's.

    Returns
    -------
    Frozen or None
        None where the reference was edited since.
    """
    from ..store.lockfile import Frozen

    if record.variants.sources.get(REFERENCE) != variant_hash(kernel, REFERENCE):
        return None
    decision = _kept(kernel, record, record.decision, threads=threads)
    names = {REFERENCE, *(pick.variant for pick in _picks(decision))}
    sources = {name: variant_hash(kernel, name) for name in names}
    return Frozen(kernel.id, record.signature, kernel.size.texts(), record.numerics, sources, decision)


def _kept(kernel: Kernel, record: Record, decision: Decision, *, threads: bool) -> Decision:
    """A decision with the reference where nothing else holds; branches whose sides are equal are one."""
    from ..store.record import Leaf, Pick, Split

    if isinstance(decision, Split):
        below = _kept(kernel, record, decision.below, threads=threads)
        above = _kept(kernel, record, decision.above, threads=threads)
        if below == above or (isinstance(below, Split) and (below.feature, below.above) == (decision.feature, above)):
            return below
        if isinstance(above, Split) and (above.feature, above.below) == (decision.feature, below):
            return above
        return Split(decision.feature, decision.at, below, above)
    if not isinstance(decision, Leaf) or compiled_mismatch(kernel, record, decision.winner.variant) is not None:
        return Leaf(Pick(REFERENCE))
    return _leaf(kernel, record, decision, threads=threads)


def _leaf(kernel: Kernel, record: Record, leaf: Leaf, *, threads: bool) -> Leaf:
    from ..store.record import Leaf, Pick

    variant = kernel.variants.get(leaf.winner.variant)
    winner, single = leaf.winner, leaf.single
    if variant is not None and variant.threads:
        if not threads and variant.numerics != "bitwise":
            winner, single = single or Pick(REFERENCE), None
        elif single is None or not _holds(kernel, record, single):
            single = Pick(REFERENCE)
    else:
        single = None
    return Leaf(winner, single) if _holds(kernel, record, winner) else Leaf(Pick(REFERENCE))


def _holds(kernel: Kernel, record: Record, pick: Pick) -> bool:
    if pick.variant != REFERENCE and (
        pick.variant not in kernel.variants
        or condemned.reason_against(kernel.variants[pick.variant]) is not None
        or record.variants.sources.get(pick.variant) != variant_hash(kernel, pick.variant)
    ):
        return False
    return candidate_of(kernel, pick) is not None and legal(handling_of(pick))
