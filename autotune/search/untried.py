"""The settings of a space that a strategy has not been told of: the given ones first, then all, or drawn at random.

Knows nothing of models; strategies are made with it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from ..space import Config, Space

#: Spaces of at most this many products of values are listed whole, in some 30 ms; from larger ones settings are drawn.
LISTED = 20_000
#: Draws for each setting that is asked for; a constraint that refuses them all is searched in order instead.
DRAWS = 20


class Untried:
    """What is left of a space.

    Parameters
    ----------
    space : Space
    seed : int
    first : sequence of Config
        Proposed before anything else, then the default; what is not legal is passed over.
    """

    def __init__(self, space: Space, seed: int, first: Sequence[Config] = ()) -> None:
        self.space = space
        self.rng = random.Random(seed)  # noqa: S311 - which settings, not a secret
        self.told: dict[Config, float] = {}
        self._first = list(dict.fromkeys([*(config for config in first if config in space), space.default]))
        self._values = [(name, parameter.values()) for name, parameter in space.parameters.items()]
        product = math.prod(len(values) for _, values in self._values)
        self._listed: list[Config] | None = list(space) if product <= LISTED else None
        self._places = {config: place for place, config in enumerate(self._listed or ())}

    def tell(self, config: Config, cost: float) -> None:
        self.told[config] = cost
        place = self._places.pop(config, None)
        if place is not None and self._listed is not None:
            last = self._listed.pop()  # takes the place of the one that is gone
            if last != config:
                self._listed[place], self._places[last] = last, place

    def given(self) -> Config | None:
        """The next of the given settings, or None."""
        return next((config for config in self._first if config not in self.told), None)

    def some(self, count: int) -> list[Config]:
        """Up to `count` settings at random, without repeats; none only if nothing is left."""
        if self._listed is not None:
            return self.rng.sample(self._listed, min(count, len(self._listed)))
        drawn: dict[Config, None] = {}
        for _ in range(DRAWS * count):
            config = tuple((name, self.rng.choice(values)) for name, values in self._values)
            if config not in self.told and self.space.satisfies(config):
                drawn[config] = None
                if len(drawn) == count:
                    break
        if not drawn:
            drawn = dict.fromkeys(config for config in [self._next()] if config is not None)
        return list(drawn)

    def neighbours(self, config: Config) -> list[Config]:
        """Settings one step away, in random order."""
        found = [near for near in self.space.neighbours(config) if near not in self.told]
        self.rng.shuffle(found)
        return found

    def _next(self) -> Config | None:
        """The first one in the order of the space."""
        return next((config for config in self.space if config not in self.told), None)
