"""A small decision tree over several sizes and their products.

Grown greedily to lower the mean regret log(time of chosen / time of best), not the count of wrong labels: near a
border either answer is right. Sees points and costs; no clock, no kernels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .crossover import SWITCH_COST

#: Deep enough for three sizes, shallow enough to read: on recorded costs of the shipped kernels, depth 8 is no better.
MAX_DEPTH = 6
#: A split must lower the mean regret over all points by this much: a hundredth of what a decision may lose.
WORTH = 5e-4

Point = Mapping[str, int]


@dataclass(frozen=True)
class Label:
    """A leaf: the candidate for the points that reach it."""

    winner: str
    points: tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """A split: below `at` one way, from `at` on the other; between `low` and `high` the border is as good anywhere."""

    feature: str
    at: int
    low: int
    high: int
    below: Node | Label
    above: Node | Label


def features_of(names: Sequence[str]) -> list[str]:
    """The sizes themselves and the products of two or more of them, as expressions."""
    return ["*".join(some) for count in range(1, len(names) + 1) for some in itertools.combinations(names, count)]


def value_of(feature: str, point: Point) -> int:
    """The value of a feature at a point."""
    return math.prod(point[name] for name in feature.split("*"))


@dataclass(frozen=True)
class Grower:
    """Grows a tree.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (points,)
        Logarithms, base 2, of the features.
    regrets : ndarray, shape (points, candidates)
        Logarithms of costs over the best of the point; infinite where a candidate cannot win.
    candidates : sequence of str
        The columns of regrets.
    reference : str
        The candidate that wins ties.
    prefer : mapping
        Rank of candidates for other ties: lower is preferred.
    """

    values: Mapping[str, np.ndarray]
    regrets: np.ndarray
    candidates: Sequence[str]
    reference: str
    prefer: Mapping[str, int]

    def grow(self) -> Node | Label:
        return self._grow(np.arange(len(self.regrets)), MAX_DEPTH)

    def _grow(self, members: np.ndarray, depth: int) -> Node | Label:
        regrets = self.regrets[members]
        worth = WORTH * len(self.regrets)
        least = float(regrets.sum(axis=0).min())
        best: tuple[float, str, float, float, float] | None = None
        if depth and least > worth:
            for feature, values in self.values.items():
                found = _best_border(values[members], regrets, worth)
                if found is not None and (best is None or found[0] < best[0] - 1e-12):
                    best = (found[0], feature, *found[1:])
        if best is None or least - best[0] < worth:
            return Label(self._label(regrets), tuple(int(i) for i in members))
        _, feature, low, at, high = best
        inside = self.values[feature][members] < at
        below, above = self._grow(members[inside], depth - 1), self._grow(members[~inside], depth - 1)
        if isinstance(below, Label) and isinstance(above, Label) and below.winner == above.winner:
            return Label(below.winner, (*below.points, *above.points))
        border = _whole(at)
        return Node(feature, border, min(_whole(low), border), max(_whole(high), border), below, above)

    def _label(self, regrets: np.ndarray) -> str:
        """The candidate with the least summed regret.

        The reference stays unless another is better by the switch cost a point; among the rest, those within a
        hundredth of it in all are told apart by preference.
        """
        count = len(regrets)
        totals = dict(zip(self.candidates, regrets.sum(axis=0).tolist(), strict=True))
        least = min(totals.values())
        if totals.get(self.reference, math.inf) - least < SWITCH_COST * count:
            return self.reference
        close = [name for name, total in totals.items() if total - least < 0.01 * count]
        return min(close, key=lambda name: (self.prefer.get(name, 0), totals[name], name))


def _best_border(values: np.ndarray, regrets: np.ndarray, worth: float) -> tuple[float, float, float, float] | None:
    """The least total of two labels with a border in between, and where it lies: low end, middle, high end."""
    order = np.argsort(values, kind="stable")
    values, sums = values[order], np.cumsum(regrets[order], axis=0)
    totals = sums[:-1].min(axis=1) + (sums[-1] - sums[:-1]).min(axis=1)
    totals = np.where(values[1:] > values[:-1], totals, np.inf)
    if not len(totals) or not np.isfinite(totals.min()):
        return None
    at = int(np.argmin(totals))
    good = (totals <= totals[at] + worth) | ~np.isfinite(totals)
    first, last = at, at
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    return float(totals[at]), float(values[first]), float(values[at] + values[at + 1]) / 2, float(values[last + 1])


def _whole(log: float) -> int:
    return max(1, round(2**log))


def grow(
    names: Sequence[str],
    points: np.ndarray,
    log_costs: np.ndarray,
    candidates: Sequence[str],
    *,
    reference: str,
    prefer: Mapping[str, int],
) -> Node | Label:
    """The tree for these points.

    Parameters
    ----------
    names : sequence of str
        Sizes.
    points : ndarray, shape (n, sizes)
        Logarithms, base 2, of the sizes.
    log_costs : ndarray, shape (n, candidates)
        Logarithms of times, each row relative to whatever it likes.
    candidates : sequence of str
        Their names.
    reference : str
        The candidate that wins ties.
    prefer : mapping
        Rank of candidates for other ties: lower is preferred.
    """
    columns = {name: index for index, name in enumerate(names)}
    values = {
        feature: points[:, [columns[name] for name in feature.split("*")]].sum(axis=1) for feature in features_of(names)
    }
    regrets = log_costs - log_costs.min(axis=1, keepdims=True)
    return Grower(values, regrets, candidates, reference, prefer).grow()
