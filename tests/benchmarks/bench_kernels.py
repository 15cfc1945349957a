"""The kernel library against what a user would pick instead, call by call, interleaved in one run.

Run as ``python -m tests.benchmarks.bench_kernels [KERNEL…] [--dtype float64] [--output FOLDER]``. Calibrates a store of
its own first (``--effort quick``), or uses the one that ``AUTOTUNE_DB`` names. Against the tuned kernel, as users call
it: the original (NumPy, SciPy, scikit-learn), other libraries that are installed, and the loop a user would write,
compiled by Numba plainly and with parallel=True. Prints a table; leaves ``kernels.csv`` and a picture of each family in
the folder.
A cell fails only if the lower 95 % bound of its paired ratio to the original is over the limit, twice.
"""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks import pictures, roofline
from tests.benchmarks.calibrated import run_calibrated
from tests.benchmarks.cells import Cell, all_cells
from tests.benchmarks.cells.bench import read_once
from tests.benchmarks.contestants import OURS, contestants, original_of
from tests.benchmarks.timing import Paired, paired, report, verdict

#: Interleaved rounds of a cell, and the seconds after which it has to do with fewer.
ROUNDS, MOST_S = 21, 0.5
#: Ratio to the original that no call of more than SHORT_S may exceed; shorter ones may cost the dispatch budget more.
LIMIT, SHORT_S = 1.05, 5e-6
#: Seconds by the number of arrays, and more where a scalar is boxed (DESIGN.md, section 4).
DISPATCH_S, BOXING_S = {0: 100e-9, 1: 100e-9, 2: 200e-9}, 50e-9
#: Geometric means of the original over ours: of all cells, and of calls of more than LONG_S.
ALL, LONG, LONG_S = 3.0, 2.0, 100e-6
#: The same of the best single alternative to a kernel, known afterwards.
BEST = 1.15
#: Share of the bandwidth that streaming kernels must reach on arrays this large.
SHARE, STREAM = 0.85, 10_000_000
#: The plain loop that they are held against.
LOOP = "plain loop"


@dataclass(frozen=True)
class Row:
    """A measured cell."""

    cell: Cell
    work: int
    #: Median seconds a call by contestant; ours first.
    seconds: dict[str, float]
    ratio: float
    low: float
    high: float
    #: Share of what the machine can do, where that is known.
    share: float | None
    winner: str
    met: bool

    @property
    def ours_s(self) -> float:
        return self.seconds[OURS]

    @property
    def original_s(self) -> float:
        return self.seconds[original_of(self.cell)]


def measure(cell: Cell) -> Row:
    """Measure a cell, and once more if it seems to fail."""
    row = _once(cell)
    return row if row.met else _once(cell)


def _once(cell: Cell) -> Row:
    arguments = cell.make()
    work = cell.bench.work(*arguments)
    calls = {name: (function, arguments) for name, function in contestants(cell, arguments).items()}
    if cell.bench.traffic is not None and work >= STREAM:
        first = next(value for value in arguments if isinstance(value, np.ndarray))
        calls[LOOP] = roofline.read if cell.bench.traffic is read_once else roofline.copy, (first.reshape(-1),)
    found = paired(calls, rounds=ROUNDS, most_s=MOST_S)
    seconds = {name: found.median(name) for name in found.rounds if name != LOOP}
    ratio, low, high = found.ratio(OURS, original_of(cell))
    winner = cell.tuned.decision(*arguments).variant
    return Row(cell, work, seconds, ratio, low, high, _share(cell, arguments, found), winner, _met(cell, found, low))


def _met(cell: Cell, found: Paired, low: float) -> bool:
    original_s = found.median(original_of(cell))
    if original_s > SHORT_S:
        return low <= LIMIT
    kernel = cell.tuned.__autotune__.kernel
    arrays = min(2, len(kernel.array_parameters - {"out"}))
    boxed = isinstance(cell.tuned.reference(*cell.make()), np.generic)
    return low * original_s - original_s <= DISPATCH_S[arrays] + (BOXING_S if boxed else 0)


def _share(cell: Cell, arguments: tuple[Any, ...], found: Paired) -> float | None:
    """Ours as a share of the bandwidth of a plain loop in the same rounds, or of the peak of BLAS."""
    bench = cell.bench
    if bench.operations is not None:
        return bench.operations(*arguments) / found.median(OURS) / roofline.blas_operations_s(cell.dtype)
    if bench.traffic is None or LOOP not in found.rounds:
        return None
    first = next(value for value in arguments if isinstance(value, np.ndarray))
    moved = first.nbytes if bench.traffic is read_once else 2 * first.nbytes
    return bench.traffic(*arguments) / moved / found.ratio(OURS, LOOP)[0]


def human(seconds: float) -> str:
    for unit, factor in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def best_alternative(rows: list[Row]) -> tuple[str, float]:
    """The one alternative that serves a kernel best over all its cells, and its time over ours."""
    everywhere = set.intersection(*(set(row.seconds) for row in rows)) - {OURS}
    means = {name: geometric_mean([row.seconds[name] / row.ours_s for row in rows]) for name in everywhere}
    return min(means.items(), key=lambda item: item[1])


def tell(rows: list[Row]) -> bool:
    """Print the tables; whether all figures are met."""
    header = ["kernel", "dtype", "size", "original", "ours", "faster", "95 %", "next best", "", "share", "winner", ""]
    report("Tuned kernels against the functions they replace, interleaved", header, [_line(row) for row in rows])
    by_kernel = {name: [row for row in rows if row.cell.kernel == name] for name in {r.cell.kernel: 0 for r in rows}}
    means = []
    for name, mine in by_kernel.items():
        best, gain = best_alternative(mine)
        means.append([name, str(len(mine)), *_means(mine), f"{gain:.2f} x", best, ""])
    every = geometric_mean([1 / row.ratio for row in rows])
    long = geometric_mean([1 / row.ratio for row in rows if row.original_s > LONG_S])
    hindsight = geometric_mean([best_alternative(mine)[1] for mine in by_kernel.values() for _ in mine])
    met = every >= ALL and not long < LONG and hindsight >= BEST
    means.append(["all kernels", str(len(rows)), *_means(rows), f"{hindsight:.2f} x",
                  f"at least {ALL}, {LONG}, {BEST}", verdict(met)])  # fmt: skip
    report("Geometric means over ours: of the original, and of the best single alternative",
           ["", "cells", "all", "over 100 µs", "best single", "", ""], means)  # fmt: skip
    failed = [str(row.cell) for row in rows if not row.met]
    print(f"\n{len(rows) - len(failed)} of {len(rows)} cells within their limit"
          + (f"; over it: {', '.join(failed)}" if failed else ""))  # fmt: skip
    return _streams(rows) and met and not failed


def _line(row: Row) -> list[str]:
    others = {name: s for name, s in row.seconds.items() if name not in (OURS, original_of(row.cell))}
    nearest = min(others, key=lambda name: others[name], default=None)
    return [
        row.cell.kernel, row.cell.dtype, row.cell.size, human(row.original_s), human(row.ours_s),
        f"{1 / row.ratio:.2f} x", f"{1 / row.high:.2f} – {1 / row.low:.2f}",
        human(others[nearest]) if nearest else "", nearest or "", f"{row.share:.0%}" if row.share else "", row.winner,
        "" if row.met else "OVER",
    ]  # fmt: skip


def _means(rows: list[Row]) -> list[str]:
    long = [1 / row.ratio for row in rows if row.original_s > LONG_S]
    return [f"{geometric_mean([1 / row.ratio for row in rows]):.2f} x", f"{geometric_mean(long):.2f} x" if long else ""]


def _streams(rows: list[Row]) -> bool:
    """Print what large arrays reach of the bandwidth; whether it is enough."""
    table = [
        [str(row.cell), f"{row.share:.0%}", f"{SHARE:.0%}", verdict(row.share >= SHARE)]
        for row in rows
        if row.share is not None and row.cell.bench.traffic is not None and row.cell.bench.streams
    ]
    if table:
        report("Share of the bandwidth of a plain loop that reads or copies, on arrays of 10^7 elements",
               ["", "share", "at least", ""], table)  # fmt: skip
    return all(line[-1] == verdict(True) for line in table)


def run(names: list[str], dtype: str | None, folder: Path) -> int:
    """Measure the cells of some kernels, or of all."""
    cells = [cell for cell in all_cells() if (not names or cell.kernel in names) and dtype in (None, cell.dtype)]
    unknown = sorted(set(names) - {cell.kernel for cell in cells})
    if unknown:
        print(f"no kernel of the library is named {', '.join(unknown)}", file=sys.stderr)
        return 2
    rows, broken = [], []
    for place, cell in enumerate(cells):
        print(f"\r{place + 1} of {len(cells)}: {cell}".ljust(79), end="", file=sys.stderr, flush=True)
        try:
            rows.append(measure(cell))
        except Exception as error:  # what is measured already is not lost for it
            broken.append(f"{cell}: {type(error).__name__}: {error}")
    print("\r".ljust(80), end="\r", file=sys.stderr)
    met = tell(rows) and not broken
    for text in broken:
        print(f"not measured: {text}")
    folder.mkdir(parents=True, exist_ok=True)
    pictures.write_csv(rows, folder / "kernels.csv")
    written = pictures.write_pictures(rows, folder)
    print(f"\n{folder / 'kernels.csv'} and {len(written)} pictures beside it")
    return 0 if met else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL")
    parser.add_argument("--output", type=Path, default=Path("build/bench-kernels"), metavar="FOLDER")
    parser.add_argument("--dtype", choices=["float32", "float64"], help="cells of this precision alone")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        return run(asked.kernels, asked.dtype, asked.output)
    return run_calibrated("tests.benchmarks.bench_kernels", "use", *sys.argv[1:], "--measure", kernels=asked.kernels)


if __name__ == "__main__":
    sys.exit(main())
