"""A small decision tree over several sizes and their product.

Grown greedily to lower the summed regret log(time of chosen / time of best), not the count of wrong labels: near a
border either answer is right. Sees points and costs; no clock, no kernels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .crossover import SWITCH_COST

#: Deep enough for three features, shallow enough to read.
MAX_DEPTH = 4

Point = Mapping[str, int]


@dataclass(frozen=True)
class Label:
    """A leaf: the candidate for the points that reach it."""

    winner: str
    points: tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """A split: below `at` one way, from `at` on the other; the true border lies between `low` and `high`."""

    feature: str
    at: int
    low: int
    high: int
    below: Node | Label
    above: Node | Label


def features_of(names: Sequence[str]) -> list[str]:
    """The sizes themselves and, if there are several, the product of all, as expressions."""
    return [*names, "*".join(names)] if len(names) > 1 else list(names)


def value_of(feature: str, point: Point) -> int:
    """The value of a feature at a point."""
    return math.prod(point[name] for name in feature.split("*"))


def grow(
    points: Sequence[Point],
    costs: Sequence[Mapping[str, float]],
    *,
    reference: str,
    prefer: Mapping[str, int],
) -> Node | Label:
    """The tree for these points.

    Parameters
    ----------
    points : sequence of mapping
        Sizes by name.
    costs : sequence of mapping
        Seconds a call by candidate, for each point.
    reference : str
        The candidate that wins ties.
    prefer : mapping
        Rank of candidates for other ties: lower is preferred.
    """
    names = list(points[0])
    return _grow(points, costs, tuple(range(len(points))), features_of(names), MAX_DEPTH, reference, prefer)


def _grow(
    points: Sequence[Point],
    costs: Sequence[Mapping[str, float]],
    members: tuple[int, ...],
    features: Sequence[str],
    depth: int,
    reference: str,
    prefer: Mapping[str, int],
) -> Node | Label:
    winner, regret = best_label(costs, members, reference, prefer)
    if depth == 0 or regret <= SWITCH_COST:
        return Label(winner, members)
    best: tuple[float, str, int, int, tuple[int, ...], tuple[int, ...]] | None = None
    for feature in features:
        values = sorted({value_of(feature, points[i]) for i in members})
        for low, high in itertools.pairwise(values):
            below = tuple(i for i in members if value_of(feature, points[i]) <= low)
            above = tuple(i for i in members if value_of(feature, points[i]) > low)
            total = sum(best_label(costs, side, reference, prefer)[1] for side in (below, above))
            if best is None or total < best[0] - 1e-12:
                best = (total, feature, low, high, below, above)
    if best is None or regret - best[0] < SWITCH_COST:
        return Label(winner, members)
    _, feature, low, high, below, above = best
    at = max(low + 1, round(math.sqrt(max(low, 1) * high)))
    return Node(
        feature, at, low, high,
        _grow(points, costs, below, features, depth - 1, reference, prefer),
        _grow(points, costs, above, features, depth - 1, reference, prefer),
    )  # fmt: skip


def best_label(
    costs: Sequence[Mapping[str, float]], members: Sequence[int], reference: str, prefer: Mapping[str, int]
) -> tuple[str, float]:
    """The candidate with the least summed regret over some points, and that regret.

    One that was not measured at a point is out. The reference stays unless another is better by the switch cost a
    point; among the rest, those within a hundredth of it in all are told apart by preference.
    """
    totals: dict[str, float] = {}
    for name in set.intersection(*(set(costs[i]) for i in members)):
        totals[name] = sum(math.log(costs[i][name] / min(costs[i].values())) for i in members)
    least = min(totals.values())
    if reference in totals and totals[reference] - least < SWITCH_COST * len(members):
        return reference, totals[reference]
    close = [name for name, total in totals.items() if total - least < 0.01 * len(members)]
    winner = min(close, key=lambda name: (prefer.get(name, 0), totals[name], name))
    return winner, totals[winner]
