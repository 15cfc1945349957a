"""Calibrating while other processes keep all cores busy: are the winners those of a quiet machine?

Run as ``python -m tests.benchmarks.bench_load``. A winner of the busy machine agrees at a size if its time, as the
median over the quiet calibrations, is within the indifference zone of the best one's. What uses threads may lose to
the best candidate with one thread there: that is what the tail rule is for, and such sizes are counted apart.
"""

from __future__ import annotations

import sys

from tests.benchmarks.calibrations import calibrated, store, typical_costs, winner
from tests.benchmarks.noise.record import neighbours
from tests.benchmarks.timing import report, verdict

RUNS = 3
#: Share of sizes that must agree, and what agreeing means (MEASUREMENT.md, section 2: the indifference zone).
SHARE, ZONE = 0.95, 0.03
THREADED = ("on_all_cores", "by_dot")


def main() -> int:
    with store() as environ:
        quiet = [calibrated(environ) for _ in range(RUNS + 1)][1:]
    with store() as environ:
        calibrated(environ, "--effort", "quick")  # compiles, on a quiet machine
        with neighbours():
            busy = [calibrated(environ) for _ in range(RUNS)]
    costs = typical_costs(quiet)
    same = tails = total = 0
    worst = 0.0
    for record in busy:
        for size, by_name in costs.items():
            chosen = str(winner(record.decision, size))
            best = min(by_name, key=by_name.__getitem__)
            loss = by_name.get(chosen, max(by_name.values())) / by_name[best] - 1
            singles = {name: cost for name, cost in by_name.items() if not name.startswith(THREADED)}
            total += 1
            if loss <= ZONE:
                same += 1
            elif best.startswith(THREADED) and by_name.get(chosen, 9.0) <= min(singles.values()) * (1 + ZONE):
                tails += 1
            else:
                worst = max(worst, loss)
    share = (same + tails) / total
    rows = [
        ["equal or within 3 %", f"{same / total:.1%}", "", ""],
        ["best with one thread, because of the tail rule", f"{tails / total:.1%}", "", ""],
        ["together", f"{share:.1%}", f"{SHARE:.0%}", verdict(share >= SHARE)],
    ]
    report(
        f"{RUNS} calibrations beside a busy process on every core against {RUNS} quiet ones, at {len(costs)} sizes",
        ["winner", "share", "limit", ""], rows,
    )  # fmt: skip
    contended = sum(record.quality == "contended" for record in busy)
    print(f"worst of the others: {worst:.1%} slower; marked contended: {contended} of {RUNS} busy, "
          f"{sum(record.quality == 'contended' for record in quiet)} of {RUNS} quiet")  # fmt: skip
    return 0 if share >= SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
