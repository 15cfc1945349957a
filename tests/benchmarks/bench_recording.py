"""What recording costs a program: calls of a microsecond, of one size and of three in turn, and calls of over 50 µs.

Run as ``python -m tests.benchmarks.bench_recording``. Two kernels that are alike, one recorded and one not, in blocks
that take turns.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import autotune
from autotune import tunable
from tests.benchmarks.timing import Paired, report, verdict
from tests.records import decide, leaf, split

os.environ["AUTOTUNE_MODE"] = "use"
os.environ["AUTOTUNE_SHIPPED"] = "0"
os.environ.pop("AUTOTUNE_RECORD", None)

CALLS = 1_000_000
BLOCK = 5_000
#: Issue 6: a program of 10⁶ calls of a microsecond; calls of over 50 µs.
SHORT_LIMIT, LONG_LIMIT = 0.05, 0.01


def kernel(name: str):
    @tunable(size={"n": "x.size"}, name=name)
    def one(x):
        return x + 1

    @one.variant(kind="vectorized")
    def plain(x):
        return 1 + x

    decide(one, (np.ones(100),), split("n", 50, leaf("reference"), leaf("plain")))
    one(np.ones(100))
    return one


def pairs(name: str, arrays: list[np.ndarray], calls: int, block: int, path: Path) -> tuple[Paired, object]:
    """Blocks of calls of a recorded kernel and of one that is not, in random order, and what was recorded."""
    plain, recorded = kernel(f"{name} plain"), kernel(f"{name} recorded")
    rounds: dict[str, list[float]] = {"plain": [], "recorded": []}
    order = random.Random(0)
    each = list(itertools.islice(itertools.cycle(arrays), block))
    with autotune.recording(path) as recording:
        plain.__autotune__.dispatcher.connect(None)
        for _ in range(calls // block):
            for which in order.sample(sorted(rounds), 2):
                took = _plain(plain, each) if which == "plain" else _recorded(recorded, each)
                rounds[which].append(took / block)
    return Paired(rounds), recording.workload


def _plain(function, arrays) -> float:  # two loops: CPython specialises each for what is called in it
    start = time.perf_counter()
    for x in arrays:
        function(x)
    return time.perf_counter() - start


def _recorded(function, arrays) -> float:
    start = time.perf_counter()
    for x in arrays:
        function(x)
    return time.perf_counter() - start


def main() -> int:
    programs = {
        "10⁶ calls of 100 elements": ([np.ones(100)], CALLS, BLOCK, SHORT_LIMIT),
        "10⁶ calls of 50, 100 and 200 elements": ([np.ones(n) for n in (50, 100, 200)], CALLS, BLOCK, SHORT_LIMIT),
        "20,000 calls of 200,000 elements": ([np.ones(200_000)], 20_000, 50, LONG_LIMIT),
    }
    rows, met = [], True
    with tempfile.TemporaryDirectory() as folder:
        for what, (arrays, calls, block, limit) in programs.items():
            times, workload = pairs(what, arrays, calls, block, Path(folder, "workload.json"))
            ratio, low, high = times.ratio("recorded", "plain")
            (found,) = [kernel for kernel in workload.kernels if kernel.kernel.endswith("recorded")]
            total_s = sum(times.rounds["recorded"]) * block
            met = met and ratio - 1 <= limit and found.calls == calls
            rows.append([
                what, f"{times.median('plain') * 1e6:.2f} µs", f"{ratio - 1:+.1%} ({low - 1:+.1%} … {high - 1:+.1%})",
                f"{limit:.0%}", verdict(ratio - 1 <= limit), f"{found.calls:,}", f"{found.total_s / total_s:.0%}",
            ])  # fmt: skip
    report(
        "A recorded program against one that is not", ["program", "a call", "longer by (95 %)", "limit", "", "recorded",
        "their time"], rows,
    )  # fmt: skip
    same = unchanged()
    report("While nothing is recorded", ["", ""], [["the code of a kernel", "as before" if same else "CHANGED"]])
    return 0 if met and same else 1


def unchanged() -> bool:
    """Whether a kernel has the same code before a recording and after it."""
    one = kernel("off")
    before = one.__code__
    with autotune.recording():
        during = one.__code__
    after = one.__code__
    same = (before.co_code, before.co_consts, before.co_names) == (after.co_code, after.co_consts, after.co_names)
    return same and during.co_code != before.co_code


if __name__ == "__main__":
    sys.exit(main())
