"""Order statistics."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.cells.bench import VECTORS, Bench, of


def _median(a):
    ordered = np.sort(a)
    middle = a.size // 2
    return ordered[middle] if a.size % 2 else (ordered[middle - 1] + ordered[middle]) / 2


BENCHES = {"median": Bench(VECTORS, rivals={"bottleneck": of("bottleneck", "median")}, plain=_median)}
