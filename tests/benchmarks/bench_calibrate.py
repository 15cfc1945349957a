"""How long `autotune calibrate` of the library takes on an empty store, and again with nothing changed.

Run as ``python -m tests.benchmarks.bench_calibrate [quick|standard]``: both efforts take some twenty minutes. Real
processes, a store of their own, compilation included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

from tests.benchmarks.timing import report, verdict

#: Seconds on two cores, by effort, and those of doing it again.
LIMITS_S = {"quick": 8 * 60, "standard": 15 * 60}
AGAIN_S = 3


def calibrate(store: str, effort: str) -> tuple[float, dict]:
    """Seconds, and what the command said."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "calibrate", "--effort", effort, "--json"],
        capture_output=True, text=True, check=True, env={**os.environ, "AUTOTUNE_DB": store, "AUTOTUNE_SHIPPED": "0"},
    )  # fmt: skip
    return time.perf_counter() - started, json.loads(done.stdout)


def measure(effort: str) -> list[list[str]]:
    """The lines of one effort."""
    with tempfile.TemporaryDirectory() as store:
        first_s, first = calibrate(store, effort)
        again_s, again = calibrate(store, effort)
    kernels = len({record["kernel"] for record in first["records"]})
    return [
        [f"{effort}: empty store, {kernels} kernels, {first['measured']} signatures", f"{first_s:.0f} s",
         f"{LIMITS_S[effort]} s", verdict(first_s < LIMITS_S[effort])],
        [f"{effort}: nothing changed, {again['kept']} signatures known", f"{again_s:.1f} s", f"{AGAIN_S} s",
         verdict(again_s < AGAIN_S and again["measured"] == 0)],
    ]  # fmt: skip


def main() -> int:
    rows = [row for effort in sys.argv[1:] or LIMITS_S for row in measure(effort)]
    report("autotune calibrate", ["what", "took", "limit", ""], rows)
    return 0 if all(row[-1] == "met" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
