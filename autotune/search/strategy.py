"""The contract of a search strategy, and the strategies by name.

A strategy proposes configs of one space and is told what they cost. It sees a space, a seed and costs, nothing else:
no clock, no kernel, no store. A third party adds one with `register`, or, so that workers and other programs know it
too, by an entry point of its distribution in the group ``autotune.strategies``::

    [project.entry-points."autotune.strategies"]
    anneal = "my_package.annealing:Annealing"

whose object is a `Factory`. ``AUTOTUNE_STRATEGY=anneal`` or ``strategy = "anneal"`` in ``[tool.autotune]`` chooses it
for the spaces that are too large to race whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..errors import UnknownStrategy
from ..space import Config, Space

#: Spaces of at most this many settings are raced whole; a model would cost more than it saves (MEASUREMENT.md, 4).
MAX_EXHAUSTIVE = 64
#: What spaces above `MAX_EXHAUSTIVE` are searched by where the user names nothing else: the best one by replay.
DEFAULT = "gaussian"
#: Where distributions offer strategies.
ENTRY_POINTS = "autotune.strategies"


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
    """Make a strategy known by name, in this process."""
    _factories[name] = factory


def find(name: str) -> Factory:
    """The strategy of that name: one of autotune's, one registered, or one that an installed distribution offers.

    Raises
    ------
    UnknownStrategy
        No strategy has that name, or its distribution cannot be imported.
    """
    from . import exhaustive, gaussian, greedy, tpe, uniform  # noqa: F401 - they register themselves

    if name not in _factories:
        from importlib import metadata

        offered = {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINTS)}
        if name not in offered:
            known = ", ".join(sorted({*_factories, *offered}))
            raise UnknownStrategy(
                f"no search strategy is named {name!r}; known: {known}; correct AUTOTUNE_STRATEGY or strategy in "
                f"[tool.autotune], or install a package with the entry point {name} in the group {ENTRY_POINTS}"
            )
        try:
            register(name, offered[name].load())
        except Exception as error:  # the candidate boundary: a third party's module
            raise UnknownStrategy(
                f"the search strategy {name!r} ({offered[name].value}) cannot be imported: "
                f"{type(error).__name__}: {error}; mend or remove its package, or name another in AUTOTUNE_STRATEGY"
            ) from error
    return _factories[name]


def make(name: str, space: Space, *, seed: int, first: Sequence[Config] = ()) -> Strategy:
    """The strategy of that name over `space`; `first` is proposed before anything else.

    Raises
    ------
    UnknownStrategy
        No strategy has that name.
    """
    return find(name)(space, seed, first)


def fitting(space: Space, preferred: str | None = None) -> str:
    """The name of the strategy that suits the size of a space: `preferred` where it is too large to race whole."""
    return "exhaustive" if space.count(MAX_EXHAUSTIVE + 1) <= MAX_EXHAUSTIVE else preferred or DEFAULT
