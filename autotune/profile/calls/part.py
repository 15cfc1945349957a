"""The schema of a part: the lines that one process of a recorded program writes beside the workload's file.

The first line holds all that was known when it was written, each later one what has happened since; so a process that
is killed leaves everything up to its last call that was looked at. JSON by `msgspec`; a line is a list whose first item
says what it is. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from .. import head
from ..workload import Argument, Workload

#: What the first line says of itself, so that another file is told from a part.
FORMAT = "autotune workload part"
#: Number of this schema; a higher one was written by a newer autotune.
SCHEMA = 1


class Kind(msgspec.Struct, frozen=True, array_like=True, tag="kind"):
    """A signature of a kernel, which later lines name by number; said again where `untuned` has changed."""

    number: int
    kernel: str
    module: str
    signature: str
    untuned: str


class Look(msgspec.Struct, array_like=True, tag="look"):
    """A call that was looked at."""

    kind: int
    size: dict[str, int]
    took_s: float
    #: The call, and those since the last one that was looked at.
    weight: float
    served: str
    #: Of that, the time of kernels that were called inside.
    inside_s: float = 0.0
    allocated_bytes: int = 0
    argument_bytes: int = 0
    #: 1 if the arguments lay in a cache, 0 if not, -1 if it cannot be told.
    warm: int = -1
    example: dict[str, Argument] = {}
    #: Whether it is told once more, for calls that are taken to be like it.
    again: bool = False

    def for_more(self, calls: float) -> Look:
        """The look told once more, for so many calls."""
        return msgspec.structs.replace(self, weight=calls, example={}, again=True)


class Miss(msgspec.Struct, frozen=True, array_like=True, tag="miss"):
    """A call that had to be looked up, which took so long."""

    kernel: str
    module: str
    took_s: float


Event = Kind | Look | Miss


class State(msgspec.Struct, frozen=True):
    """The first line: everything until now."""

    format: str
    schema: int
    workload: Workload
    #: Whether the file is made anew by this run; otherwise the run is added to what is there.
    anew: bool
    #: The signatures that later lines name by number.
    kinds: list[Kind] = []
    #: Whether the process is over, so that nothing follows.
    ended: bool = False


def first_line(workload: Workload, kinds: Sequence[Kind] = (), *, anew: bool, ended: bool = False) -> bytes:
    """A line with everything until now; see `State`."""
    return msgspec.json.encode(State(FORMAT, SCHEMA, workload, anew, list(kinds), ended)) + b"\n"


def line(event: Event) -> bytes:
    return _encoder.encode(event) + b"\n"


def decode_first(text: bytes) -> State:
    """The first line of a part.

    Raises
    ------
    ValueError
        As `head.decode`.
    """
    return head.decode(text, State, format=FORMAT, schema=SCHEMA, otherwise="not a part of a workload")


def decode(text: bytes) -> Event:
    """A later line.

    Raises
    ------
    ValueError
        It is none.
    """
    return _decoder.decode(text)


_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
