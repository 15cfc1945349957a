"""Random search: every setting that is left is equally likely to be next. The baseline of every other strategy.

J. Bergstra and Y. Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 13, 2012.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..space import Config, Space
from . import strategy
from .untried import Untried


class Random:
    """Proposes the given settings and the default, then settings at random."""

    def __init__(self, space: Space, seed: int, first: Sequence[Config] = ()) -> None:
        self._untried = Untried(space, seed, first)
        self._next: Config | None = None

    def ask(self) -> Config | None:
        if self._next is None:
            self._next = self._untried.given() or next(iter(self._untried.some(1)), None)
        return self._next

    def tell(self, config: Config, cost: float) -> None:
        self._untried.tell(config, cost)
        self._next = None


strategy.register("random", Random)
