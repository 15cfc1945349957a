"""What a warm call costs over calling the winner directly (DESIGN.md, section 4).

Run as ``python -m tests.benchmarks.bench_dispatch``. Every figure is the median over interleaved rounds of the
difference to the direct call.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autotune import tunable
from autotune.kernel.signature import signature_of
from tests.benchmarks.timing import paired, report, verdict
from tests.records import decide, leaf, split, stays_in_compiled_code

os.environ["AUTOTUNE_MODE"] = "use"
os.environ["AUTOTUNE_SHIPPED"] = "0"

ROUNDS = 101
X = np.ones(100)
A, B = np.ones((8, 8)), np.ones((8, 8))


@tunable(size={"n": "x.size"})
def one(x):
    return x


@one.variant(kind="scalar", jit=True)
def compiled(x):
    return x.size


@tunable(size={"n": "x.size"})
def plain_one(x):
    return x


@plain_one.variant(kind="vectorized", name="plain")
def returns_it(x):
    return x


@tunable(size={"n": "x.size"})
def number(x):
    return np.float64(x.size)


@number.variant(kind="scalar", jit=True)
def size(x):
    return float(x.size)


@tunable(size={"m": "a.shape[0]", "k": "a.shape[1]", "n": "b.shape[1]"})
def two(a, b):
    return a


@two.variant(kind="scalar", jit=True)
def compiled_two(a, b):
    return a.size


@tunable(size={"m": "a.shape[0]", "k": "a.shape[1]", "n": "b.shape[1]"})
def plain_two(a, b):
    return a


@plain_two.variant(kind="vectorized", name="plain")
def returns_first(a, b):
    return a


total = tunable(np.sum, size={"n": "a.size"}, name="total")


@total.variant(kind="scalar", jit=True)
def unrolled(a):
    return 1.0


@dataclass(frozen=True)
class Row:
    """One kind of call."""

    name: str
    tuned: Callable[..., object]
    direct: Callable[..., object]
    arguments: tuple[object, ...]
    budget_ns: float
    aim_ns: float | None = None


def winner(tuned, *arguments):
    """The bare function that serves a call: what the dispatcher calls, without boxing."""
    tuned(*arguments)
    dispatcher = tuned.__autotune__.dispatcher
    signature = signature_of(dispatcher.kernel, dispatcher.kernel.bind(*arguments))
    (target,) = dispatcher.entries[signature.key].loader.loaded()
    return target.function


def covered() -> list[Row]:
    """Calls that a decision covers."""
    three = split("n", 50, leaf("reference"), split("n", 5000, leaf("compiled"), leaf("reference")))
    single = X.astype("f4")
    decide(one, (X,), three)
    decide(one, (single,), three)
    decide(number, (X,), leaf("size", boxing="float64"))
    decide(two, (A, B), split("m*k*n", 9, leaf("reference"), leaf("compiled_two")))
    decide(total, (X,), leaf("unrolled", boxing="float64", finite="number"))
    decide(plain_one, (X,), split("n", 50, leaf("reference"), leaf("plain")))
    decide(plain_two, (A, B), split("m*k*n", 9, leaf("reference"), leaf("plain")))
    unpickled = pickle.loads(pickle.dumps(X))
    return [
        Row("one array, compiled winner", one, winner(one, X), (X,), 100, 60),
        Row("one array, the second of two dtypes", one, winner(one, single), (single,), 100, 60),
        Row("one array, unpickled", one, winner(one, X), (unpickled,), 100),
        Row("one array, the reference wins", one, one.reference, (X[:10],), 100, 60),
        Row("one array, plain winner", plain_one, plain_one.variants["plain"].function, (X,), 100, 60),
        Row("one array, scalar boxed", number, winner(number, X), (X,), 150),
        Row("np.sum's signature, boxed, tested finite", total, winner(total, X), (X,), 150),
        Row("two arrays, three sizes, compiled winner", two, winner(two, A, B), (A, B), 200, 120),
        Row("two arrays, three sizes, plain winner", plain_two, plain_two.variants["plain"].function, (A, B), 200, 120),
    ]


def uncovered() -> list[Row]:
    """Calls that go to the original."""

    def along(x):
        return total(x, axis=0)

    def along_directly(x):
        return np.sum(x, axis=0)

    return [
        Row("not covered: a list", total, np.sum, ([1.0, 2.0],), 400),
        Row("not covered: another axis", along, along_directly, (X,), 400),
        Row("not covered: an int array", total, np.sum, (np.arange(9),), 400),
        Row("not covered: a masked array", total, np.sum, (np.ma.ones(3),), 400),
        Row("not covered: a byte-swapped array", total, np.sum, (np.ones(3, ">f8"),), 400),
        Row("not covered: three dimensions", two, two.reference, (np.ones((2, 2, 2)), B), 400),
    ]


def measure(row: Row) -> tuple[list[str], bool]:
    row.tuned(*row.arguments)
    in_code = not hasattr(row.tuned, "__autotune__") or stays_in_compiled_code(row.tuned, *row.arguments)
    calls = {"tuned": (row.tuned, row.arguments), "direct": (row.direct, row.arguments)}
    found = paired(calls, rounds=ROUNDS)
    extra_ns, direct_ns = found.difference("tuned", "direct") * 1e9, found.median("direct") * 1e9
    aim = "" if row.aim_ns is None else f"{row.aim_ns:.0f} {verdict(extra_ns <= row.aim_ns)}"
    met = extra_ns <= row.budget_ns and in_code
    path = "compiled" if in_code else "slow"
    return [row.name, f"{direct_ns:.0f}", f"{extra_ns:.0f}", f"{row.budget_ns:.0f}", verdict(met), aim, path], met


def main() -> int:
    rows = [measure(row) for row in [*covered(), *uncovered()]]
    header = ["call", "direct ns", "over ns", "budget ns", "", "aim ns", "path"]
    report("Warm dispatch over the direct call, medians of interleaved rounds", header, [row for row, _ in rows])
    return 0 if all(met for _, met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
