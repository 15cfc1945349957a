"""What watching threads costs a warm call (DESIGN.md, section 4: 130 ns where the winner uses them, nothing elsewhere).

Run as ``python -m tests.benchmarks.bench_guard``. A variant that says it uses threads and does nothing is called
through a decision with measured times, which is watched, and through one without, which is not; the figure is the
median over interleaved rounds of the difference. Where the winner uses no threads the two have the same code.
"""

from __future__ import annotations

import os
import sys

import numpy as np

from autotune import tunable
from tests.benchmarks.timing import paired, report, verdict
from tests.records import cell, decide_measured, leaf, split, stays_in_compiled_code

os.environ["AUTOTUNE_MODE"] = "use"
os.environ["AUTOTUNE_SHIPPED"] = "0"

ROUNDS = 101
BUDGET_NS = 130
X = np.ones(1000)
A, B = np.ones((30, 30)), np.ones((30, 30))
#: Seconds that no call of a variant that does nothing takes.
LONG_S = 1e-3


def one_array(name: str):
    @tunable(size={"n": "x.size"}, name=name)
    def one(x):
        return x

    @one.variant(kind="parallel", threads=True)
    def threads(x):
        return x

    @one.variant(kind="vectorized")
    def single(x):
        return x

    return one


def two_arrays(name: str):
    @tunable(size={"m": "a.shape[0]", "k": "a.shape[1]", "n": "b.shape[1]"}, name=name)
    def two(a, b):
        return a

    @two.variant(kind="parallel", threads=True)
    def threads(a, b):
        return a

    @two.variant(kind="vectorized")
    def single(a, b):
        return a

    return two


def decided(make, arguments, feature, winner, *, watched: bool):
    """A kernel decided for a winner above a threshold, with or without the times that its calls are held against."""
    tuned = make(f"{make.__name__}_{winner}_{'watched' if watched else 'bare'}")
    size = tuned.__autotune__.kernel.size_of(tuned.__autotune__.kernel.bind(*arguments))
    runner_up = "single" if winner == "threads" else None
    times = {"reference": 3 * LONG_S, "threads": LONG_S, "single": 2 * LONG_S}
    tree = split(feature, 50, leaf("reference"), leaf(winner, single=runner_up))
    decide_measured(tuned, arguments, tree, *([cell(size, **times)] if watched else []))
    tuned(*arguments)
    assert stays_in_compiled_code(tuned, *arguments)
    return tuned


def bytecode(tuned) -> tuple[bytes, tuple[str, ...]]:
    return tuned.__code__.co_code, tuned.__code__.co_names


def main() -> int:
    rows, fine = [], True
    for make, arguments, feature in ((one_array, (X,), "n"), (two_arrays, (A, B), "m*k*n")):
        watched = decided(make, arguments, feature, "threads", watched=True)
        bare = decided(make, arguments, feature, "threads", watched=False)
        found = paired({"watched": (watched, arguments), "bare": (bare, arguments)}, rounds=ROUNDS)
        extra_ns = found.difference("watched", "bare") * 1e9
        met = extra_ns <= BUDGET_NS
        rows.append([f"{make.__name__}, the winner uses threads", f"{extra_ns:.0f}", f"{BUDGET_NS}", verdict(met)])
        same = len({bytecode(decided(make, arguments, feature, "single", watched=w)) for w in (True, False)}) == 1
        rows.append([f"{make.__name__}, it uses none", "0 (the same bytecode)" if same else "other code", "0",
                     verdict(same)])  # fmt: skip
        fine = fine and met and same
    report("The demotion guard on a warm call, over the same call without it", ["call", "ns", "budget", ""], rows)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
