"""Search by a Gaussian process: a model of past costs says where a lower one is most to be expected.

Expected improvement: D. R. Jones, M. Schonlau and W. J. Welch, "Efficient Global Optimization of Expensive Black-Box
Functions", Journal of Global Optimization 13, 1998. A Matérn 5/2 covariance with a length for each parameter, and
noise: J. Snoek, H. Larochelle and R. P. Adams, "Practical Bayesian Optimization of Machine Learning Algorithms",
NeurIPS 2012. Lengths and noise by marginal likelihood: C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for
Machine Learning", MIT Press 2006, sections 2.2, 2.7 and 5.4.1. NumPy alone; some milliseconds a proposal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..space import Choice, Config, Parameter, Space, Static
from . import strategy
from .untried import Untried

Floats = NDArray[np.float64]

#: Settings spread over the space before the model is asked: of a few random ones that farthest from the others.
STARTUP, SPREAD = 8, 32
#: Settings among which the next one is chosen, and how many of the best ones' neighbours join them.
POOL, AROUND = 800, 8
#: Correlation lengths tried, for parameters that run from 0 to 1: the longest means that a parameter hardly matters.
LENGTHS = (0.15, 0.3, 0.6, 1.2, 2.4, 4.8)
#: Variances of the noise tried, over that of the costs.
NOISES = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3)
#: Few costs say little of lengths: about the whole range is expected, give or take this many e-folds.
USUAL_LENGTH, LENGTH_SPREAD = 1.0, 0.5
#: Steps of lengths or noise between two proposals.
STEPS = 3


class Gaussian:
    """Proposes the given settings and the default, some that fill the space, then by expected improvement."""

    def __init__(self, space: Space, seed: int, first: Sequence[Config] = ()) -> None:
        self._untried = Untried(space, seed, first)
        self._positions = Positions(space)
        self._hyper = Hyper((LENGTHS.index(1.2),) * len(space.parameters), NOISES.index(1e-2))
        self._next: Config | None = None

    def ask(self) -> Config | None:
        if self._next is None:
            self._next = self._untried.given() or self._proposed()
        return self._next

    def tell(self, config: Config, cost: float) -> None:
        self._untried.tell(config, cost)
        self._next = None

    def _proposed(self) -> Config | None:
        told = self._untried.told
        worst = max((cost for cost in told.values() if math.isfinite(cost)), default=None)
        if len(told) < STARTUP or worst is None:
            return self._farthest(self._untried.some(SPREAD))
        best = sorted(told, key=told.__getitem__)[:AROUND]
        around = [near for config in best for near in self._untried.neighbours(config)]
        pool = list(dict.fromkeys([*self._untried.some(POOL), *around]))
        if not pool:
            return None
        # One that failed is as bad as the worst that did not: its neighbourhood is avoided, the scale is kept.
        costs = np.array([min(cost, worst) for cost in told.values()])
        model = fitted(self._positions.of(list(told)), costs, self._positions.owners, self._hyper)
        self._hyper = model.hyper
        return pool[int(np.argmax(model.expected_improvement(self._positions.of(pool))))]

    def _farthest(self, pool: list[Config]) -> Config | None:
        if not pool:
            return None
        x, told = self._positions.of(pool), self._positions.of(list(self._untried.told))
        return pool[int(np.argmax(np.min(squared_distances(x, told), axis=1)))] if len(told) else pool[0]


class Positions:
    """Where settings lie: values in order run from 0 to 1 by their number, others are 1 apart from each other."""

    def __init__(self, space: Space) -> None:
        self._tables = [
            dict(zip(map(repr, parameter.values()), _positions(parameter), strict=True))
            for parameter in space.parameters.values()
        ]
        widths = [len(next(iter(table.values()))) for table in self._tables]
        #: The number of the parameter that a column belongs to.
        self.owners = np.repeat(np.arange(len(widths)), widths)

    def of(self, configs: Sequence[Config]) -> Floats:
        """Positions of settings, shape (settings, columns)."""
        rows = [
            [x for table, (_, value) in zip(self._tables, config, strict=True) for x in table[repr(value)]]
            for config in configs
        ]
        return np.array(rows, np.float64).reshape(len(configs), len(self.owners))


def _positions(parameter: Parameter) -> list[list[float]]:
    """The columns of each value of a parameter."""
    values = parameter.values()
    if len(values) == 1:
        return [[]]
    declared = parameter.parameter if isinstance(parameter, Static) else parameter
    numbers = [value for value in values if isinstance(value, int | float)]
    if isinstance(declared, Choice) and (len(numbers) < len(values) or sorted(numbers) != numbers):
        return (np.eye(len(values)) * math.sqrt(0.5)).tolist()  # type: ignore[no-any-return]
    return [[position] for position in np.linspace(0.0, 1.0, len(values)).tolist()]


@dataclass(frozen=True)
class Hyper:
    """What the model believes of the space: numbers into `LENGTHS`, one for each parameter, and into `NOISES`."""

    lengths: tuple[int, ...]
    noise: int

    def neighbours(self) -> Iterator[Hyper]:
        for step in (-1, 1):
            for place, length in enumerate(self.lengths):
                if 0 <= length + step < len(LENGTHS):
                    moved = (*self.lengths[:place], length + step, *self.lengths[place + 1 :])
                    yield replace(self, lengths=moved)
            if 0 <= self.noise + step < len(NOISES):
                yield replace(self, noise=self.noise + step)


class Model:
    """A Gaussian process given costs.

    Parameters
    ----------
    x : ndarray, shape (n, columns)
        Positions.
    costs : ndarray, shape (n,)
    owners : ndarray of int, shape (columns,)
        The parameter that each column belongs to.
    hyper : Hyper
    """

    def __init__(self, x: Floats, costs: Floats, owners: NDArray[np.intp], hyper: Hyper) -> None:
        self.hyper = hyper
        self._lengths = np.array([LENGTHS[number] for number in hyper.lengths])
        self._scale = 1.0 / self._lengths[owners]
        self._x = x * self._scale
        self._covariance = matern(squared_distances(self._x, self._x))
        noisy = self._covariance + NOISES[hyper.noise] * np.eye(len(x))
        self._factor = np.linalg.cholesky(noisy)
        white = np.linalg.solve(self._factor, np.column_stack([costs, np.ones(len(x))]))
        # Mean and variance that maximise the likelihood, in closed form.
        self._mean = float(white[:, 0] @ white[:, 1] / (white[:, 1] @ white[:, 1]))
        self._residual = white[:, 0] - self._mean * white[:, 1]
        self._variance = max(float(self._residual @ self._residual) / len(x), 1e-12)

    @cached_property
    def evidence(self) -> float:
        """Logarithm of the marginal likelihood and of the prior of the lengths, but for a constant."""
        prior = np.sum((np.log(self._lengths / USUAL_LENGTH) / LENGTH_SPREAD) ** 2)
        logs = np.sum(np.log(np.diag(self._factor)))
        return float(-0.5 * len(self._x) * math.log(self._variance) - logs - 0.5 * prior)

    def expected_improvement(self, x: Floats) -> Floats:
        """How much lower than the best tried setting a cost is expected to be, shape (settings,).

        The best is that of the lowest *expected* cost: the lowest cost seen was lucky.
        """
        weights = np.linalg.solve(self._factor.T, self._residual)
        best = self._mean + float(np.min(self._covariance @ weights))
        covariance = matern(squared_distances(self._x, x * self._scale))
        mean = self._mean + covariance.T @ weights
        explained = np.sum(np.linalg.solve(self._factor, covariance) ** 2, axis=0)
        deviation = np.sqrt(self._variance * np.maximum(1.0 - explained, 1e-9))
        u = (best - mean) / deviation
        below = 0.5 * (1.0 + np.array([math.erf(value) for value in (u / math.sqrt(2.0)).tolist()]))
        return np.asarray(deviation * (u * below + np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)))


def fitted(x: Floats, costs: Floats, owners: NDArray[np.intp], start: Hyper) -> Model:
    """The model of the lengths and noise that explain the costs best, looked for in few steps from the last ones."""
    model = Model(x, costs, owners, start)
    for _ in range(STEPS):
        better = max((Model(x, costs, owners, hyper) for hyper in model.hyper.neighbours()), key=lambda m: m.evidence)
        if better.evidence <= model.evidence:
            break
        model = better
    return model


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Squared distances, shape (len(a), len(b))."""
    squares = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1) - 2.0 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0.0))


def matern(squares: Floats) -> Floats:
    """The Matérn 5/2 correlation at these squared distances."""
    r = np.sqrt(5.0 * squares)
    return np.asarray((1.0 + r + r * r / 3.0) * np.exp(-r))


strategy.register("gaussian", Gaussian)
