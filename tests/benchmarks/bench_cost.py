"""What it costs to calibrate one signature: six candidates, sizes from 1 to a million, compilation apart.

Run as ``python -m tests.benchmarks.bench_cost``.
"""

from __future__ import annotations

import statistics
import sys

from tests.benchmarks.calibrations import calibrated, store
from tests.benchmarks.timing import report, verdict

#: Seconds (issue figure), and calibrations of which the median counts; the first compiles and is left out.
LIMIT_S, RUNS = 3.0, 5


def main() -> int:
    rows = []
    with store() as environ:
        for effort in ("quick", "standard"):
            made = [calibrated(environ, "--effort", effort) for _ in range(RUNS + 1)][1:]
            spent_s = statistics.median(record.provenance.spent_s for record in made)
            cells = statistics.median(len(record.cells) for record in made)
            rows.append([effort, f"{cells:.0f}", f"{spent_s:.2f} s", f"{LIMIT_S:.0f} s", verdict(spent_s <= LIMIT_S)])
    report(
        "Calibrating one signature with six candidates, n from 1 to 10^6, compiled code known",
        ["effort", "sizes", "took", "limit", ""], rows,
    )  # fmt: skip
    return 0 if all(row[-1] == "met" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
