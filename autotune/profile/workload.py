"""The schema of a workload: what a program called, in one module.

JSON by `msgspec`, readable and diffable, beside `store.record`. Sizes are whole numbers, times are seconds, memory is
bytes. Calls are sampled: what is counted here is estimated from those that were looked at, but the number of calls of
a kernel is exact. Knows nothing of how calls are recorded, or of what is made of them.
"""

from __future__ import annotations

import math

import msgspec

from . import head

#: What the file says of itself, so that another JSON file is told from a workload.
FORMAT = "autotune workload"
#: Number of this schema; a higher one was written by a newer autotune.
SCHEMA = 1
#: Times are told apart by a sixteenth of an octave (4.4 %), less than what two runs of one call differ by
#: (MEASUREMENT.md, section 1).
TIME_STEPS = 16
#: A step that no time reaches: 2^64 ns are 585 years.
MOST_STEP = 64 * TIME_STEPS


class Argument(msgspec.Struct, frozen=True, omit_defaults=True):
    """One argument of a call as an example: enough to make another one like it."""

    #: Shape and dtype of an array; None for anything else.
    shape: list[int] | None = None
    dtype: str = ""
    #: ``C``, ``F``, or ``A`` for anything else.
    layout: str = "C"
    #: The value of a bool, int, float, str or None, and a tuple or list of these as a list.
    value: bool | int | float | str | list[bool | int | float | str | None] | None = None
    #: Type of the value where JSON does not tell it: ``tuple``, and of anything that is none of the above.
    type: str = ""


class Calls(msgspec.Struct, frozen=True, omit_defaults=True):
    """The calls of one signature at one size, or in one bucket of sizes."""

    #: The size, or the most frequent one of the bucket.
    size: dict[str, int]
    #: Estimated number of calls, and how many of them were looked at.
    calls: float
    sampled: int
    #: Estimated time of all of them.
    total_s: float
    #: Median and 99th percentile of a call (the slowest one, where fewer than a hundred were looked at).
    median_s: float
    tail_s: float
    #: Lowest and highest of each size in the bucket; empty where all calls had exactly this size.
    ranges: dict[str, tuple[int, int]] = {}
    #: How long they took: `time_step` -> estimated calls.
    times: dict[int, float] = {}
    #: Who served: candidate as text -> estimated calls.
    served: dict[str, float] = {}
    #: Memory of the result and of what the call took beyond it, in the mean of a call.
    allocated_bytes: float = 0.0
    #: Memory of the arguments, in the mean of a call.
    argument_bytes: float = 0.0
    #: Share of the calls whose arguments had been touched by one of the last calls, so that they lay in a cache.
    warm: float = 0.0
    #: One call of it, by parameter; what is at its default is left out.
    example: dict[str, Argument] = {}


def time_step(took_s: float) -> int:
    """The k of the 2^(k/`TIME_STEPS`) to 2^((k+1)/`TIME_STEPS`) nanoseconds that a time lies between; at least 0."""
    return math.floor(TIME_STEPS * math.log2(max(took_s * 1e9, 1.0)))


def step_s(step: int) -> float:
    """The middle of a step in the logarithm, in seconds."""
    return float(2.0 ** ((min(step, MOST_STEP) + 0.5) / TIME_STEPS)) * 1e-9


class SignatureCalls(msgspec.Struct, frozen=True, omit_defaults=True):
    """The calls of one signature; hottest size first."""

    #: `Signature.key`; empty for calls that no tuned variant may serve, once for each reason.
    signature: str
    calls: list[Calls]
    #: Why the reference served without having been measured: the explained miss, or what is not covered.
    untuned: str = ""


class KernelCalls(msgspec.Struct, frozen=True, omit_defaults=True):
    """The calls of one kernel; hottest signature first."""

    kernel: str
    #: Where it can be imported from: a module, or the path of a file.
    module: str
    #: All calls, counted.
    calls: int
    #: Estimated time of all calls, without that of kernels called inside them.
    self_s: float
    total_s: float
    signatures: list[SignatureCalls]
    #: First calls and calls that had to be looked up, and the time that it took to find, tune, load or compile what
    #: serves them; `total_s` holds none of it.
    misses: int = 0
    miss_s: float = 0.0


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """The program that was recorded, all its processes together."""

    command: list[str]
    #: Seconds since 1970, UTC.
    started_s: float
    #: From the first call of a kernel, or the beginning of the recording, to the end; of several runs, all together.
    wall_s: float
    cpu_s: float = 0.0
    processes: int = 1
    #: Python threads that called kernels, the most in one process.
    threads: int = 1
    exit_code: int | None = None
    peak_bytes: int = 0
    #: Mode in force, usable cores, and the time of one call of a kernel that does nothing beyond the call itself.
    mode: str = ""
    cores: int = 0
    dispatch_s: float = 0.0
    #: Fields of the machine as in a record, and its name.
    machine: dict[str, str] = {}
    label: str = ""
    tool: str = ""
    #: How many runs this is the sum of, and their names, the last ones only; processes of one run share its name.
    runs: int = 1
    ids: list[str] = []
    #: The files of single processes that were added last.
    parts: list[str] = []


class Workload(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a program called; hottest kernel first."""

    format: str
    schema: int
    run: Run
    kernels: list[KernelCalls]


def encode(workload: Workload) -> bytes:
    return msgspec.json.format(msgspec.json.encode(workload), indent=1)


def decode(text: str | bytes) -> Workload:
    """The workload of a JSON text.

    Raises
    ------
    ValueError
        As `head.decode`.
    """
    return head.decode(text, Workload, format=FORMAT, schema=SCHEMA, otherwise="not a workload")
