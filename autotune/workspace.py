"""Scratch memory of kernels: arrays that a thread takes, gives back, and takes again.

>>> scratch = workspace.take((rows, columns), np.float64)
>>> ...  # fill it, use it
>>> workspace.give(scratch)

A large new array costs as much as a pass over it: the system hands out its pages one by one, zeroed, when they are
first touched, and takes them back when the array is freed. Memory from here has been touched already. Each thread has
its own, so that taking and giving need no lock. What is taken and never given back, after an exception for instance,
is freed like any array; it is only not reused. All threads together hold at most `info().cap` bytes; a thread that
gives back more forgets what it has not used for the longest time.

Knows nothing of kernels. An array must not be used after it was given back: never return one from a kernel.
"""

from __future__ import annotations

import math
import threading
import weakref
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Info", "give", "info", "release", "set_cap", "take", "taken"]

# Smaller arrays are new ones: below its mmap threshold, initially 128 KiB, the GNU C library reuses memory by itself.
_SMALL = 128 * 1024
# Two temporaries of the largest arrays that the library calibrates, 10^7 float64, fit.
_CAP = 192 * 1024 * 1024
# Sizes are rounded up to eighths of an octave, so that arrays of about the same size share their memory.
_STEPS = 8


class _Block(np.ndarray[Any, Any]):
    """Memory that was handed out as an array, whose `base` it is."""

    free: bool


class Info(NamedTuple):
    """What `info` tells; of all threads that still run."""

    #: How often `take` found memory to reuse, and how often not; arrays under 128 KiB are not counted.
    hits: int
    misses: int
    #: Bytes kept for reuse, and how many they may be.
    held: int
    cap: int


class _Pool:
    """The free blocks of one thread, the longest unused first."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.hits = self.misses = self.held = self.taken = 0

    def take(self, size: int) -> _Block:
        self.taken += size
        best, least = -1, 2 * size
        for place, block in enumerate(self.blocks):
            if size <= block.size <= least:
                best, least = place, block.size
        if best >= 0:
            self.hits += 1
            return self.remove(best)
        self.misses += 1
        step = 1 << max(0, size.bit_length() - _STEPS.bit_length())
        return _Block((size + step - 1) // step * step, np.uint8)

    def remove(self, place: int) -> _Block:
        block = self.blocks.pop(place)
        self.held -= block.size
        return block

    def give(self, block: _Block) -> None:
        self.blocks.append(block)
        self.held += block.size
        while self.blocks and (self.held if len(_pools) == 1 else info().held) > _cap:
            self.remove(0)

    def clear(self) -> None:
        while self.blocks:
            self.remove(-1)


class _Local(threading.local):
    def __init__(self) -> None:
        self.pool = _Pool()
        with _registering:
            _pools.add(self.pool)


_cap = _CAP
_registering = threading.Lock()
_pools: weakref.WeakSet[_Pool] = weakref.WeakSet()
_local = _Local()


def take(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """An uninitialised array in C order, of memory that this thread gave back before if there is such.

    Parameters
    ----------
    shape : int or tuple of ints
    dtype : dtype_like
        Without objects in it.

    Returns
    -------
    ndarray
        Like that of `numpy.empty`. Hand it to `give` when it is not needed any more.

    Raises
    ------
    TypeError
        For a type with objects: a reference to what was freed long ago must not lie in memory that is handed out.
    """
    kind = np.dtype(dtype)
    if kind.hasobject:
        raise TypeError(f"autotune.workspace.take: dtype {kind} holds Python objects; use numpy.empty for those")
    size = (shape if shape.__class__ is int else math.prod(shape)) * kind.itemsize  # type: ignore[arg-type]
    if size < _SMALL:
        return np.empty(shape, kind)
    block = _local.pool.take(size)
    block.free = False
    return np.ndarray(shape, kind, block)


def give(*arrays: np.ndarray[Any, Any]) -> None:
    """Give arrays back that `take` returned; their memory may be another array's from now on.

    Others, views of such an array among them, are left alone.

    Raises
    ------
    ValueError
        For an array that was given back before.
    """
    for array in arrays:
        block = array.base
        if block.__class__ is not _Block:
            continue  # a small one, which is an array like any other
        if block.free:
            raise ValueError(
                f"autotune.workspace.give: this array of shape {array.shape} was given back before; "
                "its memory may already be another array's. Give each array back once"
            )
        block.free = True
        _local.pool.give(block)


def info() -> Info:
    """How often memory was reused, and how much is held, over all threads."""
    pools = list(_pools)
    hits, misses, held = (sum(getattr(pool, name) for pool in pools) for name in ("hits", "misses", "held"))
    return Info(hits, misses, held, _cap)


def taken() -> int:
    """Bytes that this thread has taken so far, given back or not; arrays under 128 KiB are not counted."""
    return _local.pool.taken


def set_cap(size: int) -> None:
    """Let all threads together hold at most `size` bytes from now on; 0 turns reuse off.

    What other threads hold already is freed when they give something back, or end.
    """
    global _cap
    if size < 0:
        raise ValueError(f"autotune.workspace.set_cap: expected bytes, 0 or more, found {size}")
    _cap = size
    if info().held > size:
        release()


def release() -> None:
    """Free what this thread holds."""
    _local.pool.clear()
