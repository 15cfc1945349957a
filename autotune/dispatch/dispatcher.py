"""The state behind one tuned function: what has been learnt, and the slow path that learns more.

The public object is a plain function whose code is replaced in one assignment; references to it that others hold see
every new decision. Its globals are private, and names are only added to them. Writers hold one lock; the warm call
touches nothing of this. Knows nothing of measuring: a miss reaches the tuner through one hook.
"""

from __future__ import annotations

import linecache
import sys
import threading
import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import events, settings
from ..compile.handled import Namespace
from ..errors import CompileError, SettingsError, VariantError, VariantWarning, warn
from ..kernel.model import REFERENCE, UNSET, Candidate, Kernel
from ..kernel.signature import DTYPES, NotCovered, Signature, signature_of
from . import codegen, guards, learning, locking, sampling, serve, tap
from .counts import CacheInfo
from .entry import Entry, open_entry
from .face import Face
from .plan import Plan, Target, ToReference, ToVariant
from .routes import compiled_mismatch

if TYPE_CHECKING:
    from ..store.record import Record
    from ..store.store import Found

#: Signatures of one kernel that are learnt; beyond them the reference serves (DESIGN.md, section 1).
MAX_SIGNATURES = 64


class Dispatcher:
    """The slow path of one kernel."""

    def __init__(self, kernel: Kernel, function: FunctionType, names: dict[str, Any]) -> None:
        self.kernel = kernel
        self.face = Face(kernel)
        self.function = function
        self.entries: dict[str, Entry] = {}
        #: Arguments that no variant covers, compiled in: (parameter, type or dtype).
        self.uncovered: list[tuple[str, Any]] = []
        self.disabled: set[str] = set()
        self.found: Found | None = None
        self.settings: settings.Settings | None = None
        #: Says which calls are compared with the reference; None for none.
        self.sampler: sampling.Sampler | None = None
        self.forced: ContextVar[Candidate | None] = ContextVar(f"forced {kernel.id}", default=None)
        self.forcing = 0
        self.hits = self.misses = self.tuned = 0
        self.tuning_now = False
        #: What is told of calls while a program is recorded.
        self.tap: tap.Tap | None = None
        self.lock = threading.RLock()
        self.source = ""
        self.namespace = Namespace(
            names,
            __name__=kernel.reference.__module__,
            _type=type, _callable=callable, _canonical=DTYPES.get, _ndarray=np.ndarray, _unset=UNSET,
            _may_share_memory=np.may_share_memory, _clock=time.monotonic, _reference=kernel.reference,
            _now=time.perf_counter, _enter=guards.turn.enter, _wait=guards.turn.wait, _leave=guards.turn.leave,
            _miss=self.miss, _rescue=self.rescue, _forced=self.forced.get, _call_forced=self.call_forced,
            _sample=self.sample,
        )  # fmt: skip
        self._show(kernel)
        self.connect(tap.tap_of(self))
        guards.listen(self)

    # -- the code

    def compiled(self, counting: str = tap.NOT) -> FunctionType:
        """The code that knows what is known now."""
        emitter = codegen.Emitter(self.kernel, self.face, self._plan(counting), self.namespace)
        self.source = emitter.source()
        filename = f"<autotune {self.kernel.id}>" if not counting else f"<autotune {self.kernel.id}, {counting}>"
        function: FunctionType = self.namespace.define(self.source, emitter.function_name, filename)
        linecache.cache[filename] = (len(self.source), None, self.source.splitlines(keepends=True), filename)
        return function

    def _plan(self, counting: str) -> Plan:
        forced = self.forcing > 0
        if (self.settings is not None and self.settings.mode == "off") or not self.kernel.variants:
            return Plan(closed=True, forced=forced, counting=counting, octaves_of=tap.octaves_of(self))
        routes, closed = [entry.route() for entry in self.entries.values()], self._full and not self.open().locked
        sampled = self.sampler is not None
        return Plan(routes, self.uncovered, closed, forced, sampled, counting, tap.octaves_of(self))

    @property
    def _full(self) -> bool:
        return len(self.entries) >= MAX_SIGNATURES

    def rebuild(self) -> None:
        """Give the public function code that knows what is known now."""
        counting = tap.NOT if self.tap is None else tap.prepare(self, self.tap)
        self.function.__code__ = self.compiled(counting).__code__

    def connect(self, listener: tap.Tap | None) -> None:
        """Tell of calls, or of none."""
        if listener is not self.tap:
            self.tap = listener
            self.rebuild()

    def _show(self, kernel: Kernel) -> None:
        """Give the public function the parameters of a kernel, and code that knows nothing yet."""
        self.face = Face(kernel)
        names, filename = self.namespace.globals, f"<autotune {kernel.id} forward>"
        names.update(_hidden=self.face.hidden, _optional=self.face.optional, _public=self.function)
        names["_forward"] = self.namespace.define(self.face.forwarder, "_forward", filename)
        if self.face.starred:
            names["_unnamed"] = self.namespace.define(self.face.unnamed("_public"), "_unnamed", filename)
        # In this order: old code does not miss the defaults that it has not, new code would miss those it needs.
        self.function.__defaults__, self.function.__kwdefaults__ = self.face.defaults
        self.rebuild()

    # -- the slow path

    def miss(self, *arguments: object) -> Any:
        """A call that the code does not cover yet."""
        values = self.face.values(arguments)
        if sys.is_finalizing():  # nothing can be imported any more
            return self.kernel.call_reference(values)
        begun_s = time.perf_counter()
        target = self.found_target(values)
        if self.tap is not None:
            self.tap.missed(time.perf_counter() - begun_s)
        if not isinstance(target, ToVariant):
            return self.kernel.call_reference(values)
        if self.sampler is not None and self.sampler.due():
            return sampling.check(self, target, values)
        with guards.turn.inside(target, wait=self.open().locked) as entered:
            if not entered:
                return self.kernel.call_reference(values)
            try:
                return serve.as_function(self.kernel, target)(*values.values())
            except Exception as raised:  # the variant guard
                error = raised
        return self.rescue(target, error, *arguments)

    def found_target(self, values: Mapping[str, object]) -> Target:
        """As `target_of`, under the lock; the reference, which is always right, while another thread is tuning."""
        if not self.lock.acquire(blocking=not self.tuning_now):
            return ToReference()
        try:
            return self.target_of(values)
        finally:
            self.lock.release()

    def sample(self, *arguments: object) -> Any:
        """A call that is to be compared with the reference."""
        return sampling.sample(self, arguments)

    def rescue(self, target: ToVariant, error: Exception, *arguments: object) -> Any:
        """A variant raised."""
        return serve.rescue(self, target, error, arguments)

    def call_forced(self, candidate: Candidate, unnamed: object, *arguments: object) -> Any:
        """A call inside ``with kernel.force(…)``."""
        if unnamed and candidate.variant != REFERENCE:
            raise VariantError(f"{self.kernel.id}: the variant {candidate} does not take this call: {unnamed!r:.80}")
        return serve.call_candidate(self.kernel, candidate, self.face.values(arguments))

    def open(self) -> settings.Settings:
        """The settings, read once; wrong ones cost speed, not results."""
        if self.settings is None:
            try:
                self.settings = settings.current()
            except SettingsError as error:
                warn(f"{error}; going on with the references alone", VariantWarning)
                self.settings = settings.Settings(mode="off")
            settings.show_log(self.settings)
            self.sampler = sampling.sampler(self.kernel, self.settings.verify, self.namespace.globals)
        return self.settings

    def target_of(self, values: Mapping[str, object]) -> Target:
        """What serves a call; learns its signature, and tunes it if that is due."""
        if self.open().mode == "off" or not self.kernel.variants:
            self.rebuild()
            return ToReference()
        signature = signature_of(self.kernel, values)
        if isinstance(signature, NotCovered):
            self._learn_uncovered(signature)
            return ToReference()
        entry = self.entry(signature)
        size = self._size(values, entry) if entry is not None else None
        if entry is None or size is None:
            return ToReference()
        return self._decide(entry, size, values)

    def _learn_uncovered(self, seen: NotCovered) -> None:
        """Compile in a test for what was seen, so that the next such call goes straight to the reference."""
        if seen.test is not None and seen.test not in self.uncovered and len(self.uncovered) < MAX_SIGNATURES:
            self.uncovered.append(seen.test)
            self.rebuild()

    def entry(self, signature: Signature) -> Entry | None:
        """What is known of a signature; None beyond the signatures that are learnt."""
        entry = self.entries.get(signature.key)
        locked = locking.keys(self.open(), self.kernel.id)
        if entry is None and (not self._full or signature.key in locked):  # what is locked never hangs on what was seen
            entry = self.entries[signature.key] = self.opened(signature)
            # Others that are recorded for the same types must not be hidden by what serves this one.
            recorded = locked or (self.found.records if self.found is not None else {})
            for other in signature.siblings() if recorded else ():
                if other.key in recorded and other.key not in self.entries and (not self._full or locked):
                    self.entries[other.key] = self.opened(other)
            self.rebuild()
        return entry

    def opened(self, signature: Signature) -> Entry:
        """A new entry, whose guards may change what serves."""
        entry = self._read(signature)
        entry.loader.changed = self.changed
        return entry

    def _read(self, signature: Signature) -> Entry:
        """An entry from the lock file where one is obeyed, else from the store, which is read once."""
        asked = self.open()
        if asked.locked:
            return locking.open_locked(self.kernel, signature, asked, self.disabled)
        if self.found is None:
            self.found = learning.read_store(self)
        return open_entry(self.kernel, signature, self.found, self.disabled, may_tune=asked.mode == "first-use")

    @property
    def numerics(self) -> str:
        """The loosest class that may win: what is set, or what the kernel opts in to where nothing is set."""
        asked = self.open()
        return asked.numerics if asked.numerics_is_explicit else self.kernel.numerics or asked.numerics

    def _size(self, values: Mapping[str, object], entry: Entry) -> dict[str, int] | None:
        try:
            return self.kernel.size_of(values)
        except (IndexError, AttributeError) as error:
            # A matter of the signature (fewer axes than the size speaks of), so it is learnt.
            if entry.record is None and not isinstance(entry.gap, ToReference):
                entry.gap, entry.reason = ToReference(), f"its size cannot be computed: {error}"
                self.rebuild()
        except Exception as error:  # the variant guard: what has no size is not tuned
            said = f"the size of a call raised {type(error).__name__}: {error}"
            events.log("failed", "%s: %s", self.kernel.id, said, kernel=self.kernel.id, reason=said)
        return None

    def _decide(self, entry: Entry, size: dict[str, int], values: Mapping[str, object]) -> Target:
        leaf = entry.leaf(size)
        if leaf is not None and not entry.unfinished(size):
            self.hits += 1
        else:
            self.misses += 1
            learning.tune_if_due(self, entry, values)
            leaf = entry.leaf(size)
        if leaf is None:
            return ToReference()
        if entry.record is not None:
            mismatch = compiled_mismatch(self.kernel, entry.record, entry.loader.choose(leaf)[0].variant)
            if mismatch is not None:
                entry.differs(mismatch, leaf)
                self.rebuild()
                return self._decide(entry, size, values)
        try:
            target = entry.loader.load(leaf)
        except CompileError as error:
            serve.disable(self, entry.loader.choose(leaf)[0].variant, str(error))
            return ToReference()
        self.rebuild()
        return target

    def install(self, signature: Signature, record: Record, source: str) -> None:
        """Use a record from now on."""
        with self.lock:
            entry = self.entries.get(signature.key) or self.opened(signature)
            entry.use(record, source)
            self.entries[signature.key] = entry
            self.rebuild()

    def changed(self) -> None:
        """A guard says that something else is to serve; while another thread changes the code, it will say so again."""
        if self.lock.acquire(blocking=False):
            try:
                self.rebuild()
            finally:
                self.lock.release()

    def info(self) -> CacheInfo:
        return CacheInfo(self.hits, self.misses, MAX_SIGNATURES, len(self.entries), self.tuned)

    def after_fork(self, *, choose_again: bool) -> None:
        """In a forked child: locks of its own and, where threads must not be used any more, other targets."""
        self.lock = threading.RLock()
        self.tuning_now = False
        for entry in self.entries.values():
            for watch in entry.loader.watches.values():
                watch.soon()  # children are often given fewer cores
        if choose_again:
            self.rebuild()

    def clear(self) -> None:
        """Forget everything learnt in this process."""
        with self.lock:
            for known in (self.entries, self.uncovered, self.disabled):
                known.clear()
            self.found = self.settings = self.sampler = None
            locking.forget()
            self.hits = self.misses = self.tuned = 0
            self.rebuild()

    def declare(self, kernel: Kernel) -> None:
        """Take over a kernel with another variant."""
        with self.lock:
            self.kernel = kernel
            self._show(kernel)
            self.clear()
