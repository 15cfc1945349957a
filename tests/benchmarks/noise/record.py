"""Records the noise of this machine: ``python -m tests.benchmarks.noise.record``.

A NumPy call of some 30 µs, 20,000 times: once alone, once while a process on every core keeps it busy. Durations are
kept in nanoseconds, as they came.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

CALLS = 20_000
FOLDER = Path(__file__).parent
NAMES = ("calm", "busy")


@contextlib.contextmanager
def neighbours(count: int | None = None) -> Iterator[None]:
    """Processes that never rest: one on every core, or so many."""
    count = (os.cpu_count() or 1) if count is None else count
    started = [subprocess.Popen([sys.executable, "-c", "while True: sum(range(10_000))"]) for _ in range(count)]
    try:
        time.sleep(1)
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def durations() -> np.ndarray:
    """Nanoseconds of each call."""
    x = np.random.default_rng(0).random(30_000)
    out = np.empty_like(x)
    found = np.empty(CALLS, np.int64)
    for _ in range(200):
        np.sqrt(x, out)
    clock = time.perf_counter_ns
    for index in range(CALLS):
        start = clock()
        np.sqrt(x, out)
        found[index] = clock() - start
    return np.minimum(found, np.iinfo(np.int32).max).astype(np.int32)


def load(name: str) -> np.ndarray:
    """A recorded trace, in nanoseconds."""
    with np.load(FOLDER / "traces.npz") as traces:
        return traces[name]


def main() -> None:
    calm = durations()
    with neighbours():
        busy = durations()
    np.savez_compressed(FOLDER / "traces.npz", calm=calm, busy=busy)
    for name, trace in (("calm", calm), ("busy", busy)):
        cuts = np.percentile(trace, [10, 50, 90, 99, 99.9]) / 1e3
        print(f"{name}: " + ", ".join(f"p{p} {v:,.1f} µs" for p, v in zip((10, 50, 90, 99, 99.9), cuts, strict=True))
              + f", max {trace.max() / 1e3:,.0f} µs")  # fmt: skip


if __name__ == "__main__":
    main()
