"""How much measuring a calibration does. Knows nothing of how it is done."""

from __future__ import annotations

from dataclasses import dataclass

from . import grid


@dataclass(frozen=True)
class Effort:
    """How much measuring a calibration does."""

    name: str
    #: Ratio of neighbouring sizes on the grid.
    factor: float
    #: Points of a design over several sizes.
    points: int
    #: Seconds for one race beyond its first rounds, and for one duel of a bisection.
    race_s: float
    duel_s: float
    #: Held-out sizes of an audit, twice as many where there are several sizes, and how often a decision that fails one
    #: is reached anew with them.
    held_out: int
    refinements: int
    #: Whether data from memory is measured too.
    cold: bool


#: quick: half as dense, short races, warm data only; thorough: twice as dense, patient races.
EFFORTS = {
    "quick": Effort("quick", 8.0, 14, 0.15, 0.05, 4, 1, cold=False),
    "standard": Effort("standard", 4.0, grid.MAX_POINTS, 0.6, 0.2, 6, 4, cold=True),
    "thorough": Effort("thorough", 2.0, 2 * grid.MAX_POINTS, 2.0, 0.8, 12, 5, cold=True),
}
