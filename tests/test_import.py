"""Importing costs little, and loads nothing heavy."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import kernels

HEAVY = {
    "numba", "llvmlite", "optuna", "diskcache", "cpuinfo", "click", "rich", "scipy", "msgspec", "sqlite3",
    "multiprocessing",
}  # fmt: skip


@pytest.mark.parametrize("statement", ["import autotune", "import kernels", "from kernels import *"])
def test_nothing_heavy_is_loaded(run, statement):
    script = (
        f"import sys, numpy; before = set(sys.modules)\n{statement}\n"
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    loaded = run(script).stdout.split()

    assert not HEAVY & set(loaded)


def test_the_library_loads_a_family_when_one_of_its_kernels_is_asked_for(run):
    script = "import sys, kernels; {}; print(*sorted(n for n in sys.modules if n.startswith('kernels.')), sep='\\n')"

    assert run(script.format("pass")).stdout.split() == []
    loaded = run(script.format("kernels.matmul")).stdout.split()
    assert "kernels.linalg.matmul" in loaded
    assert "kernels.clustering" not in loaded


def test_type_checkers_are_told_of_the_kernels_that_there_are():
    tree = ast.parse(Path(kernels.__file__).read_text())
    told = {
        (node.module.partition(".")[2], alias.asname)
        for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module.startswith("kernels.")
        for alias in node.names
    }  # fmt: skip

    assert told == {(family, name) for family, names in kernels._FAMILIES.items() for name in names}
    assert dir(kernels) == sorted({*vars(kernels), *kernels.__all__})
    with pytest.raises(AttributeError, match="has no attribute 'no_such_kernel'"):
        kernels.no_such_kernel  # noqa: B018


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
    run("import autotune\nfrom kernels import *")

    assert not store_root.exists()
