"""Records the calls of this process, and of those that it starts.

A recorder connects itself to every kernel that is called while it is there, adds up what the meters tell, and writes
it down line by line, so that a process that is killed has lost nothing. At the end the parts of all processes are put
together. Knows nothing of the command line.
"""

from __future__ import annotations

import os
import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ... import events
from ...dispatch import guards, tap
from ...dispatch.dispatcher import Dispatcher
from ...errors import WorkloadError, WorkloadWarning, warn
from ...machine.fingerprint import last_level_cache_bytes
from ..workload import FORMAT, SCHEMA, KernelCalls, Workload
from . import parts
from .ledger import Ledger
from .meter import Meter
from .part import Event, Kind, first_line, line
from .process import Process, clock_s
from .warmth import Warmth
from .writer import Writer

#: Tells processes that are started which run they belong to; with a ``+`` at the end it is added to what is recorded.
RUN_VARIABLE = "AUTOTUNE_RECORD_RUN"

#: How long telling of a call may take another thread, which is some microseconds, and a while where the part is written
#: anew.
PATIENCE_S = 1.0

#: What records now, and what did last.
active: Recorder | None = None
latest: Recorder | None = None


class Recorder:
    """One recording of this process.

    Parameters
    ----------
    target : Path or None
        The workload's file; None keeps everything in memory.
    run : str
        Name of the run, which all its processes share.
    anew : bool
        Whether the file is made anew; otherwise the run is added to what is in it.
    """

    def __init__(self, target: Path | None, run: str, *, anew: bool) -> None:
        self.target, self.run, self.anew = target, run, anew
        self.rng = random.Random()  # noqa: S311 - of the system's own entropy
        #: What two looks at the clock take, which is in every time.
        self.clock_s = clock_s()
        self._meters: list[Meter] = []
        self._outer: Recorder | None = None
        self._environ: dict[str, str | None] = {}
        self._begin()

    def _begin(self) -> None:
        """Begin in this process, with nothing seen."""
        self.ledger = Ledger()
        self.warmth = Warmth(last_level_cache_bytes())
        self.over = False
        self._local = threading.local()
        self._lock = threading.Lock()
        self._later: deque[Event] = deque()
        self._kinds: list[Kind] = []
        self._idents: set[int] = set()
        self._process = Process()
        part = None if self.target is None else parts.path_of(self.target, self.run)
        self._writer = None if part is None else Writer(part)
        self._written = self._broken = False

    # -- beginning and end

    def start(self) -> None:
        """Connect to every kernel that has been called, and have those connected that will be."""
        global active, latest
        self._outer, active, latest = active, self, self
        tap.connect = self.connect
        if self.target is not None:
            self._set(tap.VARIABLE, str(self.target))
            self._set(RUN_VARIABLE, self.run if self.anew else f"{self.run}+")
        for dispatcher in guards.listening():
            with dispatcher.lock:
                dispatcher.connect(self.connect(dispatcher))

    def stop(self) -> None:
        """Disconnect, and put what was recorded together.

        Raises
        ------
        WorkloadError
            It cannot be written.
        """
        global active
        if self.over:
            return
        outer, active = self._outer, self._outer
        tap.connect = None if outer is None else outer.connect
        for dispatcher in guards.listening():
            with dispatcher.lock:
                dispatcher.connect(None if outer is None else outer.connect(dispatcher))
        for name, value in self._environ.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        if outer is not None:
            outer.absorb(self)
        self.finish()

    def finish(self) -> None:
        """The process ends, or the recording does: put its part to those of the others.

        Raises
        ------
        WorkloadError
            It cannot be written.
        """
        if self.over:
            return
        with self._holding():
            self.over = True
            self._drain()
        found = self.kernels()
        events.log(
            "recorded", "%d kernels in %s", len(found), self.target or "memory",
            path=None if self.target is None else str(self.target), kernels=len(found),
            calls=sum(kernel.calls for kernel in found),
        )  # fmt: skip
        if self._writer is None or self.target is None:
            return
        if self._written or self._broken:
            now = self._workload(found)
            try:
                self._writer.begin(first_line(now, anew=self.anew, ended=True))
            except OSError as error:
                raise WorkloadError(
                    f"{self.target}: what was recorded could not be written: {error.strerror}; make room, or choose "
                    "another path, and record the program again"
                ) from None
            finally:
                self._writer.close()
        parts.collect(self.target)

    def _set(self, name: str, value: str) -> None:
        self._environ[name] = os.environ.get(name)
        os.environ[name] = value

    def after_fork(self) -> None:
        """In a forked child: its calls are its own."""
        if self._writer is not None:
            self._writer.close()
        self.rng.seed()
        self._begin()
        for meter in self._meters:
            meter.renew()
        if self._outer is not None:
            self._outer.after_fork()

    def connect(self, dispatcher: Dispatcher) -> Meter:
        """The meter of a kernel."""
        known = next((meter for meter in self._meters if meter.dispatcher is dispatcher), None)
        if known is not None:
            known.resume()
            return known
        meter = Meter(self, dispatcher)
        self._meters.append(meter)
        return meter

    def absorb(self, other: Recorder) -> None:
        """Take over what another recorder has recorded in the place of this one."""
        found = other.kernels()
        with self._holding():
            self.ledger.load(found)
            self._rewrite()

    # -- what the meters tell

    @property
    def stack(self) -> list[Any]:
        """The calls of this thread that are being looked at, innermost last."""
        try:
            return self._local.stack  # type: ignore[no-any-return]
        except AttributeError:
            stack = self._local.stack = []
            return stack

    @property
    def threads(self) -> int:
        """Python threads that have called kernels."""
        return max(1, len(self._idents))

    def enter(self) -> bool:
        """Begin to tell of a call; False if another thread, or an interrupted call of this one, is at it."""
        if self.over or not self._lock.acquire(blocking=False):
            return False
        self._idents.add(threading.get_ident())
        return True

    @contextmanager
    def _holding(self) -> Iterator[None]:
        """Keep other threads from telling of calls; in a signal handler it may be this one that was interrupted."""
        mine = self._lock.acquire(timeout=PATIENCE_S)
        try:
            yield
        finally:
            if mine:
                self._lock.release()

    def leave(self) -> None:
        self._drain()
        self._lock.release()

    def later(self, event: Event) -> None:
        """Something has happened; it is taken in when somebody enters."""
        self._later.append(event)

    def note(self, event: Event) -> None:
        """Something has happened; who says so has entered."""
        self._drain()
        self._take(event)

    def kind(self, kernel: str, module: str, signature: str, untuned: str, known: Kind | None) -> Kind:
        """A number for a signature, or the one it has where only the reason has changed; who asks has entered."""
        number = len(self._kinds) if known is None else known.number
        kind = Kind(number, kernel, module, signature, untuned)
        self._kinds[number : number + 1] = [kind]
        self.note(kind)
        return kind

    def _drain(self) -> None:
        while self._later:
            self._take(self._later.popleft())

    def _take(self, event: Event) -> None:
        self.ledger.add(event)
        if self._writer is None or self._broken:
            return
        if not self._written or self._writer.full:
            self._rewrite()
            return
        try:
            self._writer.add(line(event))
        except OSError as error:
            self._give_up(error)

    def _rewrite(self) -> None:
        """Write the part anew, with all that is known, so that lines can follow."""
        if self._writer is None:
            return
        # What no look stands for yet is in the weights of those that follow.
        now = self._workload(self.ledger.kernels())
        try:
            self._writer.begin(first_line(now, self._kinds, anew=self.anew))
            self._written = True
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Go on in memory; at the end the part is tried once more."""
        assert self._writer is not None, "only a writer fails"
        self._broken = True
        warn(
            f"{self._writer.path}: what the program calls cannot be written: {error.strerror}; it is recorded in "
            f"memory, and written to {self.target} at the end if that can be done then",
            WorkloadWarning,
        )

    # -- what is known

    def kernels(self) -> list[KernelCalls]:
        """The kernels, hottest first."""
        with self._holding():
            for meter in self._meters:
                meter.settle()
            return self.ledger.kernels()

    def workload(self) -> Workload:
        """All that was recorded in this process so far."""
        return self._workload(self.kernels())

    def _workload(self, kernels: list[KernelCalls]) -> Workload:
        mode = self._meters[0].dispatcher.open().mode if self._meters else ""
        return Workload(FORMAT, SCHEMA, self._process.run(self.run, mode, self.threads), kernels)


def new_run() -> str:
    """A name that no other run has."""
    return f"{random.SystemRandom().getrandbits(48):012x}"


def _after_fork_in_child() -> None:
    if active is not None:
        active.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
