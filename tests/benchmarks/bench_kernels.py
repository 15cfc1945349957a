"""The kernel library against NumPy, call by call: the tuned kernel, as users call it, and its reference in one run.

Run as ``python -m tests.benchmarks.bench_kernels``. Calibrates a store of its own first (``--effort quick``), or uses
the one that ``AUTOTUNE_DB`` names. A cell fails only if the lower 95 % bound of its paired ratio is over the limit,
twice. The reference of a kernel is the NumPy function of its name, or its shortest plain NumPy where there is none.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.calibrated import run_calibrated
from tests.benchmarks.cells import Cell, all_cells
from tests.benchmarks.timing import Paired, paired, report, verdict

#: Ratio to NumPy that no call of more than SHORT_S may exceed; shorter ones may cost the dispatch budget more.
LIMIT, SHORT_S = 1.05, 5e-6
#: Seconds by the number of arrays, and more where a scalar is boxed (DESIGN.md, section 4).
DISPATCH_S, BOXING_S = {1: 100e-9, 2: 200e-9}, 50e-9
#: Geometric means of NumPy over ours: of all cells, and of calls of more than LONG_S.
ALL, LONG, LONG_S = 2.5, 1.8, 100e-6


@dataclass(frozen=True)
class Row:
    """A measured cell."""

    cell: Cell
    numpy_s: float
    ours_s: float
    ratio: float
    low: float
    high: float
    met: bool


def measure(cell: Cell) -> Row:
    """Measure a cell, and once more if it seems to fail."""
    row = _once(cell)
    return row if row.met else _once(cell)


def _once(cell: Cell) -> Row:
    arguments = cell.make()
    tuned, reference = cell.tuned, cell.tuned.reference
    found = paired({"ours": (tuned, arguments), "numpy": (reference, arguments)}, rounds=31, most_s=3)
    numpy_s, ours_s = found.median("numpy"), found.median("ours")
    ratio, low, high = found.ratio("ours", "numpy")
    return Row(cell, numpy_s, ours_s, ratio, low, high, _met(cell, found, numpy_s, low))


def _met(cell: Cell, found: Paired, numpy_s: float, low: float) -> bool:
    if numpy_s > SHORT_S:
        return low <= LIMIT
    arrays = len(cell.tuned.__autotune__.kernel.array_parameters - {"out"})
    boxed = isinstance(cell.tuned.reference(*cell.make()), np.generic)
    return low * numpy_s - numpy_s <= DISPATCH_S[arrays] + (BOXING_S if boxed else 0)


def human(seconds: float) -> str:
    for unit, factor in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def tell(rows: list[Row]) -> bool:
    """Print the table and the means; whether all figures are met."""
    table = [
        [r.cell.kernel, r.cell.dtype, r.cell.size, human(r.numpy_s), human(r.ours_s), f"{r.ratio:.3f}",
         f"{r.low:.3f} – {r.high:.3f}", f"{1 / r.ratio:.2f} x", verdict(r.met)]
        for r in rows
    ]  # fmt: skip
    header = ["kernel", "dtype", "size", "NumPy", "ours", "ours/NumPy", "95 %", "faster", ""]
    report("Tuned kernels against NumPy, interleaved", header, table)
    means = []
    for name in dict.fromkeys(row.cell.kernel for row in rows):
        mine = [1 / r.ratio for r in rows if r.cell.kernel == name]
        long = [1 / r.ratio for r in rows if r.cell.kernel == name and r.numpy_s > LONG_S]
        means.append([name, str(len(mine)), f"{geometric_mean(mine):.2f} x", f"{geometric_mean(long):.2f} x", "", ""])
    every = geometric_mean([1 / row.ratio for row in rows])
    long = geometric_mean([1 / row.ratio for row in rows if row.numpy_s > LONG_S])
    means.append(["all kernels", str(len(rows)), f"{every:.2f} x", f"{long:.2f} x", f"{ALL} and {LONG}",
                  verdict(every >= ALL and long >= LONG)])  # fmt: skip
    report("Geometric means of NumPy over ours", ["", "cells", "all", "calls over 100 µs", "limits", ""], means)
    failed = [str(row.cell) for row in rows if not row.met]
    print(f"\n{len(rows) - len(failed)} of {len(rows)} cells within their limit"
          + (f"; over it: {', '.join(failed)}" if failed else ""))  # fmt: skip
    return not failed and every >= ALL and long >= LONG


def main() -> int:
    if sys.argv[1:] == ["measure"]:
        return 0 if tell([measure(cell) for cell in all_cells()]) else 1
    return run_calibrated("tests.benchmarks.bench_kernels", "use")


if __name__ == "__main__":
    sys.exit(main())
