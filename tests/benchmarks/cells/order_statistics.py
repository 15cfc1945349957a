"""Order statistics."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.cells.bench import VECTORS, Bench, of


def _median(a):
    ordered = np.sort(a)
    middle = a.size // 2
    return ordered[middle] if a.size % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _quantile(whole):
    """The loop of a quantile, its place given as a share of `whole`."""

    def loop(a, q):
        ordered = np.sort(a)
        place = (a.size - 1) * (q / whole)
        below = int(place)
        above = min(below + 1, a.size - 1)
        return ordered[below] + (ordered[above] - ordered[below]) * (place - below)

    return loop


def _histogram(a, bins):
    low, high = a.min(), a.max()
    counts = np.zeros(bins, np.intp)
    for value in a:
        counts[min(int((value - low) / (high - low) * bins), bins - 1)] += 1
    return counts, np.linspace(low, high, bins + 1)


def _partition(x, k):
    indices = np.argpartition(x, x.size - k)[x.size - k :]
    indices = indices[np.argsort(-x[indices])]
    return x[indices], indices


_ARRAY_AND = {q: {size: lambda dtype, make=make, q=q: (*make(dtype), q) for size, make in VECTORS.items()}
              for q in (90.0, 0.9, 50, 10)}  # fmt: skip
BENCHES = {
    "histogram": Bench(_ARRAY_AND[50], plain=_histogram),
    "median": Bench(VECTORS, rivals={"bottleneck": of("bottleneck", "median")}, plain=_median),
    "percentile": Bench(_ARRAY_AND[90.0], plain=_quantile(100)),
    "quantile": Bench(_ARRAY_AND[0.9], plain=_quantile(1)),
    "top_k": Bench(_ARRAY_AND[10], rivals={"argpartition": lambda: _partition}),
}
