"""From records to routes: which stored decision applies to a signature, and why others do not.

A record is data from disk: every name in it is resolved against what is declared, and what does not resolve is not
used. Knows nothing of code generation.
"""

from __future__ import annotations

import contextlib
import functools
import keyword
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import CompileError
from ..kernel.boxes import Handling, legal
from ..kernel.invocation import invocation
from ..kernel.model import REFERENCE, REFERENCE_CANDIDATE, Candidate, Kernel, Variant
from ..kernel.signature import Signature
from ..kernel.source import source_hash, stable_text
from ..machine.cores import usable_cores
from ..value import Value
from . import guards
from .limits import limits_of
from .plan import Branch, Resting, Target, ToMiss, ToReference, ToThreads, ToVariant, Tree
from .watch import Watch

if TYPE_CHECKING:
    from ..store.record import Choice, Decision, Leaf, Pick, Record


#: A candidate, with what its results need.
Picked = tuple[Candidate, Handling]
#: Compiled fields that are told and decide nothing: threads are the usable cores, which the machine's fields hold.
INFORMATIVE = ("threads",)
#: Compiled fields that matter only to what uses threads.
OF_THREADS = ("layer", "wait_policy")


def variant_hash(kernel: Kernel, name: str) -> str:
    """Source hash of a variant with all that makes it what it is; of the reference with the declared size."""
    if name == REFERENCE:
        return source_hash(kernel.reference, stable_text(kernel.size.texts()))
    variant = kernel.variants[name]
    options = "" if variant.jit is None else stable_text(variant.jit)
    when = getattr(variant.when, "text", variant.when and "predicate") or ""
    return source_hash(
        variant.function, variant.kind, options, variant.space.describe(), when, variant.numerics, str(variant.threads)
    )


class Rejected(Value):
    """Why a record is not used."""

    reason: str


def check(kernel: Kernel, signature: Signature, record: Record) -> Rejected | None:
    """Whether a record of this machine applies to a signature as declared now.

    Variants that changed since do not spoil it: what of the record rests on them is taken out by `revision.revised`.
    """
    from ..store.record import Split

    if record.signature != signature.key:
        return Rejected(f"recorded for {record.signature}")
    sources = record.variants.sources
    source_of = functools.cache(functools.partial(variant_hash, kernel))  # a variant serves on many leaves
    now = source_of(REFERENCE)
    if sources.get(REFERENCE) != now:
        return Rejected(f"recorded for source {sources.get(REFERENCE, '?')} of the reference, the source is now {now}")
    pending: list[Decision] = [record.decision]
    while pending:
        node = pending.pop()
        if isinstance(node, Split):
            unknown = set(node.feature.split("*")) - set(_size_names(kernel, record))
            if unknown:
                return Rejected(f"branches on the unknown size {unknown.pop()}")
            pending += [node.below, node.above]
        else:
            reason = _check_leaf(kernel, record, node, source_of)
            if reason is not None:
                return Rejected(reason)
    return None


def _size_names(kernel: Kernel, record: Record) -> list[str]:
    names = kernel.size.names or tuple({name for cell in record.cells for name in cell.size})
    return [name for name in names if name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")]


def _check_leaf(kernel: Kernel, record: Record, leaf: Decision, source_of: Callable[[str], str]) -> str | None:
    """Why a leaf cannot have been written for this kernel: such a record is damaged, none of it is used."""
    from ..store.record import Leaf

    if not isinstance(leaf, Leaf):
        return None
    for choice in (leaf.winner, leaf.single):
        if choice is None or choice.variant == REFERENCE:
            continue
        then = record.variants.sources.get(choice.variant)
        now = source_of(choice.variant) if choice.variant in kernel.variants else None
        if then is None or (then == now and candidate_of(kernel, choice) is None):
            return f"names {choice}, which is not declared"
        if not legal(handling_of(choice)):
            return f"handles the result of {choice} as {handling_of(choice)}, which means nothing"
    return None


def candidate_of(kernel: Kernel, choice: Choice) -> Candidate | None:
    """The candidate that a record names, if it is declared and its setting is legal."""
    if choice.variant == REFERENCE:
        return REFERENCE_CANDIDATE if not choice.params else None
    variant = kernel.variants.get(choice.variant)
    config = variant.space.config(choice.params) if variant is not None else None
    return None if config is None else Candidate(choice.variant, config)


def handling_of(pick: Pick) -> Handling:
    return Handling(pick.boxing, pick.finite)


class Loader:
    """Makes trees whose winners are loaded as calls reach them, so that unused ones never load Numba.

    Parameters
    ----------
    kernel, signature
    disabled : set of str
        Variants that are not used any more in this process.
    """

    def __init__(self, kernel: Kernel, signature: Signature, *, disabled: set[str]) -> None:
        self.kernel = kernel
        self.signature = signature
        self.disabled = disabled
        #: Where the times are that calls of variants with threads are held against; without, they are not watched.
        self.record: Record | None = None
        #: Why the winners with threads of this record do not count in this process.
        self.unfit: str | None = None
        #: Told when something else is to serve.
        self.changed: Callable[[], None] = lambda: None
        self.watches: dict[tuple[str, str], Watch] = {}
        self._loaded: dict[Candidate, ToVariant | ToReference] = {}

    def loaded(self) -> list[ToVariant]:
        """Every variant loaded so far."""
        return [target for target in self._loaded.values() if isinstance(target, ToVariant)]

    def use(self, record: Record) -> None:
        """Hold the times of calls against another record."""
        self.record, self.unfit = record, None
        self.watches.clear()

    def target(self, leaf: Leaf) -> Target:
        """What serves a leaf, if it is loaded."""
        chosen = self._if_loaded(self.choose(leaf))
        if leaf.single is None or isinstance(chosen, ToMiss):
            return chosen
        watch = self.watch(leaf)
        if self.why_single(leaf) is not None:
            return chosen if self._for_good() is not None or watch is None else Resting(chosen, watch.until_s)
        if isinstance(chosen, ToReference) or (watch is None and not chosen.alone):
            return chosen
        otherwise = None
        if chosen.alone and self.record is not None:  # what a lock fixes does not hang on who else is calling
            runner_up = self._if_loaded(_picked(self.kernel, leaf.single))
            otherwise = ToReference() if isinstance(runner_up, ToMiss) else runner_up
        return ToThreads(chosen, watch, otherwise)

    def _if_loaded(self, picked: Picked) -> ToVariant | ToReference | ToMiss:
        candidate, _ = picked
        if candidate.variant == REFERENCE or candidate.variant in self.disabled:
            return ToReference()
        return self._loaded.get(candidate, ToMiss())

    def choose(self, leaf: Leaf) -> Picked:
        """The candidate of a leaf, with what its results need: the runner-up where threads must not be used."""
        pick = leaf.winner if leaf.single is None or self.why_single(leaf) is None else leaf.single
        return _picked(self.kernel, pick)

    def why_single(self, leaf: Leaf) -> str | None:
        """Why the runner-up serves a leaf whose winner uses threads; None where the winner does."""
        if leaf.single is None:
            return None
        watch = self.watch(leaf)
        resting = watch.reason if watch is not None and watch.resting else None
        return self._for_good() or resting

    def _for_good(self) -> str | None:
        """Why no winner with threads serves in this process any more."""
        return guards.why_single() or self.unfit

    def watch(self, leaf: Leaf) -> Watch | None:
        """What looks after the calls of a leaf's winner, if it uses threads and the record has times of it."""
        if leaf.single is None or self.record is None:
            return None
        names = (leaf.winner.variant, leaf.single.variant)
        if names not in self.watches:
            limits = limits_of(self.record, *names)
            if limits is None:
                return None
            what = f"{self.kernel.name} ({self.signature}): {leaf.single} serves in place of {names[0]}"
            about = {"kernel": self.kernel.id, "signature": self.signature.key, "variant": str(names[0]),
                     "runner_up": str(leaf.single)}  # fmt: skip
            self.watches[names] = Watch(what, limits, usable_cores=_cores, changed=self.changed, about=about)
        return self.watches[names]

    def load(self, leaf: Leaf) -> ToVariant | ToReference:
        """Load what serves a leaf.

        Raises
        ------
        CompileError
            It does not compile here.
        """
        watch = self.watch(leaf)
        if watch is not None and watch.until_s and not watch.resting:
            watch.again()
        chosen = self._load(self.choose(leaf))
        if leaf.single is not None and isinstance(chosen, ToVariant) and chosen.alone:
            with contextlib.suppress(CompileError):  # then the reference serves in its place
                self._load(_picked(self.kernel, leaf.single))
        return chosen

    def _load(self, picked: Picked) -> ToVariant | ToReference:
        candidate, handling = picked
        if candidate.variant == REFERENCE or candidate.variant in self.disabled:
            return ToReference()
        if candidate not in self._loaded:
            self._loaded[candidate] = load_variant(self.kernel, candidate, self.signature, handling)
        return self._loaded[candidate]

    def tree(self, decision: Decision, gap: Target) -> Tree:
        """The decision with what is loaded by now; `gap` serves sizes that nothing is known of."""
        from ..store.record import Leaf, Split

        if isinstance(decision, Split):
            below, above = self.tree(decision.below, gap), self.tree(decision.above, gap)
            return Branch(decision.feature, int(decision.at), below, above)
        return self.target(decision) if isinstance(decision, Leaf) else gap


def _picked(kernel: Kernel, pick: Pick) -> Picked:
    return candidate_of(kernel, pick) or REFERENCE_CANDIDATE, handling_of(pick)


def _cores() -> int:
    return usable_cores().count


def load_variant(kernel: Kernel, candidate: Candidate, signature: Signature, handling: Handling) -> ToVariant:
    """A target for one candidate, compiled if need be."""
    from ..compile.build import load

    variant = kernel.variants[candidate.variant]
    return ToVariant(
        candidate=candidate,
        function=load(kernel, candidate, signature),
        invocation=invocation(kernel, candidate, signature),
        handling=handling,
        tests_itself=variant.compiled,
        alone=variant.threads and _takes_turns(variant),
    )


def _takes_turns(variant: Variant) -> bool:
    """Whether Numba's threads run a variant under a layer that aborts if two Python threads enter; starts that layer,
    as the call that the variant is loaded for would."""
    from ..compile.layers import started_layer
    from ..compile.lazy import reaches_compiled_code

    return (variant.compiled or reaches_compiled_code(variant.function)) and started_layer() == "workqueue"


class Mismatch(Value):
    """Why a compiled winner may not be used here although the record is of this machine."""

    reason: str
    #: Whether it is a matter of threads alone: what uses none may be used.
    of_threads: bool


def compiled_mismatch(kernel: Kernel, record: Record, name: str) -> Mismatch | None:
    """In what this process differs from the one of a record, as far as it matters to a variant.

    Reads what loads LLVM, so it is asked only when compiled code is about to be loaded anyway.
    """
    from ..compile.lazy import reaches_compiled_code
    from ..machine import compiled_fields

    variant = kernel.variants.get(name)
    if variant is None or not (variant.compiled or reaches_compiled_code(variant.function)):
        return None
    now = compiled_fields()
    for field, then in sorted(record.provenance.compiled.items(), key=lambda item: item[0] in OF_THREADS):
        if field in INFORMATIVE or (field in OF_THREADS and not variant.threads):
            continue
        if now.get(field) != then:
            return Mismatch(f"recorded for {field} {then}, this process has {now.get(field)}", field in OF_THREADS)
    return None
