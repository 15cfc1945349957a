"""Counts calls and chooses those that are looked at, so that looking costs a fixed small share of the calls' time.

A counter hands out an iterator that gives out after a random number of calls; the call at which it does is due, and
those that are clocked stand for all. The gaps are random, so that no rhythm of the program hides a size, and their
mean follows what a look and a call take. Knows nothing of kernels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from operator import length_hint
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .part import Look

#: The share of the calls' time that looking at them may take: at 50 to 150 µs each some 30 looks in a second of calls.
#: With the counting of every call, 40 to 100 ns, it keeps a recorded program of calls of a microsecond within 5 %, and
#: one of calls over 50 µs within 1 % (`python -m tests.benchmarks recording`).
SHARE = 0.003
#: The first calls are all looked at, so that a program of few calls is recorded as it was.
FIRST = 32
#: The times of so many last looks make up the mean that the gaps follow: a program changes what it calls.
MEMORY = 16
#: A look that takes so many times as long as the others counts as this much: it was interrupted, by another process or
#: thread, or it was the first of new code.
INTERRUPTED = 2.0
#: The longest gap, in calls: the time of a call of nothing cannot be told from that of the clock.
LONGEST = 1 << 20


class Counter:
    """Calls that are alike, counted exactly.

    Parameters
    ----------
    rng : Random
        Where the gaps come from.
    """

    __slots__ = ("_look_s", "_looks", "_passing", "_rng", "_seen", "_told", "call_s", "iterator", "last", "since_s",
                 "waits")  # fmt: skip

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        #: Calls before the iterator's, the calls that it lets pass, and the calls that looks stand for.
        self._seen = self._passing = 0
        self._told = 0.0
        self._looks = 0
        #: What a call takes.
        self.call_s = self._look_s = 0.0
        #: The last call that was clocked, and when that was.
        self.last: Look | None = None
        self.since_s = 0.0
        #: Whether the next call that is due is the one before the one that is clocked.
        self.waits = False
        #: Gives out at the next call that is due; none passes until `wait` says so.
        self.iterator: Iterator[None] = itertools.repeat(None, 0)

    @property
    def calls(self) -> int:
        """All calls so far."""
        return self._seen + self._passing - length_hint(self.iterator)

    @property
    def untold(self) -> float:
        """The calls that no look stands for yet."""
        return self.calls - self._told

    def due(self) -> None:
        """A call came that is due; until `wait`, so is every other one."""
        self._seen += self._passing + 1
        self._passing = 0

    def wait(self) -> None:
        """Choose the next call that is clocked.

        If it is not the very next, the call before it is due as well: a call in the midst of others finds its code and
        data in the caches, and one before which much else had to be done does not.
        """
        more = 2 * (self.mean_gap - 2)
        self.waits = more > 0
        self._let_pass(self._rng.randint(0, round(more)) if self.waits else 0)

    def make_ready(self) -> None:
        """The next call is clocked."""
        self.waits = False
        self._let_pass(0)

    def _let_pass(self, calls: int) -> None:
        self._passing = calls
        self.iterator = itertools.repeat(None, calls)

    @property
    def mean_gap(self) -> float:
        """The mean number of calls from one that is clocked to the next."""
        if self._looks < FIRST:
            return 1.0
        return min(max(1.0, self._look_s / (SHARE * self.call_s)), LONGEST)

    def tell(self, look: Look) -> None:
        """A look tells of calls."""
        self._told += look.weight
        self.last = look

    def forget(self) -> None:
        """The calls that no look stands for are nobody's."""
        self._told = self.calls

    def learn(self, call_s: float, look_s: float) -> None:
        """A call took so long, and looking at it so long in addition."""
        self._looks += 1
        share = 1 / min(self._looks, MEMORY)
        if self._looks > MEMORY:
            look_s = min(look_s, INTERRUPTED * self._look_s)
        self.call_s += share * (call_s - self.call_s)
        self._look_s += share * (look_s - self._look_s)
