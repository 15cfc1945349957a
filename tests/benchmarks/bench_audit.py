"""The audit of the shipped kernels' decisions, on a quiet machine and beside one busy process.

Run as ``python -m tests.benchmarks.bench_audit [SEED]``. Calibrates a store of its own with the standard effort, or
takes that of ``AUTOTUNE_DB`` if it is set; the audit is ``autotune verify``, in new processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from tests.benchmarks.noise.record import neighbours
from tests.benchmarks.timing import report, seed_of, verdict

#: Limits: mean and 95th percentile of the regret, and time over the reference's.
MEAN, P95, OVER = 0.02, 0.05, 1.05


def audit(environ: dict[str, str], seed: int) -> dict:
    command = [sys.executable, "-m", "autotune", "verify", "--json", "--seed", str(seed)]
    done = subprocess.run(command, check=False, env=environ, capture_output=True, text=True)
    if not done.stdout:  # 1 says that sizes fail, and so does an error
        raise RuntimeError(f"autotune verify: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def row(name: str, found: dict) -> list[str]:
    every, findings = found["all"], found["findings"]
    over = [f for f in findings if f["failed"] and f["over_reference"] > OVER]
    met = every["mean"] <= MEAN and every["p95"] <= P95 and not over
    failed = sum(f["failed"] for f in findings)
    return [
        name, f"{len(findings)}", f"{every['mean']:.1%}", f"{every['p95']:.1%}", f"{every['worst']:.1%}", f"{failed}",
        f"{len(over)}", f"{every['policy']:.1%}", verdict(met),
    ]  # fmt: skip


def main() -> int:
    seed = seed_of(sys.argv, 20260303)
    with tempfile.TemporaryDirectory() as folder:
        environ = {"AUTOTUNE_DB": folder, **os.environ, "AUTOTUNE_SHIPPED": "0"}
        if "AUTOTUNE_DB" not in os.environ:
            calibrate = [sys.executable, "-m", "autotune", "calibrate"]
            subprocess.run(calibrate, check=True, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rows = [row("idle", audit(environ, seed))]
        with neighbours(1):
            rows.append(row("one busy neighbour", audit(environ, seed + 1)))
    header = ["machine", "sizes", "mean", "p95", "worst", "failed", "over 1.05 x reference", "cost of the policy", ""]
    report(f"Regret of recorded decisions at random sizes; limits {MEAN:.0%}, {P95:.0%}, none over", header, rows)
    return 0 if all(each[-1] == "met" for each in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
