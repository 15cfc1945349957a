"""Descent to better neighbours, one step of one parameter at a time, from random settings again and again.

First improvement and random restarts: E. Aarts and J. K. Lenstra (eds.), "Local Search in Combinatorial Optimization",
Wiley 1997, chapter 1. Cheap where a model is not: costs nothing a proposal, but trusts every single cost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..space import Config, Space
from . import strategy
from .untried import Untried


class Greedy:
    """Proposes neighbours of the best setting since the last restart."""

    def __init__(self, space: Space, seed: int, first: Sequence[Config] = ()) -> None:
        self._untried = Untried(space, seed, first)
        self._here: Config | None = None
        self._here_cost = math.inf
        self._next: Config | None = None

    def ask(self) -> Config | None:
        if self._next is None:
            self._next = self._untried.given()
        if self._next is None and self._here is not None:
            self._next = next(iter(self._untried.neighbours(self._here)), None)
        if self._next is None:  # a local minimum
            self._here, self._here_cost = None, math.inf
            self._next = next(iter(self._untried.some(1)), None)
        return self._next

    def tell(self, config: Config, cost: float) -> None:
        self._untried.tell(config, cost)
        self._next = None
        if cost < self._here_cost:
            self._here, self._here_cost = config, cost


strategy.register("greedy", Greedy)
