"""Programs whose winner is a parallel kernel, for tests of threading layers: each runs in a process of its own.

``python -m tests.reliability.threads PROGRAM`` prints what it found as JSON; the layer is chosen by the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from autotune import prange, tunable
from autotune.compile.layers import running_layer
from autotune.store.record import Leaf, Pick
from tests.records import cell, decide_measured

X = np.random.default_rng(0).random(50_000)
RIGHT = float(np.sum(np.sqrt(X)))
THREADS = 8


def kernel(name: str):
    @tunable(size={"n": "x.size"}, name=name)
    def roots(x):
        return np.sum(np.sqrt(x))

    @roots.variant(kind="parallel", jit={"parallel": True})
    def on_threads(x):
        total = 0.0
        for i in prange(x.size):
            total += np.sqrt(x[i])
        return total

    @roots.variant(kind="vectorized", jit=True)
    def in_a_loop(x):
        total = 0.0
        for i in range(x.size):
            total += np.sqrt(x[i])
        return total

    @roots.variant(kind="library")
    def from_numpy(x):
        return np.sqrt(x).sum()

    return roots


def decided(name: str):
    """A kernel that uses threads, and is watched with so much patience that nothing is ever slow."""
    tuned = kernel(name)
    tree = Leaf(Pick("on_threads", {}, "float64"), Pick("in_a_loop", {}, "float64"))
    decide_measured(tuned, (X,), tree, cell({"n": X.size}, on_threads=1000.0))
    return tuned


def is_right(result: object) -> bool:
    return type(result) is np.float64 and abs(float(result) - RIGHT) < 1e-9 * RIGHT


def many_threads(seconds: float = 1.0) -> dict[str, object]:
    """Threads call two parallel kernels at once, through every door: the function itself, its first calls, `call`."""
    first, second = decided("first"), decided("second")
    wrong, calls = [], [0] * THREADS
    start = threading.Barrier(THREADS)

    def work(number: int) -> None:
        doors: list[Callable[[np.ndarray], object]] = [first, second, lambda x: second.call("on_threads", x)]
        start.wait()
        end = float("inf")
        while time.perf_counter() < end:
            if calls[number] == len(doors):  # all is compiled
                end = time.perf_counter() + seconds
            result = doors[calls[number] % 3](X)
            calls[number] += 1
            if not is_right(result):
                wrong.append(result)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"layer": running_layer(), "calls": sum(calls), "fewest": min(calls), "wrong": len(wrong)}


def forks(by: str = "main") -> dict[str, object]:
    """The parent runs a parallel kernel and forks; the child calls it, and so does the parent again."""
    tuned = decided("forked")
    right = is_right(tuned(X)) and is_right(tuned(X))
    found: dict[str, object] = {}

    def fork() -> None:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            good = all(is_right(tuned(X)) for _ in range(20))
            os.write(write, json.dumps([good, tuned.decision(X).variant]).encode())
            os._exit(0)
        os.close(write)
        found["status"] = os.waitpid(child, 0)[1]
        found["child"] = os.read(read, 1000).decode()

    if by == "main":
        fork()
    else:
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
    right = right and is_right(tuned(X)) and tuned.decision(X).variant == "on_threads"
    return {"layer": running_layer(), "right": right, **found}


def fewer_cores(how: str) -> dict[str, object]:
    """The process is given fewer cores after it has called the kernel on two."""
    tuned = decided("bound")
    before = [tuned(X), tuned(X)]
    with FEWER[how]():
        (entry,) = tuned.__autotune__.dispatcher.entries.values()
        for watch in entry.loader.watches.values():
            watch.due_s = 0.0  # as ten seconds later
        after = [tuned(X) for _ in range(20)]
        now = tuned.decision(X)
    return {"right": all(map(is_right, before + after)), "served": now.variant, "reason": now.reason}


@contextlib.contextmanager
def affinity() -> Iterator[None]:
    """Bound to one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


@contextlib.contextmanager
def quota() -> Iterator[None]:
    """In a control group that may use half a core; OSError where none can be made."""
    first = Path("/sys/fs/cgroup/cpu")
    mount, file, text = (first, "cpu.cfs_quota_us", "50000") if first.is_dir() else (
        first.parent, "cpu.max", "50000 100000")  # fmt: skip
    group = mount / f"autotune-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / file).write_text(text)
        (group / "cgroup.procs").write_text(str(os.getpid()))
        yield
    finally:
        with contextlib.suppress(OSError):
            (mount / "cgroup.procs").write_text(str(os.getpid()))
        group.rmdir()


FEWER = {"affinity": affinity, "quota": quota}
PROGRAMS: dict[str, Callable[..., dict[str, object]]] = {
    function.__name__: function for function in (many_threads, forks, fewer_cores)
}

if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](*sys.argv[2:])))
