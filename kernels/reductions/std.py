"""The standard deviation of a whole array, drop-in for `numpy.std`."""

import math

import numpy as np

from autotune import Choice, tunable
from kernels.reductions.common import CALIBRATE, CONTIGUOUS, NOT_CONTIGUOUS, ONE, SMALLEST, normal
from kernels.reductions.var import block_moments_of, one_pass_of, two_pass_of

std = tunable(np.std, size={"n": "a.size"}, inputs=normal, calibrate=CALIBRATE)


def _answer(a, ddof, variance):
    """NumPy's scalar for a variance as those of `var` are told, or NumPy's own answer."""
    if variance > 0.0:
        return ONE[a.itemsize] * math.sqrt(variance)
    if -variance >= SMALLEST[a.itemsize] and np.geterr()["under"] == "ignore":
        return ONE[a.itemsize] * math.sqrt(-variance)
    return np.std(a, ddof=ddof)


@std.variant(kind="vectorized", when=CONTIGUOUS)
def two_pass(a, ddof=0):
    """Two loops in float64, no temporary array; reads the input twice, so it fades once that outgrows the caches."""
    if ddof.__class__ is not int:
        return np.std(a, ddof=ddof)
    return _answer(a, ddof, two_pass_of(a, ddof))


@std.variant(kind="vectorized", when=NOT_CONTIGUOUS)
def compact_two_pass(a, ddof=0):
    """Read in memory order, and copied first if there are holes: gains contiguous vectors, costs the copy."""
    if ddof.__class__ is not int:
        return np.std(a, ddof=ddof)
    return _answer(a, ddof, two_pass_of(a.ravel(order="K"), ddof))


@std.variant(kind="blocked", when=CONTIGUOUS, params={"block": Choice(1024, 4096, 16384)})
def one_pass(a, ddof=0, *, block):
    """Moments of blocks that fit into L1, merged: the input is read from memory once; costs a look at np.errstate."""
    if ddof.__class__ is not int:
        return np.std(a, ddof=ddof)
    return _answer(a, ddof, one_pass_of(a, ddof, block))


@std.variant(kind="parallel", when=CONTIGUOUS, params={"block": Choice(4096, 16384, 65536)}, threads=True)
def block_moments(a, ddof=0, *, block):
    """The blocks of `one_pass` on all cores, merged in order: the same bits for any number of threads."""
    if ddof.__class__ is not int:
        return np.std(a, ddof=ddof)
    blocks = (a.size + block - 1) // block
    return _answer(a, ddof, block_moments_of(a, ddof, block, np.empty(blocks), np.empty(blocks)))
