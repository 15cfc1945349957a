"""How long compiling took, so that it does not count as the work of what was compiled on the way.

Knows nothing of what is compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Compiling:
    """The seconds that a block spent on compiling; known when it has ended."""

    seconds: float = 0.0


@contextmanager
def compiling() -> Iterator[Compiling]:
    """Clock Numba's compilations in this block, nested ones once; nothing, if Numba was not loaded before."""
    spent = Compiling()
    events = sys.modules.get("numba.core.event")
    if events is None:
        yield spent
        return
    with events.install_listener("numba:compile", events.TimingListener()) as listener:
        try:
            yield spent
        finally:
            spent.seconds = listener.duration if listener.done else 0.0
