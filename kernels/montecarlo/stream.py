"""The random stream of the Monte-Carlo kernels: SplitMix64, for NumPy and for compiled loops.

The i-th number of a stream, i = 0, 1, …, is ``mix(seed + (i + 1)·γ)``, modulo 2^64: Steele, Lea & Flood 2014, Fast
splittable pseudorandom number generators, OOPSLA, figure 15, which passes BigCrush. γ is 2^64 divided by the golden
ratio, odd; multiples of that stay apart as long as any: streams of seeds that differ by d meet only after some
2^64 / (√5·d) numbers (Knuth, The Art of Computer Programming 3, section 6.4).

Knows nothing of what the numbers are used for.
"""

from operator import index

import numpy as np

from autotune import jitable

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FACTOR_1 = np.uint64(0xBF58476D1CE4E5B9)
_FACTOR_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_1 = np.uint64(30)
_SHIFT_2 = np.uint64(27)
_SHIFT_3 = np.uint64(31)

SEEDS = 1 << 64


def checked_seed(seed):
    """A seed as the generator takes it.

    Raises
    ------
    ValueError
        It is not one of 0, 1, …, 2^64 - 1.
    TypeError
        It is no whole number.
    """
    seed = index(seed)
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed must be at least 0 and below 2**64, found {seed}")
    return np.uint64(seed)


def draws(seed, first, count, step=1):
    """`count` numbers of a stream as an array of uint64: number `first`, and every `step`-th after it."""
    z = np.arange(first + 1, first + 1 + count * step, step, dtype=np.uint64)
    z *= _GAMMA
    z += seed
    z ^= z >> _SHIFT_1
    z *= _FACTOR_1
    z ^= z >> _SHIFT_2
    z *= _FACTOR_2
    z ^= z >> _SHIFT_3
    return z


@jitable(forceinline=True)
def draw(seed, i):
    """Number i of a stream: a loop that calls it for each i vectorises."""
    z = seed + np.uint64(i + 1) * _GAMMA
    z = (z ^ (z >> _SHIFT_1)) * _FACTOR_1
    z = (z ^ (z >> _SHIFT_2)) * _FACTOR_2
    return z ^ (z >> _SHIFT_3)
