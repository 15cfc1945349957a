"""Calls on data that no cache holds.

A winner in a warm loop can lose on data that comes from memory: it may prefetch less, or read twice. So the same
arguments lie at many places which together are twice as large as the last-level cache, and every timed call takes the
next one. Knows nothing of candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np

from .arguments import Arguments, map_arrays, total_bytes
from .placement import placed
from .timer import Disturbances, Sampler

#: All places together are at most this large: on a machine with 480 MB of last-level cache, times of cold calls over
#: warm ones are the same with 128 MB as with 960 MB, to a tenth.
MAX_BYTES = 128 << 20
#: Timed calls of a sample, the shortest of which counts.
COLD_REPEATS = 3


def rotation(draws: Sequence[Mapping[str, object]], cache_bytes: int, seed: int) -> Iterator[Arguments]:
    """Arguments at as many places as fill the last-level cache twice, over and over.

    Parameters
    ----------
    draws : sequence of mapping
        Arguments by name, of one size.
    cache_bytes : int
        Of the last-level cache.
    seed : int
        Chooses the addresses within a page.
    """
    rng = np.random.default_rng(seed)
    count = max(2, -(-min(2 * cache_bytes, MAX_BYTES) // max(1, total_bytes(draws[0]))))
    return cycle([map_arrays(draws[i % len(draws)], lambda array: placed(array, rng)) for i in range(count)])


class ColdClock:
    """The race's clock for cold calls.

    Parameters
    ----------
    samplers : mapping
        By candidate; each has been called before.
    places : iterator of Arguments
        As `rotation` gives them.
    """

    def __init__(self, samplers: Mapping[str, Sampler], places: Iterator[Arguments]) -> None:
        self._samplers = samplers
        self._places = places
        self._disturbances = Disturbances()

    def next_round(self) -> None:
        """Nothing: every call has a place of its own."""

    def sample(self, name: str) -> float:
        """Seconds a call."""
        sampler = self._samplers[name]
        with self._disturbances.watch():
            return min(sampler.single(next(self._places)) for _ in range(COLD_REPEATS))

    @property
    def contended(self) -> bool:
        return self._disturbances.contended
