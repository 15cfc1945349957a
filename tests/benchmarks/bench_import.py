"""What importing costs, and the first call of a new process (issue figures: import, first call).

Run as ``python -m tests.benchmarks.bench_import``. Everything is measured in fresh processes, baseline and ours in
turn, and the medians are printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.timing import report, verdict

ROUNDS = 15
ROOT = Path(__file__).resolve().parents[2]

IMPORTS = """
import time, sys, json
start = time.perf_counter()
import numpy
between = time.perf_counter()
STATEMENT
done = time.perf_counter()
heavy = [name for name in ("numba", "optuna", "diskcache", "cpuinfo", "click", "rich", "scipy") if name in sys.modules]
print(json.dumps({"numpy": between - start, "kernels": done - between, "heavy": heavy}))
"""

#: A kernel whose decision is made by hand: {winner} serves.
FIRST_CALL = """
import json, sys, time
import numpy as np
sys.path.insert(0, ROOT)
from autotune import tunable

@tunable(size={"n": "x.size"})
def total(x):
    return np.sum(x)

@total.variant(kind="vectorized")
def reduced(x):
    return np.add.reduce(x)

@total.variant(kind="scalar", jit=True)
def loop(x):
    s = 0.0
    for i in range(x.size):
        s += x[i]
    return s

@total.variant(kind="parallel", jit={"parallel": True})
def threads(x):
    from_zero = 0.0
    for i in prange(x.size):
        from_zero += x[i]
    return from_zero

from autotune import prange
x = np.ones(1000)
if len(sys.argv) > 1:
    from tests.records import leaf, record
    from autotune.store import store
    boxing = None if sys.argv[1] == "reduced" else "float64"
    assert store.save(record(total, (x,), leaf(sys.argv[1], boxing=boxing)))
    sys.exit()
before = time.perf_counter()
if IMPORT_NUMBA:
    import numba
imported = time.perf_counter()
total(x)
done = time.perf_counter()
print(json.dumps({
    "numba": imported - before, "call": done - imported, "loaded": "numba" in sys.modules,
    "variant": total.decision(x).variant,
}))
"""


def child(source: str, *arguments: str, **environ: str) -> dict:
    """Run a program in a fresh process; with bytecode on disk, as every installed package has it."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**inherited, "AUTOTUNE_SHIPPED": "0", **environ},
    )  # fmt: skip
    return json.loads(done.stdout) if done.stdout else {}


def imports(statement: str) -> tuple[list[str], bool]:
    source = IMPORTS.replace("STATEMENT", statement)
    child(source)
    runs = [child(source) for _ in range(ROUNDS)]
    extra_ms = statistics.median(run["kernels"] for run in runs) * 1e3
    heavy = sorted({name for run in runs for name in run["heavy"]})
    met = extra_ms < 30 and not heavy
    return [f"{statement}, over import numpy", f"{extra_ms:.1f} ms", "30 ms", verdict(met),
            f"loaded: {', '.join(heavy) or 'nothing heavy'}"], met  # fmt: skip


def first_call(winner: str, limit_ms: float, *, numba: bool) -> tuple[list[str], bool]:
    source = FIRST_CALL.replace("ROOT", repr(str(ROOT))).replace("IMPORT_NUMBA", str(numba))
    with tempfile.TemporaryDirectory() as folder:
        environ = {"AUTOTUNE_DB": folder, "AUTOTUNE_MODE": "use"}
        child(source, winner, **environ)
        child(source, **environ)  # fills the code cache
        runs = [child(source, **environ) for _ in range(ROUNDS)]
    assert {run["variant"] for run in runs} == {winner}
    call_ms = statistics.median(run["call"] for run in runs) * 1e3
    met = call_ms < limit_ms and all(run["loaded"] is numba for run in runs)
    beyond = ", beyond import numba" if numba else ""
    return [f"first call of a process, winner {winner}{beyond}", f"{call_ms:.1f} ms", f"{limit_ms:.0f} ms",
            verdict(met), "Numba loaded" if numba else "Numba not loaded"], met  # fmt: skip


def main() -> int:
    rows = [
        imports("import kernels"),
        imports("from kernels import median"),
        first_call("reduced", 25, numba=False),
        first_call("loop", 450, numba=True),
        first_call("threads", 450, numba=True),
    ]
    report(f"New processes, medians of {ROUNDS}", ["what", "took", "limit", "", ""], [row for row, _ in rows])
    return 0 if all(met for _, met in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
