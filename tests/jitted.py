"""Helpers for tests of lazy compilation, in a module of their own as users have them."""

from __future__ import annotations

from autotune import jitable, prange
from tests import jitted_helpers

OFFSET = 2.0


@jitable
def plus(x):
    return x + OFFSET


@jitable
def by_name(x):
    s = 0.0
    for i in range(x.size):
        s += plus(x[i])
    return s


@jitable
def through_module(x):
    s = 0.0
    for i in range(x.size):
        s += jitted_helpers.times(x[i])
    return s


@jitable(parallel=True)
def parallel_sum(x):
    s = 0.0
    for i in prange(x.size):
        s += x[i]
    return s


@jitable(static=("tile",))
def in_tiles(x, tile):
    s = 0.0
    for start in range(0, x.size, tile):
        for i in range(start, min(start + tile, x.size)):
            s += x[i]
    return s


def wrapper(x):
    return by_name(x) + 1
