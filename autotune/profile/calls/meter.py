"""Looks at the calls of one kernel, for a recorder.

How calls are counted follows the program. Where it makes calls of a microsecond one after the other, they are counted
all alike, in some 40 ns. Otherwise each octave of the size has a counter of its own, in some 100 ns, so that a few long
calls among many short ones are all seen. Knows nothing of files.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ...dispatch import policy, tap
from ...dispatch.dispatcher import Dispatcher
from ...errors import WorkloadWarning, warn
from .counter import Counter
from .facts import Facts, Known, arrays_of, bytes_of
from .part import Kind, Look, Miss

if TYPE_CHECKING:
    from .recorder import Recorder

#: Octaves of the size of an array, which has at most 2^63 elements.
OCTAVES = 65
#: Where calls follow each other in less than this many seconds, on average over so many looks, and those of no octave
#: take this many times as long as those of another, they are counted alike: counting by octave takes some 60 ns more,
#: which is 2 % of that.
DENSE_S = 3e-6
DENSE_LOOKS = 4
UNLIKE = 8
#: They are counted by octave again when they come apart by this factor: something takes time that was not there, and it
#: may be calls that are too few to be looked at. Each time it takes twice as many looks to count them alike once more,
#: because new code takes some milliseconds.
APART = 1.5
#: Where fewer calls come to a look, it is the looks that take the time.
FEW = 256


#: A call that takes this many times as long as others of its counter is not one of them.
OUTLIER = 4


class _Looked:
    """A call that is clocked, or the next one that will be."""

    __slots__ = ("aside_s", "before_s", "counter", "due", "inside_s", "place", "stack", "taken_bytes")

    def __init__(self, counter: Counter, place: int, due: Iterator[None], before_s: float = 0.0) -> None:
        self.counter, self.place, self.due = counter, place, due
        #: What preparing it took.
        self.before_s = before_s
        #: Time of kernels called inside; and time that is not the call's: of looking up, and of looking at those.
        self.inside_s = self.aside_s = 0.0
        self.stack: list[_Looked] = []
        self.taken_bytes = 0


class Meter:
    """The tap of one kernel; see `autotune.dispatch.tap.Tap`."""

    def __init__(self, recorder: Recorder, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher
        self.kernel = dispatcher.kernel.id
        self.module = _importable(dispatcher.kernel.reference.__module__ or "")
        self._recorder = recorder
        self._names = dispatcher.namespace.globals
        self._known = Known(dispatcher)
        self._kinds: dict[tuple[str, str], Kind] = {}
        #: Whether some call could not be looked at, which has been said.
        self._failed = False
        array = tap.octaves_of(dispatcher)
        self._by_octave = bool(array)
        #: Where the array is whose size tells calls apart.
        self._array = next((at for at, p in enumerate(dispatcher.face.parameters) if p.name == array), 0)
        self.counting = tap.BY_OCTAVE if self._by_octave else tap.ALIKE
        self.renew()

    def renew(self) -> None:
        """Begin anew, with nothing counted."""
        self._kinds.clear()
        #: Looks since it was last asked how dense calls are; when that was, and the calls until then.
        self._looks, self._needed = 0, DENSE_LOOKS
        self._last = (time.perf_counter(), 0)
        #: How far apart calls were when it was decided to count them alike.
        self._dense_s = DENSE_S
        #: One for each octave, and one for calls that have none.
        self._counters = [Counter(self._recorder.rng) for _ in range(OCTAVES + 1 if self._by_octave else 1)]
        self._used: list[Counter] = []
        #: Places among the counters, by iterator; and the calls that will be clocked.
        self._places = {id(counter.iterator): place for place, counter in enumerate(self._counters)}
        self._ready: dict[int, _Looked] = {}
        #: Iterators after which nobody has begun to choose the next one.
        self._open = dict.fromkeys(self._places, True)
        self.resume()

    def resume(self) -> None:
        """Count from here on: first of all, or after another recorder has."""
        self._names["_octaves"] = [counter.iterator for counter in self._counters]
        self._names["_calls"] = self._counters[-1].iterator
        now_s = time.perf_counter()
        for counter in self._used:
            counter.since_s = now_s

    @property
    def calls(self) -> int:
        """All calls so far."""
        return sum(counter.calls for counter in self._used)

    def settle(self) -> None:
        """Take calls that no look stands for yet to be like the last that was clocked; who says so has entered."""
        looked = next((counter for counter in self._used if counter.last is not None), None)
        for counter in self._used:
            if looked is not None:
                self._again(counter, counter.untold, counter.last or looked.last)

    def _again(self, counter: Counter, calls: float, last: Look | None) -> None:
        if calls > 0 and last is not None:
            look = last.for_more(calls)
            counter.tell(look)
            self._recorder.note(look)

    # -- the calls, while they are made

    def begin(self, due: Iterator[None], arguments: tuple[object, ...]) -> _Looked | None:
        looked = self._ready.pop(id(due), None)
        if looked is None:
            looked = self._before(due, arguments)
            if looked is None:
                return None
        looked.counter.due()
        looked.taken_bytes = _taken()
        looked.stack = self._recorder.stack
        looked.stack.append(looked)
        return looked

    def _before(self, due: Iterator[None], arguments: tuple[object, ...]) -> _Looked | None:
        """A call that is due and not ready: the one before one that is clocked, or one made while that one is."""
        begun_s = time.perf_counter()
        place = self._places.get(id(due), len(self._counters) - 1)  # it is unknown if another thread was quicker
        counter = self._counters[place]
        if not counter.calls:
            self._used.append(counter)
        if not counter.waits and counter.mean_gap <= 2:  # every call is looked at
            return _Looked(counter, place, due)
        counter.due()
        if not self._chooses(due):
            return None
        if counter.waits:
            counter.make_ready()
            self._guarded(lambda: self._recorder.warmth.touch(arrays_of(arguments)))
            self._install(place, time.perf_counter() - begun_s)
        else:
            counter.wait()
            self._install(place)
        return None

    def _chooses(self, due: Iterator[None]) -> bool:
        """Whether this thread is the one that has calls counted by another iterator now that one has given out.

        Until then nobody takes from it any more, so that no call is lost whatever threads come between.
        """
        return self._open.pop(id(due), False)

    def _install(self, place: int, before_s: float = 0.0) -> None:
        """Have calls counted by a counter's new iterator."""
        counter = self._counters[place]
        self._places.pop(id(self._names["_octaves"][place]), None)
        self._places[id(counter.iterator)] = place
        self._open[id(counter.iterator)] = True
        if not counter.waits:
            self._ready[id(counter.iterator)] = _Looked(counter, place, counter.iterator, before_s)
        self._names["_octaves"][place] = counter.iterator
        if counter is self._counters[-1]:
            self._names["_calls"] = counter.iterator

    def missed(self, took_s: float) -> None:
        stack = self._recorder.stack
        if stack:
            stack[-1].aside_s += took_s
        self._recorder.later(Miss(self.kernel, self.module, took_s))

    def ended(self, looked: _Looked, took_s: float, result: object, arguments: tuple[object, ...]) -> None:
        begun_s = time.perf_counter()
        counter, stack = looked.counter, looked.stack
        while stack and stack.pop() is not looked:
            pass  # a call that nobody saw the end of
        took_s = max(took_s - self._recorder.clock_s - looked.aside_s, 1e-9)
        passed_s = begun_s - counter.since_s if counter.since_s else 0.0
        counter.since_s = begun_s
        weight = counter.untold
        self._guarded(lambda: self._tell(looked, took_s, passed_s, result, arguments))
        counter.learn(took_s, time.perf_counter() - begun_s + looked.before_s)
        if self._chooses(looked.due):
            counter.wait()
            self._install(looked.place)
        self._choose(arguments)
        if stack:
            stack[-1].aside_s += looked.aside_s + looked.before_s + time.perf_counter() - begun_s
            stack[-1].inside_s += weight * took_s

    def _guarded(self, tell: Callable[[], None]) -> None:
        """Tell of a call, if nobody else is telling; arguments may be of any kind, and raise whatever they like."""
        if not self._recorder.enter():
            return
        try:
            tell()
        except Exception as error:  # the variant guard: a call must not fail because it is looked at
            if not self._failed:
                self._failed = True
                said = f"{type(error).__name__}: {error}"
                warn(f"{self.kernel}: a call could not be looked at ({said}); it is only counted", WorkloadWarning)
        finally:
            self._recorder.leave()

    def _tell(
        self, looked: _Looked, took_s: float, passed_s: float, result: object, arguments: tuple[object, ...]
    ) -> None:
        recorder, counter = self._recorder, looked.counter
        if policy.is_tuning():  # it is the tuner that calls, and not the program
            counter.forget()
            return
        facts = self._known.of(arguments)
        kind = self._kind(facts)
        arrays = arrays_of(arguments)
        warm = int(recorder.warmth.warm(arrays)) if counter.last is not None else -1
        recorder.warmth.touch(arrays)
        # A gap cannot have held more time than has passed. If it were to, either a long call stands for many that were
        # short, and it is those before that it stands for; or calls are so short that looking makes them longer.
        most = max(1.0, recorder.threads * passed_s / took_s)
        alike = counter.last is not None and counter.last.size == facts.size and took_s < OUTLIER * counter.call_s
        if alike and counter.untold > most:
            took_s *= most / counter.untold
            most = counter.untold
        self._again(counter, counter.untold - most, counter.last)
        look = Look(
            kind.number, dict(facts.size), took_s, min(counter.untold, most), facts.served,
            inside_s=min(looked.inside_s, took_s),
            allocated_bytes=bytes_of(result, arrays) + max(0, _taken() - looked.taken_bytes),
            argument_bytes=sum(array.nbytes for array in arrays), warm=warm,
            example=self._known.example(arguments) if recorder.ledger.is_new(kind, facts.size) else {},
        )  # fmt: skip
        if look.weight > 0:  # it was not told of already, while it was made
            counter.tell(look)
            recorder.note(look)

    def _kind(self, facts: Facts) -> Kind:
        key = (facts.signature, "" if facts.signature else facts.untuned)
        kind = self._kinds.get(key)
        if kind is None or kind.untuned != facts.untuned:
            kind = self._recorder.kind(self.kernel, self.module, facts.signature, facts.untuned, kind)
            self._kinds[key] = kind
        return kind

    # -- how calls are counted

    def _choose(self, arguments: tuple[object, ...]) -> None:
        """Count calls alike where they are dense, and by octave where they are not, or a new one is seen."""
        if not self._by_octave:
            return
        if self.counting == tap.ALIKE:
            array = arguments[self._array]
            if isinstance(array, np.ndarray) and not self._counters[array.size.bit_length()].calls:
                self._count(tap.BY_OCTAVE)
                return
        self._looks += 1
        now_s, calls = time.perf_counter(), self.calls
        then_s, before = self._last
        enough = self._needed if self.counting == tap.BY_OCTAVE else DENSE_LOOKS
        if self._looks < enough or calls - before < FEW * self._looks:
            return
        self._last, self._looks = (now_s, calls), 0
        apart_s = (now_s - then_s) / (calls - before)
        times = [counter.call_s for counter in self._used if counter.last is not None]
        if self.counting == tap.BY_OCTAVE and apart_s < DENSE_S and max(times) < UNLIKE * min(times):
            self._needed *= 2
            self._dense_s = apart_s
            self._count(tap.ALIKE)
        elif self.counting == tap.ALIKE and apart_s > APART * self._dense_s:
            self._count(tap.BY_OCTAVE)

    def _count(self, counting: str) -> None:
        """Have calls counted in another way from now on."""
        if not self.dispatcher.lock.acquire(blocking=False):
            return
        try:
            if self._recorder.enter():
                self.settle()
                self._recorder.leave()
            self.counting = counting
            self.dispatcher.rebuild()
        finally:
            self.dispatcher.lock.release()
        self._last, self._looks = (time.perf_counter(), self.calls), 0


def _importable(module: str) -> str:
    """The name of a module, or the file of one that has none of its own."""
    if module not in ("__main__", "__mp_main__"):
        return module
    main = sys.modules.get(module)
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file: str | None = getattr(main, "__file__", None)
    return os.path.abspath(file) if file else module


def _taken() -> int:
    """Bytes of workspace that this thread has taken so far."""
    workspace: Any = sys.modules.get("autotune.workspace")
    return 0 if workspace is None else workspace.taken()
