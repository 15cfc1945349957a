"""What a workload says, held against the store: where the time goes, what would be faster, and what is not tuned.

Data only; hottest first. Knows nothing of how it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...kernel.signature import describe_key
from ...machine import fingerprint
from ..workload import Calls, KernelCalls, Run, SignatureCalls, Workload, step_s
from .knowledge import Known
from .possible import possible, ratio, sound

#: Calls that took so many times the median are told apart: first calls load, compile or tune, and machines get busy.
SLOW = 10.0
#: A call that takes so many times what was measured, or so much less, was another kind of call.
UNLIKE = 1.5
#: Share of a call from which on the dispatcher's part of it is worth a word.
LAUNCH_SHARE = 0.1


@dataclass(frozen=True)
class Spot:
    """The calls of one signature at one size."""

    kernel: str
    signature: str
    arguments: str
    size: Mapping[str, int]
    ranges: Mapping[str, tuple[int, int]]
    calls: float
    sampled: int
    total_s: float
    #: Of the time in kernels; calls inside calls are counted once.
    share: float
    median_s: float
    tail_s: float
    #: Calls that took over `SLOW` times the median, and their part of the time.
    slow_calls: float
    slow_s: float
    #: What a call took when it was measured with whoever served it; None where that is not known.
    expected_s: float | None
    #: Candidates with the calls that they served, most first.
    served: Mapping[str, float]
    #: The fastest candidate that the policy lets win at this size, by the record; empty where that is not known.
    best: str
    #: What a call would take with it.
    best_s: float | None
    #: Seconds that it would save; None where it is not known, 0 within what a race cannot tell from noise.
    saving_s: float | None
    #: What a run now would be served by, and how much of the saving that brings.
    now: str
    now_saving_s: float
    #: Why the best is not known, or why no tuned variant served.
    reason: str
    #: What the dispatcher adds to all of them.
    launch_s: float
    allocated_bytes: float
    argument_bytes: float
    warm: float

    @property
    def name(self) -> str:
        return self.kernel.rpartition(":")[2]

    @property
    def server(self) -> str:
        """Who served most of the calls."""
        return next(iter(self.served), "")

    @property
    def as_served(self) -> bool:
        """Whether nothing that is known would be faster than what served."""
        return self.saving_s == 0 or self.best == self.server

    @property
    def tail(self) -> str:
        """What `tail_s` is: of fewer than a hundred calls, the slowest."""
        return "p99" if self.sampled >= 100 else "slowest"

    @property
    def unlike(self) -> bool:
        """Whether a call took much longer, or less, than when it was measured: other data, caches or neighbours."""
        return bool(self.expected_s) and not 1 / UNLIKE < ratio(self.median_s, self.expected_s or 0.0) < UNLIKE

    @property
    def launch_share(self) -> float:
        return ratio(self.launch_s, self.total_s)


@dataclass(frozen=True)
class Part:
    """One kernel of the workload."""

    kernel: str
    module: str
    calls: int
    self_s: float
    total_s: float
    share: float
    misses: int
    #: What looking calls up, tuning and loading took, beside the time of the calls.
    miss_s: float
    #: Sum over its spots, as far as known; and what of it a run now would bring.
    saving_s: float
    now_saving_s: float
    launch_s: float
    slow_s: float
    #: Seconds of calls of which no tuned variant was chosen by measurements.
    untuned_s: float
    #: Why it cannot be explained further; empty for a kernel that is declared.
    gone: str
    spots: tuple[Spot, ...]

    @property
    def name(self) -> str:
        return self.kernel.rpartition(":")[2]


@dataclass(frozen=True)
class Findings:
    """What a workload says."""

    run: Run
    #: Hottest first.
    parts: tuple[Part, ...]
    #: Of all kernels, hottest first.
    spots: tuple[Spot, ...]
    #: Time in kernels, calls inside calls counted once.
    kernel_s: float
    calls: int
    saving_s: float
    now_saving_s: float
    launch_s: float
    slow_s: float
    miss_s: float
    untuned_s: float
    #: Hard fields in which this machine is not the recorded one.
    other_machine: tuple[str, ...]

    @property
    def share_of_wall(self) -> float | None:
        """Of the program's time; None where several threads or processes called, whose times add up beyond it."""
        if self.run.processes != 1 or self.run.threads != 1 or not self.run.wall_s > 0:
            return None
        return min(1.0, ratio(self.kernel_s, self.run.wall_s))


def find(workload: Workload, known: Mapping[str, Known]) -> Findings:
    """The findings of a workload.

    Parameters
    ----------
    workload : Workload
        As recorded.
    known : mapping
        What is known of its kernels, by id.
    """
    all_s = sound(sum(sound(kernel.self_s) for kernel in workload.kernels))
    parts = [_part(kernel, known[kernel.kernel], all_s, workload.run.dispatch_s) for kernel in workload.kernels]
    parts.sort(key=lambda part: -part.self_s)
    spots = sorted((spot for part in parts for spot in part.spots), key=lambda spot: -spot.share)
    return Findings(
        run=workload.run,
        parts=tuple(parts),
        spots=tuple(spots),
        kernel_s=all_s,
        calls=sum(part.calls for part in parts),
        saving_s=min(all_s, sum(part.saving_s for part in parts)),
        now_saving_s=min(all_s, sum(part.now_saving_s for part in parts)),
        launch_s=sound(sum(part.launch_s for part in parts)),
        slow_s=sound(sum(part.slow_s for part in parts)),
        miss_s=sound(sum(part.miss_s for part in parts)),
        untuned_s=sound(sum(part.untuned_s for part in parts)),
        other_machine=tuple(_differences(workload.run.machine)),
    )


def _part(kernel: KernelCalls, known: Known, all_s: float, dispatch_s: float) -> Part:
    own = sound(kernel.self_s)
    within = ratio(own, sound(kernel.total_s))  # the share of a call's time that is not of kernels it calls
    spots = [
        _spot(kernel, signature, calls, known, all_s, within, dispatch_s)
        for signature in kernel.signatures for calls in signature.calls
    ]  # fmt: skip
    spots.sort(key=lambda spot: -spot.share)
    return Part(
        kernel=kernel.kernel,
        module=kernel.module,
        calls=kernel.calls,
        self_s=own,
        total_s=sound(kernel.total_s),
        share=ratio(own, all_s),
        misses=kernel.misses,
        miss_s=sound(kernel.miss_s),
        saving_s=min(own, sum(spot.saving_s or 0.0 for spot in spots)),
        now_saving_s=min(own, sum(spot.now_saving_s for spot in spots)),
        launch_s=sound(sound(dispatch_s) * kernel.calls),
        slow_s=min(own, sum(spot.slow_s * within for spot in spots)),
        untuned_s=sound(sum(spot.total_s * within for spot in spots if spot.reason and spot.saving_s is None)),
        gone=_gone(known),
        spots=tuple(spots),
    )


def _gone(known: Known) -> str:
    if known.kernel is not None:
        return ""
    return "nothing that was imported declares it: it is gone, or in a module of the program's own (--module)"


def _spot(
    kernel: KernelCalls, about: SignatureCalls, calls: Calls, known: Known, all_s: float, within: float,
    dispatch_s: float,
) -> Spot:  # fmt: skip
    served = dict(sorted(calls.served.items(), key=lambda item: -sound(item[1])))
    slow_calls, slow_s = _slow(calls)
    found = possible(about, calls, known, served, sound(calls.total_s) - slow_s)
    return Spot(
        kernel=kernel.kernel,
        signature=about.signature,
        arguments=describe_key(about.signature) if about.signature else "not covered",
        size=calls.size,
        ranges=calls.ranges,
        calls=sound(calls.calls),
        sampled=calls.sampled,
        total_s=sound(calls.total_s),
        share=ratio(sound(calls.total_s) * within, all_s),
        median_s=sound(calls.median_s),
        tail_s=sound(calls.tail_s),
        slow_calls=slow_calls,
        slow_s=slow_s,
        expected_s=found.expected_s,
        served=served,
        best=found.best,
        best_s=found.best_s,
        saving_s=found.saving_s,
        now=found.now,
        now_saving_s=found.now_saving_s,
        reason=found.reason,
        launch_s=sound(sound(dispatch_s) * sound(calls.calls)),
        allocated_bytes=sound(calls.allocated_bytes),
        argument_bytes=sound(calls.argument_bytes),
        warm=sound(calls.warm),
    )


def _slow(calls: Calls) -> tuple[float, float]:
    """Calls that took many times the median, and their time, by the histogram of times."""
    number = seconds = 0.0
    limit_s = SLOW * sound(calls.median_s)
    for step, count in calls.times.items():
        took_s = step_s(step)
        if took_s > limit_s:
            number += sound(count)
            seconds += sound(count) * took_s
    return number, min(sound(seconds), sound(calls.total_s))


def _differences(recorded: Mapping[str, str]) -> list[str]:
    """The hard fields in which the recorded machine is another than this one."""
    here = fingerprint().hard
    return [f"{name} {recorded[name]}, here {now}" for name, now in here.items() if recorded.get(name, now) != now]
