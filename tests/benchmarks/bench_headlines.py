"""The headline figures of the five plans that this project comes from, each with its baseline in the same run.

Run as ``python -m tests.benchmarks.bench_headlines``. Calibrates a store of its own first (``--effort quick``), or uses
the one that ``AUTOTUNE_DB`` names. Memory is the peak that NumPy's allocations reach in one call (tracemalloc).
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

from tests.benchmarks.bench_kernels import geometric_mean, human
from tests.benchmarks.calibrated import run_calibrated
from tests.benchmarks.headlines import LATER, NUMPY_RUST, PLANS, Headline
from tests.benchmarks.timing import paired, report, verdict

#: What NumPy-Rust's plan promises over all its rows.
OVER_ALL = 5.0
HEADER = ["plan", "figure", "baseline", "ours", "found", "", "one-liner", "over ours"]


def peak_bytes(call: Callable[[], Any]) -> int:
    """The most that a call holds at once, its result included."""
    call()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def of_memory(row: Headline) -> tuple[list[str], bool]:
    assert row.baseline is not None
    assert row.saved is not None
    before, ours = peak_bytes(row.baseline), peak_bytes(row.ours)
    saved = 1 - ours / before
    met = saved >= row.saved
    sizes = [f"{size / 1e6:.3g} MB" for size in (before, ours)]
    return [row.plan, row.figure, *sizes, f"{saved:.0%} less", verdict(met), "", ""], met


def of_time(row: Headline) -> tuple[list[str], bool, float | None]:
    calls = {"ours": row.ours, "baseline": row.baseline, "one-liner": row.one_liner}
    found = paired({name: (call, ()) for name, call in calls.items() if call is not None}, rounds=21, most_s=6)
    ours_s = found.median("ours")
    gain = 1 / found.ratio("ours", "baseline")[0] if row.baseline is not None else None
    if row.ratio is not None:
        assert gain is not None
        told, met = f"{gain:.2f} x", gain >= row.ratio
    else:
        assert row.seconds is not None
        told, met = human(ours_s), ours_s < row.seconds
    other = "one-liner" if row.one_liner is not None else "baseline"
    line = [row.plan, row.figure, human(found.median("baseline")) if row.baseline else "", human(ours_s), told,
            verdict(met), human(found.median(other)), f"{1 / found.ratio('ours', other)[0]:.2f} x"]  # fmt: skip
    return line, met, gain


def measure() -> bool:
    """Print the table; whether every figure is met."""
    lines, all_met, gains = [], True, []
    for plan in PLANS:
        for row in plan():
            if row.saved is not None:
                line, met = of_memory(row)
            else:
                line, met, gain = of_time(row)
                if row.plan == NUMPY_RUST and gain is not None:
                    gains.append(gain)
            lines.append(line)
            all_met &= met
    over_all = geometric_mean(gains)
    all_met &= over_all >= OVER_ALL
    lines.append([NUMPY_RUST, f"its rows over all, geometric mean: {OVER_ALL:.0f} x", "", "", f"{over_all:.2f} x",
                  verdict(over_all >= OVER_ALL), "", ""])  # fmt: skip
    lines += [[plan, figure, "", "", "later", "", "", ""] for plan, figure in LATER]
    report("Headline figures of the five plans", HEADER, lines)
    return all_met


def main() -> int:
    if sys.argv[1:] == ["measure"]:
        return 0 if measure() else 1
    return run_calibrated("tests.benchmarks.bench_headlines", "use", "measure")


if __name__ == "__main__":
    sys.exit(main())
