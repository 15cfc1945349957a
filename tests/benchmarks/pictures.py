"""What a run of the kernel benchmark leaves behind: a CSV file, and a picture for each family."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotune.store import store
from autotune.store.record import Split
from tests.benchmarks.cells import family_of
from tests.benchmarks.contestants import OURS, original_of

if TYPE_CHECKING:
    from tests.benchmarks.bench_kernels import Row

#: Told apart by people who cannot tell red from green, and in print (Okabe & Ito 2008, Color Universal Design).
COLOURS = ("#0072B2", "#000000", "#E69F00", "#56B4E9", "#CC79A7", "#009E73", "#D55E00")
STYLES = ("-", "-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """A line for each contestant of each cell."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["family", "kernel", "dtype", "size", "work", "contestant", "seconds", "winner"])
        for row in rows:
            for name, seconds in row.seconds.items():
                winner = row.winner if name == OURS else ""
                cell = row.cell
                writer.writerow(
                    [family_of(cell.kernel), cell.kernel, cell.dtype, cell.size, row.work, name, seconds, winner]
                )


def write_pictures(rows: Sequence[Row], folder: Path) -> list[Path]:
    """One SVG for each family: a panel for each kernel, time against size in float64, thresholds marked."""
    families: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.cell.dtype == "float64":
            families.setdefault(family_of(row.cell.kernel), {}).setdefault(row.cell.kernel, []).append(row)
    if not families:
        return []
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    written = []
    for family, kernels in families.items():
        columns = min(3, len(kernels))
        lines = -(-len(kernels) // columns)
        figure, panels = pyplot.subplots(
            lines, columns, figsize=(5.2 * columns, 3.8 * lines), squeeze=False, layout="constrained"
        )
        for panel, (name, mine) in zip(panels.flat, kernels.items(), strict=False):
            _draw(panel, name, sorted(mine, key=lambda row: row.work))
        for panel in panels.flat[len(kernels) :]:
            panel.set_visible(False)
        written.append(folder / f"{family}.svg")
        figure.savefig(written[-1])
        pyplot.close(figure)
    return written


def _draw(panel, name: str, rows: list[Row]) -> None:
    contestants = list(dict.fromkeys([OURS, original_of(rows[0].cell), *(n for row in rows for n in row.seconds)]))
    for place, contestant in enumerate(contestants):
        points = [(row.work, row.seconds[contestant]) for row in rows if contestant in row.seconds]
        panel.plot(
            *zip(*points, strict=True), marker="o", markersize=3, linewidth=2.4 if contestant == OURS else 1.2,
            color=COLOURS[place % len(COLOURS)], linestyle=STYLES[place % len(STYLES)], label=contestant,
        )  # fmt: skip
    for at in thresholds(rows):
        panel.axvline(at, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    panel.set(xscale="log", yscale="log", title=name, xlabel=rows[0].cell.bench.work_name, ylabel="seconds a call")
    panel.grid(alpha=0.2)
    panel.legend(fontsize=7, frameon=False)


def thresholds(rows: Sequence[Row]) -> list[int]:
    """Where the decision changes its winner, for kernels of one size that is what the picture draws time against."""
    kernel = rows[0].cell.tuned.__autotune__.kernel
    sizes = [kernel.size_of(kernel.bind(*row.cell.make())) for row in rows]
    if any(len(size) != 1 or set(size.values()) != {row.work} for size, row in zip(sizes, rows, strict=True)):
        return []
    records = store.load(kernel.id, numerics="reassociated").records.values()
    return sorted(at for record in records if '"float64"' in record.signature for at in _splits(record.decision))


def _splits(decision) -> list[int]:
    if not isinstance(decision, Split):
        return []
    return [*_splits(decision.below), decision.at, *_splits(decision.above)]
