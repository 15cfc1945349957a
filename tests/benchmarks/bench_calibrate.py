"""How long `autotune calibrate` takes on an empty store, and again with nothing changed.

Run as ``python -m tests.benchmarks.bench_calibrate``. Real processes, a store of their own, compilation included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.timing import report, verdict

#: Seconds (issue figures: `calibrate --effort quick` of all kernels on 2 cores, and again).
FIRST_S, AGAIN_S = 240, 3


def calibrate(store: str) -> tuple[float, dict]:
    """Seconds, and what the command said."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "calibrate", "--effort", "quick", "--json"],
        capture_output=True, text=True, check=True, env={**os.environ, "AUTOTUNE_DB": store, "AUTOTUNE_SHIPPED": "0"},
    )  # fmt: skip
    return time.perf_counter() - started, json.loads(done.stdout)


def main() -> int:
    with tempfile.TemporaryDirectory() as store:
        first_s, first = calibrate(store)
        again_s, again = calibrate(store)
    kernels = len({record["kernel"] for record in first["records"]})
    rows = [
        [f"empty store, {kernels} kernels, {first['measured']} signatures", f"{first_s:.1f} s", f"{FIRST_S} s",
         verdict(first_s < FIRST_S)],
        [f"nothing changed, {again['kept']} signatures known", f"{again_s:.1f} s", f"{AGAIN_S} s",
         verdict(again_s < AGAIN_S and again["measured"] == 0)],
    ]  # fmt: skip
    report("autotune calibrate --effort quick", ["what", "took", "limit", ""], rows)
    return 0 if all(row[-1] == "met" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
