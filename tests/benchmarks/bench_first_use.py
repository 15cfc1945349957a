"""First use of a stranger's kernel with compiled variants: the wall time of each first call, process by process.

Run as ``python -m tests.benchmarks.bench_first_use``. A plain script, the cells of a real Jupyter kernel, and a
program with a process pool, whose workers tune nothing and use what it found; each three processes in a row on a store
of its own, with the default budget. Every variant must have been tried by the end of the second.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks.timing import report, verdict

PROCESSES = 3

#: The stranger's kernel, and what a process says of its first call.
SOURCE = """
import sys, time
import numpy as np
from autotune import Pow2, prange, tunable

ANY_ORDER = {"reassoc", "contract", "nsz"}

@tunable(size={"n": "x.size"})
def total_variation(x):
    return np.sum(np.abs(np.diff(x)))

@total_variation.variant(kind="scalar", jit=True)
def one_loop(x):
    total = 0.0
    for i in range(1, x.size):
        total += abs(x[i] - x[i - 1])
    return total

@total_variation.variant(kind="vectorized", jit={"fastmath": ANY_ORDER})
def in_any_order(x):
    total = 0.0
    for i in range(1, x.size):
        total += abs(x[i] - x[i - 1])
    return total

@total_variation.variant(kind="blocked", jit={"fastmath": ANY_ORDER}, params={"block": Pow2(512, 8192)})
def in_blocks(x, *, block):
    total = 0.0
    for start in range(1, x.size, block):
        part = x[start - 1 : start + block]
        steps = 0.0
        for i in range(1, part.size):
            steps += abs(part[i] - part[i - 1])
        total += steps
    return total

@total_variation.variant(kind="parallel", jit={"parallel": True})
def threads(x):
    total = 0.0
    for i in prange(1, x.size):
        total += abs(x[i] - x[i - 1])
    return total

def tell(seed):
    x = np.random.default_rng(seed).standard_normal(20_000)
    start = time.perf_counter()
    total_variation(x)
    took_s = time.perf_counter() - start
    record = next(iter(total_variation.__autotune__.dispatcher.entries.values())).record
    untried = sorted(total_variation.variants) if record is None else record.untried
    return {"took_s": took_s, "tuned": total_variation.cache_info().tuned, "untried": untried,
            "variant": total_variation.decision(x).variant}
"""
CALL = """
import json
print(json.dumps([tell(0)]))
"""
POOL = """
if __name__ == "__main__":
    import json, multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = tell(0)
        assert [(one["tuned"], one["variant"]) for one in pool.map(tell, [0])] == [(0, found["variant"])]
        print(json.dumps([found]))
"""


@contextlib.contextmanager
def fresh_store() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder to run in, and an environment with a store of its own in which first use is asked for by name."""
    with tempfile.TemporaryDirectory() as folder:
        asked = {"AUTOTUNE_DB": str(Path(folder) / "store"), "AUTOTUNE_SHIPPED": "0", "AUTOTUNE_MODE": "first-use"}
        yield Path(folder), {**os.environ, **asked}


def in_script(text: str) -> Iterator[dict]:
    """A script, started anew each time."""
    with fresh_store() as (folder, environ):
        file = folder / "analysis.py"
        file.write_text(text)
        for _ in range(PROCESSES):
            done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True, env=environ)
            yield json.loads(done.stdout.splitlines()[-1])[0]


def in_notebook() -> Iterator[dict]:
    """The cells of a notebook, in a kernel started anew each time."""
    with fresh_store() as (folder, environ):
        for _ in range(PROCESSES):
            yield json.loads(_cells((SOURCE, CALL), folder, environ).splitlines()[-1])[0]


def _cells(cells: tuple[str, ...], folder: Path, environ: dict[str, str]) -> str:
    """What cells print in a kernel of their own."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env=environ)
    output: list[str] = []

    def take(message: dict) -> None:
        output.append(message["content"].get("text", "") or "\n".join(message["content"].get("traceback", ())))

    try:
        for cell in cells:
            client.execute_interactive(cell, timeout=120, output_hook=take)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(output)


PLACES: dict[str, Callable[[], Iterator[dict]]] = {
    "plain script": lambda: in_script(SOURCE + CALL),
    "notebook cell": in_notebook,
    "program with a process pool": lambda: in_script(SOURCE + POOL),
}


def main() -> int:
    rows, all_met = [], True
    for place, processes in PLACES.items():
        for number, found in enumerate(processes(), 1):
            met = not found["untried"] if number >= 2 else True
            all_met = all_met and met
            rows.append([
                place, str(number), f"{found['took_s'] * 1e3:,.0f} ms", "tuned" if found["tuned"] else "known",
                found["variant"], ", ".join(found["untried"]) or "–", verdict(met) if number >= 2 else "",
            ])  # fmt: skip
    report(
        "First call of a stranger's kernel (4 compiled variants, default budget of 2 s)",
        ["where", "process", "first call", "", "serves", "untried after it", "all tried by the second"], rows,
    )  # fmt: skip
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main())
