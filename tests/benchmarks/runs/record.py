"""Records runs of fresh processes: ``python -m tests.benchmarks.runs.record calm|busy [SECONDS]``.

Each run is a process of `autotune.profile.pairs.measuring`, as ``autotune baseline`` starts them, that times every
function of `functions`; kept are the logarithms of their medians in the order of the runs. Calm: nothing else runs.
Busy: a process on every core never rests. Runs are added to those that there are.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from autotune.profile.pairs import benchmarks
from autotune.profile.pairs.side import Side
from tests.benchmarks.noise.record import neighbours
from tests.conftest import ROOT

FILE = Path(__file__).parent / "runs.npz"
NAMES = ("calm", "busy")
SECONDS = 80.0


def load(name: str) -> dict[str, np.ndarray]:
    """Recorded logarithms by function, in the order of the runs."""
    with np.load(FILE) as kept:
        functions = [str(function) for function in kept["functions"]]
        runs = np.concatenate([kept[key] for key in sorted(kept) if key.startswith(name)])
    return {function: runs[:, column] for column, function in enumerate(functions)}


def record(seconds: float) -> tuple[list[str], np.ndarray]:
    """Runs of one series: the functions, and a row for each run."""
    chosen = benchmarks.of_file(str(Path(__file__).with_name("functions.py")), ROOT)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        side = Side("new", ROOT, ROOT, store_root=Path(folder) / "store", scratch=Path(folder))
        side.prepare(Path(folder) / "none", chosen)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = side.run(chosen)
            rows.append([found[one.name].log for one in chosen])
    return [one.name for one in chosen], np.array(rows)


def main(name: str, seconds: float) -> None:
    kept = dict(np.load(FILE)) if FILE.exists() else {}
    with neighbours() if name == "busy" else contextlib.nullcontext():
        functions, rows = record(seconds)
    number = sum(key.startswith(name) for key in kept)
    np.savez_compressed(FILE, **{**kept, "functions": np.array(functions), f"{name}-{number}": rows})
    print(f"{name}: {len(rows)} runs; standard deviation of a run, and of the difference of two in a row:")
    for column, function in enumerate(functions):
        logs = rows[:, column]
        print(f"  {function:20} {np.exp(logs.mean()) * 1e6:8.1f} µs  {logs.std():.2%}  {np.diff(logs).std():.2%}")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS)
