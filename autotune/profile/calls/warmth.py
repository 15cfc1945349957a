"""Whether the arguments of a call lay in a cache: when was their memory touched last, and how much has been since.

Knows nothing of how calls are looked at; it is told of those that are.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

#: Places in memory that are remembered; a program whose calls touch more of them at once leaves any cache.
MAX_PLACES = 4096


class Warmth:
    """What calls have touched, in the order in which they did.

    Parameters
    ----------
    cache_bytes : int
        Size of the last-level cache.
    """

    def __init__(self, cache_bytes: int) -> None:
        self._cache_bytes = cache_bytes
        self._touched_bytes = 0
        #: Where an array begins -> what had been touched when it was touched last.
        self._places: dict[int, int] = {}

    def warm(self, arrays: Iterable[np.ndarray]) -> bool:
        """Whether most of these arrays had been touched so lately that they are in the cache still."""
        inside = total = 0
        for array in arrays:
            last = self._places.get(array.ctypes.data)
            total += array.nbytes
            if last is not None and self._touched_bytes - last <= self._cache_bytes:
                inside += array.nbytes
        return 2 * inside >= total

    def touch(self, arrays: Iterable[np.ndarray]) -> None:
        """A call has read or written these arrays."""
        if len(self._places) > MAX_PLACES:
            self._places.clear()
        for array in arrays:
            self._places[array.ctypes.data] = self._touched_bytes  # the bytes since then are those after its first
            self._touched_bytes += array.nbytes
