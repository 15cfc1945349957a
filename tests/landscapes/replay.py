"""A search replayed on a recorded landscape, as `Contest.search` and the race after it would have gone.

A trial reads samples of one recorded round: the setting's over the incumbent's. The race is modelled by medians over
rounds that the search has not seen, the truth by medians over all rounds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from autotune.search.strategy import FINALISTS, Strategy
from tests.landscapes.record import Landscape

#: Rounds that the search may see; the race sees the others.
SEEN = 12
REFERENCE = -1


def regret(landscape: Landscape, make: Callable[[], Strategy], trials: int, seed: int) -> float:
    """True time of the setting that is chosen after `trials` trials over that of the best, minus 1."""
    rows, samples, rng = landscape.rows, np.vstack([landscape.samples, landscape.reference]), random.Random(seed)
    proposer, tried, incumbent = make(), {REFERENCE: 0.0}, REFERENCE
    for _ in range(trials):
        config = proposer.ask()
        if config is None:
            break
        row, now = rows[config], rng.randrange(SEEN)
        cost = math.log(samples[row, now] / samples[incumbent, now])
        tried[row] = cost + tried[incumbent]
        proposer.tell(config, tried[row])
        if cost < 0:
            incumbent = row
    del tried[REFERENCE]
    finalists = sorted(tried, key=tried.__getitem__)[:FINALISTS]
    chosen = min(finalists, key=lambda row: np.median(landscape.samples[row, SEEN:]))
    return float(landscape.true_s[chosen] / landscape.true_s.min() - 1)
