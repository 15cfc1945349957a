"""The contract of a search strategy, and the strategies by name.

A strategy proposes configs of one space and is told what they cost. It sees a space, a seed and costs, nothing else:
no clock, no kernel, no store. A third party adds one with `register`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..space import Config, Space

#: Spaces of at most this many settings are raced whole; a model would cost more than it saves (MEASUREMENT.md, 4).
MAX_EXHAUSTIVE = 64


class Strategy(Protocol):
    """Ask and tell.

    `ask` gives a legal config that has not been told yet, or None when there is nothing left to propose. `tell` takes
    the cost of a config, lower is better: the logarithm of its time over the incumbent's in the same round, or
    ``math.inf`` for one that failed. Equal seeds and costs give equal proposals.
    """

    def ask(self) -> Config | None: ...

    def tell(self, config: Config, cost: float) -> None: ...


#: (space, seed, first configs to try) → strategy.
Factory = Callable[[Space, int, Sequence[Config]], Strategy]

_factories: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Make a strategy known by name."""
    _factories[name] = factory


def make(name: str, space: Space, *, seed: int, first: Sequence[Config] = ()) -> Strategy:
    """The strategy of that name over `space`; `first` is proposed before anything else.

    Raises
    ------
    LookupError
        No strategy has that name.
    """
    from . import exhaustive, tpe  # noqa: F401 - they register themselves

    if name not in _factories:
        raise LookupError(f"no search strategy is named {name!r}; known: {', '.join(sorted(_factories))}")
    return _factories[name](space, seed, first)


def fitting(space: Space) -> str:
    """The name of the strategy that suits the size of a space."""
    return "exhaustive" if space.size <= MAX_EXHAUSTIVE else "tpe"
