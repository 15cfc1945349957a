"""What a dispatcher counts by itself. Knows nothing of recordings, which count more."""

from __future__ import annotations

from typing import NamedTuple


class CacheInfo(NamedTuple):
    """Counts of the slow path; the compiled path holds no counters."""

    #: Slow-path calls that a known decision answered.
    hits: int
    #: Slow-path calls for which nothing was known.
    misses: int
    #: Signatures that are learnt at most.
    maxsize: int
    #: Signatures known.
    currsize: int
    #: Signatures tuned by this process.
    tuned: int
