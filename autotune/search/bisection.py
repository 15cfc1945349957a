"""Where one candidate hands over to another, when every comparison may be wrong.

Plain bisection believes each comparison for ever, so that one disturbed duel sends it into the wrong half. Here the
border has a probability for each place where it may lie; a comparison at the median of these shifts weight to one side,
as far as the comparison can be trusted (R. Waeber, P. I. Frazier and S. G. Henderson, "Bisection search with noisy
responses", SIAM J. Control Optim. 51(3), 2013). Sees sizes and log ratios; no clock, no names.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left

#: Standard deviation of the log ratio of two candidates between two times at which they are compared: half of the 3-6 %
#: by which the medians of two processes differ (MEASUREMENT.md, section 1).
SPREAD = 0.03
#: No comparison is believed further than this.
DOUBT = 0.02
#: Places where a border may lie are this far apart: a thirty-second of an octave.
STEP = 2 ** (1 / 32)
#: The middle share of the weight that tells how certain the border is.
SHARE = 0.8


class Border:
    """What is known of the border between two sizes.

    Parameters
    ----------
    low, high : int
        The border is one of ``low + 1 … high``: the first size of the upper side.
    """

    def __init__(self, low: int, high: int) -> None:
        self._places = [low + 1]
        while self._places[-1] < high:
            self._places.append(min(high, max(self._places[-1] + 1, round(self._places[-1] * STEP))))
        edges = [low, *self._places]
        self._weights = [math.log(b / max(a, 0.5)) for a, b in itertools.pairwise(edges)]

    @property
    def median(self) -> int:
        return self._quantile(0.5)

    @property
    def interval(self) -> tuple[int, int]:
        """Where the middle `SHARE` of the weight lies."""
        return self._quantile((1 - SHARE) / 2), self._quantile((1 + SHARE) / 2)

    def _quantile(self, share: float) -> int:
        sums = list(itertools.accumulate(self._weights))
        return self._places[min(bisect_left(sums, share * sums[-1]), len(sums) - 1)]

    def learn(self, size: int, lead: float) -> None:
        """A comparison at a size: `lead` is how much faster the upper candidate is there, in log time."""
        upper = 0.5 * (1 + math.erf(lead / (SPREAD * math.sqrt(2))))
        upper = min(max(upper, DOUBT), 1 - DOUBT)
        self._weights = [
            weight * (upper if place <= size else 1 - upper)
            for place, weight in zip(self._places, self._weights, strict=True)
        ]
