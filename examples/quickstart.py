"""A kernel of one's own, from the decorator to the explanation.

Run it twice: the first run measures the variants at first use and remembers the winners; the second run knows them.
"""

import logging
import time

import numpy as np

from autotune import Choice, Pow2, jitable, prange, tunable

#: Additions may be reordered; NaN and infinity keep their meaning.
ANY_ORDER = {"reassoc", "contract", "nsz"}


@tunable(size={"n": "x.size"})
def rms(x):
    """Root mean square of a 1-D array."""
    return np.sqrt(np.mean(x * x))


@rms.variant(kind="scalar", jit=True)
def single_pass(x):
    """No temporary array; each addition waits for the one before."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return np.sqrt(total / x.size)


@rms.variant(kind="vectorized", jit={"fastmath": ANY_ORDER})
def in_any_order(x):
    """The same loop in vector registers."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return np.sqrt(total / x.size)


@rms.variant(kind="blocked", jit={"fastmath": ANY_ORDER}, params={"block": Pow2(1024, 16384)})
def in_blocks(x, *, block):
    """Sums of blocks: rounding errors grow with the block, not with the array."""
    total = 0.0
    for start in range(0, x.size, block):
        part = x[start : start + block]
        squares = 0.0
        for i in range(part.size):
            squares += part[i] * part[i]
        total += squares
    return np.sqrt(total / x.size)


@jitable(parallel=True, fastmath=ANY_ORDER)
def _sums_of_blocks(x, block, sums):
    for b in prange(sums.size):
        part = x[b * block : (b + 1) * block]
        squares = 0.0
        for i in range(part.size):
            squares += part[i] * part[i]
        sums[b] = squares


@rms.variant(kind="parallel", threads=True, params={"block": Choice(8192, 32768)})
def on_all_cores(x, *, block):
    """Blocks on all cores, their sums added in order: the same bits whichever thread took which block."""
    sums = np.empty((x.size + block - 1) // block)
    _sums_of_blocks(x, block, sums)
    return np.sqrt(np.sum(sums) / x.size)


def seconds_a_call(function, x):
    """The shortest of a few loops."""
    loops = max(1, 200_000 // x.size)
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(loops):
            function(x)
        best = min(best, time.perf_counter() - start)
    return best / loops


def main():
    logging.basicConfig(format="   [%(message)s]", level=logging.WARNING)
    logging.getLogger("autotune").setLevel(logging.INFO)
    rng = np.random.default_rng(0)
    for n in (100, 10_000, 1_000_000):
        x = rng.standard_normal(n)
        start = time.perf_counter()
        rms(x)
        first_s = time.perf_counter() - start
        plain_s, tuned_s = seconds_a_call(rms.reference, x), seconds_a_call(rms, x)
        chosen = rms.decision(x)
        settings = f"({', '.join(f'{k}={v}' for k, v in chosen.params.items())})" if chosen.params else ""
        print(
            f"n = {n:>9,}: {chosen.variant + settings:24} {plain_s * 1e6:8.1f} µs -> {tuned_s * 1e6:7.1f} µs, "
            f"{plain_s / tuned_s:5.1f} times faster  (first call {first_s:.2f} s, {chosen.source})"
        )
    print(f"\nWhy?\n{rms.explain(x)}")


if __name__ == "__main__":
    main()
