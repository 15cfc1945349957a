"""Where arrays lie in memory, and what is in them, while they are timed.

Whether an array begins on a cache line, and which sets of the caches its pages fall into, changes the time of a fast
loop by up to a third, and not the same for every candidate (T. Mytkowicz et al., "Producing wrong data without doing
anything obviously wrong!", ASPLOS 2009). A race at one place would find the winner for that place; so every round takes
another, the same for all candidates; and other data where there are some, because the time of a selection or of an
iteration depends on its luck with them. Knows nothing of candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

import numpy as np

from ..kernel.signature import layout_of
from .arguments import Arguments, map_arrays, total_bytes

#: Rounds before places repeat: the rounds that a race has at least.
MAX_PLACES = 8
#: All places together take at most this much memory, so that making them stays cheap beside the calls.
PLACES_BYTES = 64 << 20
#: An array begins anywhere in a page, on a multiple of what the C allocator guarantees on 64-bit systems.
PAGE_BYTES, ALIGNMENT_BYTES = 4096, 16


def place_count(size_bytes: int) -> int:
    """How many places arguments of this size are given."""
    return max(1, min(MAX_PLACES, PLACES_BYTES // size_bytes if size_bytes else 1))


def places(draws: Sequence[Mapping[str, object]], seed: int) -> Iterator[Arguments]:
    """Arguments at other addresses each time, over and over.

    Parameters
    ----------
    draws : sequence of mapping
        Arguments by name, of one size; their arrays are copied, layouts and arrays passed twice kept.
    seed : int
        Chooses the addresses within a page.
    """
    count = place_count(total_bytes(draws[0]))
    rng = np.random.default_rng(seed)
    made = [map_arrays(draws[i % len(draws)], lambda array: placed(array, rng)) for i in range(count)]
    return cycle(made)


def placed(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy with the same layout class that begins anywhere in a page."""
    layout = layout_of(array)
    if layout == "F" and array.ndim > 1:
        return placed(array.T, rng).T
    spread = layout == "A" and array.ndim > 0
    shape = (*array.shape[:-1], 2 * array.shape[-1] + 1) if spread else array.shape
    if array.dtype.hasobject:
        buffer = np.zeros(shape, array.dtype)
    else:
        size = int(np.prod(shape)) * array.dtype.itemsize
        memory = np.empty(size + 2 * PAGE_BYTES, np.uint8)
        begin = -memory.ctypes.data % PAGE_BYTES
        begin += ALIGNMENT_BYTES * int(rng.integers(PAGE_BYTES // ALIGNMENT_BYTES))
        buffer = memory[begin : begin + size].view(array.dtype).reshape(shape)
    view = buffer[..., 1::2] if spread else buffer
    view[...] = array
    return view
