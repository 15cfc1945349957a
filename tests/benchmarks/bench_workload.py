"""Calibrating from a recorded program: how much of a full calibration it gives, and whether it keeps its word.

Run as ``python -m tests.benchmarks.bench_workload [NAME…]``. The work of three example applications is recorded with an
empty store. One store is then calibrated from the recording in 30 s, another in full with the same kernels and dtype.
Fresh processes do the work in rounds of random order: with the references, with the first store and with the second.
Takes some nine minutes; nothing else should run beside it.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.applications import EXAMPLES
from tests.benchmarks.timing import report, verdict

#: Those whose kernels `calibrate` covers as they are called.
NAMES = ("mars", "filter_chain", "gaussian_mixture")
BUDGET_S = 30
ROUNDS = 7
#: Share of the speed-up of a full calibration that is to be reached, and how far the prediction may be off.
LEAST_REACHED, MOST_OFF = 0.95, 0.2


class Stores:
    """A store of its own for each way to calibrate one application."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.program = folder, ["-m", "tests.benchmarks.applications", name]
        self.workload = folder / "workload.json"

    def environ(self, store: str) -> dict[str, str]:
        """For a process that uses a store and tunes nothing; ``off`` for none at all."""
        paths = [str(EXAMPLES), str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")]
        return {
            **os.environ, "AUTOTUNE_DB": str(self.folder / store), "AUTOTUNE_SHIPPED": "0",
            "AUTOTUNE_MODE": "off" if store == "off" else "use", "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }  # fmt: skip

    def autotune(self, store: str, *arguments: str) -> str:
        command = [sys.executable, "-m", "autotune", *arguments]
        done = subprocess.run(command, env=self.environ(store), stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in (0, 1):  # 1: something is left out, which the figures will tell
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
        return done.stdout

    def record(self) -> Any:
        """The workload of a second run: the first reads everything from the disk."""
        self.work_s("recorded")
        self.autotune("recorded", "record", "-o", str(self.workload), *self.program)
        return json.loads(self.workload.read_text())

    def work_s(self, store: str) -> float:
        """Seconds of the work in a fresh process, as it tells them itself."""
        command = [sys.executable, *self.program]
        done = subprocess.run(command, env=self.environ(store), stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout.split()[-2])


def measured(stores: Stores) -> tuple[dict[str, float], float]:
    """The median time of the work with each store, and the median of what the recording saves, paired by round."""
    order, ways = random.Random(0), ["off", "full", "from"]
    rounds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        order.shuffle(ways)
        for way in ways:
            rounds[way].append(stores.work_s(way))
    saved = statistics.median(off - tuned for off, tuned in zip(rounds["off"], rounds["from"], strict=True))
    return {way: statistics.median(seconds) for way, seconds in rounds.items()}, saved


def main(names: list[str]) -> int:
    rows, all_met = [], True
    for name in names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            stores = Stores(Path(folder), name)
            workload = stores.record()
            found = json.loads(
                stores.autotune(
                    "from", "calibrate", "--from", str(stores.workload), "--budget", str(BUDGET_S), "--json"
                )
            )
            kernels = [kernel["kernel"] for kernel in workload["kernels"]]
            full = json.loads(stores.autotune("full", "calibrate", *kernels, "--dtype", "float64", "--json"))
            times_s, saved_s = measured(stores)
        predicted_s = found["total"]["saving_s"]
        reached = times_s["full"] / times_s["from"]
        met = reached >= LEAST_REACHED, abs(predicted_s / saved_s - 1) <= MOST_OFF
        all_met = all_met and all(met)
        rows.append([
            name, f"{times_s['off']:.2f} s", f"{times_s['full']:.2f} s", f"{times_s['from']:.2f} s",
            f"{full['seconds']:.0f} s", f"{found['seconds']:.0f} s", f"{reached:.1%}", verdict(met[0]),
            f"{predicted_s:.2f} s", f"{saved_s:.2f} s", f"{predicted_s / saved_s - 1:+.0%}", verdict(met[1]),
        ])  # fmt: skip
    report(
        f"Work of example applications, medians of {ROUNDS} fresh processes each",
        ["application", "references", "calibrated", "from workload", "took", "took", "of the speed-up",
         f">= {LEAST_REACHED:.0%}", "predicted", "saved", "off by", f"<= {MOST_OFF:.0%}"], rows,
    )  # fmt: skip
    return 0 if all_met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
