"""Ten million calls take no more time and memory each than the first thousand."""

from __future__ import annotations

import gc
import os
import resource
import statistics
import sys
import time

import numpy as np

from autotune import tunable
from tests.records import cell, decide_measured, leaf, split
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

X, SMALL = np.ones(1000), np.ones(10)
#: Calls a block; the figures are medians of blocks.
BLOCK = 20_000
#: What the interpreter itself may keep: blocks of memory of a few bytes, and a page table's worth of the process.
BLOCKS, KIB = 200, 2048
#: Two medians of a tenth of the calls each, of one machine that others use too.
SLOWER = 1.25


def kernel():
    @tunable(size={"n": "x.size"})
    def work(x):
        return x

    @work.variant(kind="parallel", threads=True)
    def threads(x):
        return x

    @work.variant(kind="vectorized")
    def single(x):
        return x

    tree = split("n", 100, leaf("single"), leaf("threads", single="single"))
    decide_measured(work, (X,), tree, cell({"n": X.size}, threads=1.0, single=2.0))
    work(X)
    work(SMALL)
    return work


def kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def grown(work, calls: int) -> tuple[int, int, int, float]:
    """Growth of allocated blocks, of the function's globals and of the process in KiB, and how much slower it got."""
    times = []
    for _ in range(2):  # what is made once is made
        _block(work)
    gc.collect()
    before = (sys.getallocatedblocks(), len(work.__globals__), kib())
    for _ in range(max(10, calls // BLOCK)):
        times.append(_block(work))
    tenth = max(3, len(times) // 10)
    slower = statistics.median(times[-tenth:]) / statistics.median(times[:tenth])
    times.clear()
    gc.collect()
    after = (sys.getallocatedblocks(), len(work.__globals__), kib())
    return (*(b - a for a, b in zip(before, after, strict=True)), slower)


def _block(work) -> float:
    start = time.perf_counter()
    for _ in range(BLOCK // 2):
        work(X)
        work(SMALL)
    return time.perf_counter() - start


@row("calls in a row: growth of time and memory", tries=10_000_000)
def growth(tries: int) -> Outcome:
    with own_store():
        os.environ["AUTOTUNE_MODE"] = "use"
        blocks, names, more_kib, slower = grown(kernel(), tries)
    faults = (blocks > BLOCKS) + (names > 0) + (more_kib > KIB) + (slower > SLOWER)
    note = f"{blocks} blocks, {names} names and {more_kib} KiB more, {slower:.2f} × the time a call"
    return Outcome(tries, faults=int(faults), note=note)


def test_calls_leave_nothing_behind(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")

    blocks, names, _, _ = grown(kernel(), 20 * BLOCK)

    assert blocks < BLOCKS
    assert names == 0


def test_demotions_and_chances_leave_nothing_behind(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    work = kernel()
    (entry,) = work.__autotune__.dispatcher.entries.values()
    (watch,) = entry.loader.watches.values()

    def demoted_and_promoted():
        watch.count_cores()
        watch._rest(watch._now() + 60.0, "said the test")
        assert work.decision(X).variant == "single"
        work(X)
        watch.until_s = watch._now()
        work.__autotune__.dispatcher.rebuild()
        work(X)
        assert work.decision(X).variant == "threads"

    for _ in range(250):  # what the interpreter keeps for the next time is there
        demoted_and_promoted()
    gc.collect()
    names, blocks = len(work.__globals__), sys.getallocatedblocks()
    for _ in range(250):
        demoted_and_promoted()
    gc.collect()

    assert len(work.__globals__) == names
    assert sys.getallocatedblocks() - blocks < BLOCKS
