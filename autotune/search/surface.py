"""What every candidate would cost between the measured points: one smooth surface each over the logarithms of sizes.

A Gaussian process with a linear trend and a Matérn 3/2 covariance (C. E. Rasmussen and C. K. I. Williams, Gaussian
Processes for Machine Learning, 2006, sections 2.7 and 4.2), fitted to logarithms of times relative to the mean of the
point: what slows all candidates alike, such as a page fault, then bends no surface. Twenty points of three sizes are
so worth some hundreds. Sees points and costs; no clock, no kernels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: What is tried for the range of the covariance, in octaves, and for the share of the variance that is noise: the
#: likeliest pair is taken, the same for all candidates.
RANGES = (1.0, 2.0, 4.0, 8.0, 16.0)
NOISES = (1e-3, 1e-2, 1e-1, 0.5)
#: Cost, over the best, of a candidate where it was not measured: it was left out because it was far behind.
UNMEASURED = 4.0

Point = Mapping[str, int]


@dataclass(frozen=True)
class Surfaces:
    """Fitted surfaces.

    Parameters
    ----------
    names : tuple of str
        Sizes, the columns of points.
    candidates : tuple of str
        The columns of costs.
    measured : ndarray, shape (points, sizes)
        Logarithms, base 2, of the measured points.
    """

    names: tuple[str, ...]
    candidates: tuple[str, ...]
    measured: np.ndarray
    _range: float
    _trend: np.ndarray
    _weights: np.ndarray

    def log_costs(self, points: np.ndarray) -> np.ndarray:
        """Logarithms of costs at points, relative to a mean that is the same for all candidates.

        Parameters
        ----------
        points : ndarray, shape (n, sizes)
            Logarithms, base 2.

        Returns
        -------
        ndarray, shape (n, candidates)
        """
        found: np.ndarray = (
            _trend(points) @ self._trend + _covariance(points, self.measured, self._range) @ self._weights
        )
        return found

    def filled(self, count: int, seed: int) -> np.ndarray:
        """Points all over the measured box, no larger in their product than what was measured, and those themselves.

        Returns
        -------
        ndarray, shape (n, sizes)
            Logarithms, base 2.
        """
        rng = np.random.default_rng(seed)
        low, high = self.measured.min(axis=0), self.measured.max(axis=0)
        points = low + (high - low) * rng.random((4 * count, len(self.names)))
        inside = points[points.sum(axis=1) <= self.measured.sum(axis=1).max()][:count]
        return np.concatenate([self.measured, inside])


def fit(points: Sequence[Point], costs: Sequence[Mapping[str, float]]) -> Surfaces:
    """The surfaces through measured costs.

    Parameters
    ----------
    points : sequence of mapping
        Sizes by name.
    costs : sequence of mapping
        Seconds a call by candidate, for each point.
    """
    names = tuple(points[0])
    candidates = tuple(sorted(set().union(*costs)))
    measured = np.array([[math.log2(max(point[name], 1)) for name in names] for point in points])
    table = np.array([[row.get(name, UNMEASURED * min(row.values())) for name in candidates] for row in costs])
    logs = np.log(table)
    logs -= logs.mean(axis=1, keepdims=True)
    likeliest: tuple[float, float, np.ndarray, np.ndarray] | None = None
    for reach, noise in itertools.product(RANGES, NOISES):
        likelihood, trend, weights = _fit(measured, logs, reach, noise)
        if likeliest is None or likelihood > likeliest[0]:
            likeliest = likelihood, reach, trend, weights
    assert likeliest is not None
    return Surfaces(names, candidates, measured, *likeliest[1:])


def _fit(points: np.ndarray, logs: np.ndarray, reach: float, noise: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Log likelihood, trend and weights, by generalised least squares (Rasmussen and Williams, equations 2.41-2.45)."""
    count = len(points)
    covariance = _covariance(points, points, reach) + noise * np.eye(count)
    inverse = np.linalg.inv(covariance)
    basis = _trend(points)
    normal = basis.T @ inverse @ basis + 1e-6 * np.eye(basis.shape[1])
    trend = np.linalg.solve(normal, basis.T @ inverse @ logs)
    weights = inverse @ (logs - basis @ trend)
    free = max(1, count - basis.shape[1])
    variances = np.maximum(np.sum((logs - basis @ trend) * weights, axis=0) / free, 1e-8)
    determinants = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(normal)[1]
    likelihood = -0.5 * (free * np.sum(np.log(variances)) + logs.shape[1] * determinants)
    return float(likelihood), trend, weights


def _trend(points: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones((len(points), 1)), points], axis=1)


def _covariance(points: np.ndarray, others: np.ndarray, reach: float) -> np.ndarray:
    distances = np.sqrt(np.sum((points[:, None] - others[None]) ** 2, axis=2)) * (math.sqrt(3) / reach)
    found: np.ndarray = (1 + distances) * np.exp(-distances)
    return found
