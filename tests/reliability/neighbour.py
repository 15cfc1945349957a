"""A tuned kernel whose winner uses threads, while a process on every core keeps it busy.

``python -m tests.reliability.neighbour guarded|bare CALLS`` prints as JSON: the threading layer, median and mean time
of the calls after the eighth over those of the single-threaded runner-up beside the same neighbours, and who
serves in the end.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from autotune import prange, tunable
from autotune.compile.layers import running_layer
from autotune.store.record import Leaf, Pick
from tests.benchmarks.noise.record import neighbours
from tests.records import cell, decide, decide_measured, leaf

TURNS = 8
X = np.random.default_rng(0).random(20_000)


def kernel(name: str):
    @tunable(size={"n": "x.size"}, name=name)
    def waves(x):
        return np.sum(np.sin(x))

    @waves.variant(kind="parallel", jit={"parallel": True})
    def on_threads(x):
        total = 0.0
        for i in prange(x.size):
            total += np.sin(x[i])
        return total

    @waves.variant(kind="vectorized", jit=True)
    def in_a_loop(x):
        total = 0.0
        for i in range(x.size):
            total += np.sin(x[i])
        return total

    return waves


THREADED = Leaf(Pick("on_threads", {}, "float64"), Pick("in_a_loop", {}, "float64"))


def durations(function: Callable[..., object], calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        start = time.perf_counter()
        function(X)
        found.append(time.perf_counter() - start)
    return found


def quiet_s(function: Callable[..., object]) -> float:
    """Seconds of a call on a quiet machine: the best of some blocks, for others may be running."""
    return min(statistics.median(durations(function, 100)) for _ in range(20))


def main(guarded: bool, calls: int) -> dict[str, object]:
    os.environ["AUTOTUNE_MODE"] = "use"
    tuned, single = kernel("tuned"), kernel("single")
    decide(tuned, (X,), THREADED)
    decide(single, (X,), leaf("in_a_loop", boxing="float64"))
    single_s = quiet_s(single)
    if guarded:  # two cores, nearly used to the full, whoever else is running now
        decide_measured(tuned, (X,), THREADED, cell({"n": X.size}, in_a_loop=single_s, on_threads=single_s / 1.8))
    tuned(X)
    found, base = [], []
    with neighbours():
        for _ in range(TURNS):  # in turns, so that both meet the same neighbours
            found += durations(tuned, calls)
            base += durations(single, calls)
    return {
        "layer": running_layer(),
        "ratio": statistics.median(found[8:]) / statistics.median(base),
        "mean_ratio": statistics.mean(found[8:]) / statistics.mean(base),
        "served": tuned.decision(X).variant,
        "single_us": round(single_s * 1e6),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1] == "guarded", int(sys.argv[2]))))
