"""How much measuring a calibration does. Knows nothing of how it is done."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

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
    #: What a signature takes as a rule, compiled already, and what all signatures of a calibration may take together,
    #: compilation included.
    usual_s: float
    total_s: float
    #: Seconds that one size may take as a whole; larger ones are left out.
    point_s: float = math.inf

    def hurried(self, share_s: float) -> Effort:
        """The effort for one of many signatures that has this many seconds: shorter races, fewer sizes, none
        that take long, fewer second thoughts. What has time enough is not hurried."""
        haste = share_s / self.usual_s
        if haste >= 1:
            return self
        return replace(
            self,
            factor=max(self.factor, EFFORTS["quick"].factor) if haste < DENSE else self.factor,
            points=max(EFFORTS["quick"].points, round(self.points * haste)),
            race_s=self.race_s * haste,
            duel_s=self.duel_s * haste,
            held_out=max(EFFORTS["quick"].held_out, round(self.held_out * haste)),
            refinements=round(self.refinements * haste),
            point_s=POINT_SHARE * share_s,
        )


#: Of the time of a hurried signature, this much for its largest size: sizes a factor of four apart then take all of it.
POINT_SHARE = 0.4
#: Below this share of the usual time, sizes are as far apart as those of a quick calibration.
DENSE = 0.5
#: quick: half as dense, short races, warm data only; thorough: twice as dense, patient races.
EFFORTS = {
    "quick": Effort("quick", 8.0, 14, 0.15, 0.05, 4, 1, cold=False, usual_s=4, total_s=6 * 60),
    "standard": Effort("standard", 4.0, grid.MAX_POINTS, 0.6, 0.2, 6, 4, cold=True, usual_s=10, total_s=12 * 60),
    "thorough": Effort("thorough", 2.0, 2 * grid.MAX_POINTS, 2.0, 0.8, 12, 5, cold=True, usual_s=40, total_s=math.inf),
}
