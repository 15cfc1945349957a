"""Watches calls of a variant that uses threads: slow ones hand over to its single-threaded runner-up for a while.

A busy neighbour can make a variant that uses threads many times slower (MEASUREMENT.md, section 8); nothing but the
time of the calls tells. Reading the clock twice takes as long as dispatching does, so one call in six is clocked;
after a slow one every call is, and three slow calls in eight end it. After a rest the threads get another chance, in
which a single slow call sends them back for twice as long.

Nothing here takes a lock: threads that interfere with each other miscount a call at most. Knows nothing of records, or
of how calls are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from .. import events
from .limits import Limits

#: So many calls are not clocked before one that is. The third slow call is then the eighth call at the latest.
UNCLOCKED = 5
#: So many slow calls among so many end it (DESIGN.md, section 4, "Threads").
SLOW_CALLS, WINDOW = 3, 8
#: The first rest takes a second, or so many times as long as a slow call if that is more: a chance costs two slow calls
#: (one asks for it, one is clocked), which is 3 % of the time. Each further rest is twice as long, up to five minutes.
REST_S, REST_CALLS, LONGEST_REST_S = 1.0, 64, 300.0
#: How often the usable cores are counted; that takes some 50 µs.
CORES_AGAIN_S = 10.0


class Watch:
    """The calls of one variant, for one signature.

    Parameters
    ----------
    what : str
        The kernel, the variant and its runner-up, for the log.
    limits : Limits
        How long a call may take, for the generated code.
    about : mapping
        The same as `what`, as the fields of the event ``demoted``.
    usable_cores : callable
        How many cores this process may use now.
    changed : callable
        Told when the runner-up is to serve from now on.
    now : callable
        The clock of the calls, in seconds.
    """

    __slots__ = ("_changed", "_now", "_rest_s", "_slow", "_told", "_usable_cores", "_watched", "about", "due_s", "left",
                 "limits", "reason", "until_s", "what")  # fmt: skip

    def __init__(
        self,
        what: str,
        limits: Limits,
        *,
        about: Mapping[str, Any],
        usable_cores: Callable[[], int],
        changed: Callable[[], None],
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.what = what
        self.about = about
        self.limits = limits
        #: Calls until the next one that is clocked; the generated code counts it down.
        self.left = UNCLOCKED
        #: Until when the runner-up serves; 0 while the threads do.
        self.until_s = 0.0
        #: Why the runner-up serves.
        self.reason = ""
        self._usable_cores = usable_cores
        self._changed = changed
        self._now = now
        #: Calls that are still looked at one by one, and the slow ones among those so far.
        self._watched = self._slow = 0
        self._rest_s = 0.0
        #: From this moment of the clock on every call that is clocked is told of; before, only a slow one.
        self.due_s = now() + CORES_AGAIN_S
        self._told = False

    @property
    def resting(self) -> bool:
        """Whether the runner-up serves now."""
        return self.until_s > 0.0 and self._now() < self.until_s

    def clocked(self, begun_s: float, took_s: float, slow: bool) -> None:
        """A call was clocked that was slow, or whose time had come: the generated code tells of it."""
        if self.resting:
            self._changed()  # whoever had to be told was busy then
            return
        if self.until_s:
            self.again()
        if self._watched > 0:
            self._watched -= 1
            self._slow += slow
            if self._slow >= SLOW_CALLS:
                self._give_up(took_s)
            elif self._watched > 0:
                self.left = 0
            else:
                self._rest_s = 0.0
                self.count_cores()
        elif slow:
            self._look_closely(WINDOW - 1, slow=1)
        else:
            self.count_cores()

    def count_cores(self) -> None:
        """Let the runner-up serve if one core is left: the affinity or the quota may change while a process runs."""
        self.due_s = self._now() + CORES_AGAIN_S
        if self._usable_cores() < 2:
            self._rest(self.due_s, "one core is usable now")

    def again(self) -> None:
        """Give the threads another chance, if there are cores to run them."""
        self.until_s = 0.0
        self.count_cores()
        if not self.until_s:
            self._look_closely(WINDOW, slow=SLOW_CALLS - 1)

    def soon(self) -> None:
        """Have the cores counted at the next call."""
        self.due_s = 0.0
        self.left = 0

    def _look_closely(self, calls: int, *, slow: int) -> None:
        """Be told of each of the next calls, of which so many have been slow."""
        self._watched, self._slow = calls, slow
        self.due_s = 0.0
        self.left = 0

    def _give_up(self, took_s: float) -> None:
        self._rest_s = min(max(REST_S, REST_CALLS * took_s, 2 * self._rest_s), LONGEST_REST_S)
        reason = f"calls were slow: {SLOW_CALLS} in {WINDOW} took over their limit, the last {took_s:.2g} s"
        self._rest(self._now() + self._rest_s, reason)

    def _rest(self, until_s: float, reason: str) -> None:
        self._watched = self._slow = 0
        self.reason, self.until_s = reason, until_s
        if not self._told:
            self._told = True
            events.log(
                "demoted", "%s until they get another chance: %s", self.what, reason, **self.about, reason=reason
            )
        self._changed()
