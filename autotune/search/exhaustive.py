"""Every setting once, the given ones first."""

from __future__ import annotations

from collections.abc import Sequence

from ..space import Config, Space
from . import strategy


class Exhaustive:
    """Proposes all legal configs in the order of the space."""

    def __init__(self, space: Space, seed: int, first: Sequence[Config] = ()) -> None:
        self._pending = list(dict.fromkeys([*(config for config in first if config in space), *space]))

    def ask(self) -> Config | None:
        return self._pending[0] if self._pending else None

    def tell(self, config: Config, cost: float) -> None:
        self._pending = [pending for pending in self._pending if pending != config]


strategy.register("exhaustive", Exhaustive)
