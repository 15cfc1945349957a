"""Importing costs little, and loads nothing heavy."""

from __future__ import annotations

import pytest

HEAVY = {
    "numba", "llvmlite", "optuna", "diskcache", "cpuinfo", "click", "rich", "scipy", "msgspec", "sqlite3",
    "multiprocessing",
}  # fmt: skip


@pytest.mark.parametrize("package", ["autotune", "kernels"])
def test_nothing_heavy_is_loaded(run, package):
    script = (
        f"import sys, numpy; before = set(sys.modules)\nimport {package}\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = run(script).stdout.split()

    assert not HEAVY & set(loaded)


def test_a_process_whose_winners_are_numpy_never_loads_numba(run):
    script = """
import sys
import numpy as np
sys.path.insert(0, ROOT)
from autotune import tunable
from tests.records import decide, leaf, split

@tunable(size={"n": "x.size"})
def total(x):
    return np.sum(x)

@total.variant(kind="scalar", jit=True)
def loop(x):
    s = 0.0
    for i in range(x.size): s += x[i]
    return s

@total.variant(kind="vectorized")
def reduced(x):
    return np.add.reduce(x)

x = np.ones(100)
decide(total, (x,), split("n", 50, leaf("loop"), split("n", 500, leaf("reduced"), leaf("reference"))))
for n in (50, 100, 499, 500, 5000):
    total(np.ones(n))
print("numba" in sys.modules, total.cache_info().misses)
total(np.ones(3))
print("numba" in sys.modules)
""".replace("ROOT", repr(str(__import__("pathlib").Path(__file__).parents[1])))

    assert run(script, AUTOTUNE_MODE="use").stdout.split() == ["False", "0", "True"]


def test_importing_reads_probes_and_compiles_nothing(run, store_root):
    run("import autotune, kernels")

    assert not store_root.exists()
