"""A kernel with six candidates, one signature and sizes from 1 to a million, which the benchmarks calibrate."""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable

#: Additions may be reordered; NaN and infinity keep their meaning.
ANY_ORDER = {"reassoc", "contract", "nsz"}


@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 1_000_000), "dtype": Choice("float64")},
)
def rms(x):
    """Root mean square of a 1-D array."""
    return np.sqrt(np.sum(x * x) / max(x.size, 1))


@rms.variant(kind="library", threads=True)
def by_dot(x):
    """BLAS, which takes several threads for long vectors."""
    return np.sqrt(np.dot(x, x) / max(x.size, 1))


@rms.variant(kind="scalar", jit=True)
def single_pass(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return np.sqrt(total / max(x.size, 1))


@rms.variant(kind="vectorized", jit={"fastmath": ANY_ORDER})
def in_any_order(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return np.sqrt(total / max(x.size, 1))


@jitable(parallel=True, fastmath=ANY_ORDER)
def _sums_of_blocks(x, block, sums):
    for b in prange(sums.size):
        part = x[b * block : (b + 1) * block]
        squares = 0.0
        for i in range(part.size):
            squares += part[i] * part[i]
        sums[b] = squares


@rms.variant(kind="parallel", threads=True, params={"block": Choice(8192, 65536)})
def on_all_cores(x, *, block):
    sums = np.empty((x.size + block - 1) // block)
    _sums_of_blocks(x, block, sums)
    return np.sqrt(np.sum(sums) / max(x.size, 1))
