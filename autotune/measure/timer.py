"""Samples of running time.

A sample is the shortest of a few repeats of a loop that is long enough to be timed; shorter ones are not samples.
Knows nothing of races or records.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

#: A sample lasts at least this long: the clock costs 42 ns and ticks unevenly (MEASUREMENT.md, section 1).
MIN_SAMPLE_S = 20e-6
#: (calls shorter than, repeats): a longer call already averages over the short disturbances that repeats are for.
REPEATS = ((1e-3, 3), (10e-3, 2), (math.inf, 1))
#: A session is contended if the scheduler disturbed more than this share of its blocks …
CONTENDED_SHARE = 0.5
#: … or if it had a processor for less than this share of their time.
QUIET_CPU_SHARE = 0.9


@dataclass
class Sampler:
    """Times one candidate on one set of arguments.

    Parameters
    ----------
    call : list of str
        The call as statements, over the names in `namespace` and the argument names.
    namespace : mapping
        The function and the constants that the call names.
    arguments : mapping
        Arguments by name.
    fresh : callable, optional
        Gives new arguments before each repeat, outside the timed part; for kernels that change their inputs.
    """

    call: list[str]
    namespace: Mapping[str, object]
    arguments: Mapping[str, object]
    fresh: Callable[[], Mapping[str, object]] | None = None
    clock: Callable[[], int] = time.perf_counter_ns
    inner: int = field(default=1, init=False)
    repeats: int = field(default=3, init=False)

    def __post_init__(self) -> None:
        names = [name for name in self.arguments if name.isidentifier()]
        body = "".join(f"        {line}\n" for line in self.call)
        source = (
            f"def loop(_iterations, _clock, {', '.join(names)}):\n"
            f"    _start = _clock()\n    for _ in _iterations:\n{body}    return _clock() - _start\n"
        )
        namespace: dict[str, Any] = dict(self.namespace)
        exec(compile(source, "<timing loop>", "exec"), namespace)  # noqa: S102
        self._loop: Callable[..., int] = namespace["loop"]

    def _run(self, inner: int) -> float:
        arguments = self.fresh() if self.fresh is not None else self.arguments
        return self._loop(itertools.repeat(None, inner), self.clock, *arguments.values()) * 1e-9

    def once(self) -> float:
        """Seconds of a single call, which is also the first."""
        return self._run(1)

    def settle(self) -> float:
        """Choose how many calls make a sample; the seconds a call takes, roughly."""
        seconds = max(self._run(1), 1e-9)
        while self.inner * seconds < MIN_SAMPLE_S:
            self.inner = max(self.inner + 1, math.ceil(MIN_SAMPLE_S / seconds))
            seconds = max(self._run(self.inner) / self.inner, 1e-9)
        self.repeats = next(repeats for limit, repeats in REPEATS if seconds < limit)
        return seconds

    def sample(self, arguments: Mapping[str, object] | None = None) -> float:
        """Seconds a call: the shortest of a few repeats, on the first arguments or others of the same names."""
        self.arguments = self.arguments if arguments is None else arguments
        return max(min(self._run(self.inner) for _ in range(self.repeats)) / self.inner, 1e-9)

    def single(self, arguments: Mapping[str, object]) -> float:
        """Seconds of one call on these arguments."""
        self.arguments = arguments
        return max(self._run(1), 1e-9)


class Disturbances:
    """Tells whether others kept the processors from the measured blocks (MEASUREMENT.md, section 2, step 6)."""

    def __init__(self) -> None:
        self.blocks = 0
        self.disturbed = 0
        self.cpu_s = 0.0
        self.wall_s = 0.0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """One block."""
        switches, cpu_s, wall_s = involuntary_switches(), time.process_time(), time.perf_counter()
        yield
        self.wall_s += time.perf_counter() - wall_s
        self.cpu_s += time.process_time() - cpu_s
        self.blocks += 1
        self.disturbed += involuntary_switches() > switches

    @property
    def contended(self) -> bool:
        """Whether what was measured is to be taken as provisional."""
        return self.disturbed > CONTENDED_SHARE * self.blocks or self.cpu_s < QUIET_CPU_SHARE * self.wall_s


if sys.platform == "linux":
    import resource

    def involuntary_switches() -> int:
        """How often this thread was taken off its processor (0.7 µs a call)."""
        return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw

else:

    def involuntary_switches() -> int:
        """Not told by this system for a thread: nothing ever counts as disturbed."""
        return 0
