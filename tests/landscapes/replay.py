"""A search replayed on a recorded landscape: no clock is read, the samples of the recording are.

The trials and the choice of finalists are those that calibrate (`autotune.search.trials`). A round is one of the first
recorded ones, drawn at random; the race of the finalists is modelled by medians over the other rounds, which the search
has not seen; the truth is the median over all rounds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from autotune.kernel.model import REFERENCE
from autotune.search import strategy
from autotune.search.strategy import Strategy
from autotune.search.trials import finalists
from autotune.space import Config
from tests.landscapes.record import Landscape

#: Rounds that the search may see.
SEEN = 12


def regret(landscape: Landscape, proposer: Strategy, trials: int, seed: int) -> float:
    """True time of the setting that is chosen after so many trials over that of the best one, minus 1."""
    rows, rng = {REFERENCE: -1}, random.Random(seed)
    seconds = np.vstack([landscape.samples, landscape.reference])

    def enter(config: Config) -> str:
        rows[str(config)] = landscape.rows[config]
        return str(config)

    def measure(names: Sequence[str]) -> list[float]:
        now = rng.randrange(SEEN)
        return [float(seconds[rows[name], now]) for name in names]

    raced = [rows[name] for name in finalists(proposer, trials=trials, base=REFERENCE, enter=enter, measure=measure)]
    chosen = min(raced, key=lambda row: np.median(seconds[row, SEEN:]))
    return float(landscape.true_s[chosen] / landscape.true_s.min() - 1)


def regrets(landscape: Landscape, name: str, trials: int, seeds: Sequence[int]) -> np.ndarray:
    """Regret of a strategy with each of these seeds, shape (seeds,)."""
    return np.array([
        regret(landscape, strategy.make(name, landscape.space, seed=seed), trials, seed) for seed in seeds
    ])  # fmt: skip
