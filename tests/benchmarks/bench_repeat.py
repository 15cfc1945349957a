"""Twenty calibrations of one kernel, for two kernels: are the winners the same, and the thresholds?

Run as ``python -m tests.benchmarks.bench_repeat``. A winner agrees at a size if its time, as the median over all
calibrations, is within the indifference zone of the best one's; a threshold agrees if it is within a factor of the
median of those between the same two winners.
"""

from __future__ import annotations

import statistics
import sys

from tests.benchmarks.calibrations import SIX, Threshold, Which, calibrated, store, thresholds, typical_costs, winner
from tests.benchmarks.timing import report, verdict

RUNS = 20
KERNELS: tuple[Which, ...] = (SIX, ("kernels", "norm"))
#: Shares that must agree, and what agreeing means (issue figures).
WINNERS, ZONE = 0.99, 0.03
THRESHOLDS, FACTOR = 0.95, 1.2


def repeated(which: Which) -> list[list[str]]:
    """Calibrate again and again; rows of the table."""
    with store() as environ:
        records = [calibrated(environ, which=which) for _ in range(RUNS + 1)][1:]
    costs = typical_costs(records)
    losses = []
    for record in records:
        for size, by_name in costs.items():
            chosen = str(winner(record.decision, size))
            losses.append(by_name.get(chosen, max(by_name.values())) / min(by_name.values()) - 1)
    same = sum(loss <= ZONE for loss in losses) / len(losses)
    found = [threshold for record in records for threshold in thresholds(record.decision)]
    near = sum(_agrees(threshold, found) for threshold in found) / max(len(found), 1)
    print(
        f"\n{which[1]}: worst winner {max(losses):.1%} slower than the best; borders, with how often they were found:"
    )
    for pair in dict.fromkeys((str(t.below), str(t.above)) for t in found):
        at = sorted(t.at for t in found if (str(t.below), str(t.above)) == pair)
        print(f"  {pair[0]} | {pair[1]}: {len(at)} times, {at[0]:,} to {at[-1]:,}, median {statistics.median(at):,.0f}")
    return [
        [which[1], f"winners at {len(costs)} sizes, equal or within {ZONE:.0%}", f"{same:.1%}", f"{WINNERS:.0%}",
         verdict(same >= WINNERS)],
        [which[1], f"thresholds within a factor of {FACTOR}", f"{near:.1%}", f"{THRESHOLDS:.0%}",
         verdict(near >= THRESHOLDS)],
    ]  # fmt: skip


def main() -> int:
    rows = [row for which in KERNELS for row in repeated(which)]
    report(f"{RUNS} calibrations of one signature (float64)", ["kernel", "what", "agree", "limit", ""], rows)
    return 0 if all(row[-1] == "met" for row in rows) else 1


def _agrees(threshold: Threshold, found: list[Threshold]) -> bool:
    alike = [t.at for t in found if (t.below, t.above) == (threshold.below, threshold.above)]
    middle = statistics.median(alike)
    return middle / FACTOR <= threshold.at <= middle * FACTOR


if __name__ == "__main__":
    sys.exit(main())
