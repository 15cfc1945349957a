"""Times of two candidates, paired by round: their ratio with its confidence interval, and quantiles.

Knows nothing of races, and of where times come from.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

#: 97.5 % quantiles of Student's t by degrees of freedom, for two-sided 95 % intervals (any table; then normal).
_T95 = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045,
        2.042)  # fmt: skip


@dataclass(frozen=True)
class Interval:
    """A ratio of times with its 95 % confidence interval."""

    ratio: float
    low: float
    high: float


def log_ratios(samples: Sequence[float], others: Sequence[float]) -> list[float]:
    """log(sample / other) for every round that both have."""
    return [math.log(a / b) for a, b in zip(samples, others, strict=False)]


def paired_interval(samples: Sequence[float], others: Sequence[float]) -> Interval:
    """Samples over others with its 95 % interval, paired by round and winsorised."""
    return interval(log_ratios(samples, others))


def interval(logs: Sequence[float]) -> Interval:
    """The ratio behind logarithms of paired ratios, winsorised, with its 95 % interval."""
    values = winsorised(logs)
    mean = statistics.fmean(values)
    if len(values) < 2:
        return around(mean, math.inf)
    return around(mean, t95(len(values) - 1) * math.sqrt(statistics.variance(values) / len(values)))


def around(log: float, half: float) -> Interval:
    """A ratio by its logarithm and by half the width of that one's interval."""
    return Interval(math.exp(log), math.exp(log - half), math.exp(log + half))


def winsorised(values: Sequence[float]) -> list[float]:
    """Values pulled in to the median ± 3 scaled median absolute deviations."""
    middle = statistics.median(values)
    reach = 3 * 1.4826 * statistics.median(abs(value - middle) for value in values)
    return [min(max(value, middle - reach), middle + reach) for value in values]


def t95(degrees: int) -> float:
    """The two-sided 95 % quantile of Student's t."""
    return _T95[degrees - 1] if degrees <= len(_T95) else 1.96


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile with linear interpolation."""
    ordered = sorted(values)
    position = q * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
