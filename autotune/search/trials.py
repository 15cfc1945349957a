"""The trials of a search and the choice of its finalists, from paired samples.

A strategy is told single samples, because many settings known roughly are worth more than few known well. Two places
need more than one: a setting that seems to beat the incumbent, because all later costs are relative to it, so that one
slow sample of the old incumbent would make everything after it look fast; and the finalists, because the lowest of many
noisy costs was lucky. Sees costs by name; no clock, no kernels.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

from ..space import Config, Space
from .strategy import Strategy

#: A search tries a tenth of a space, the share at which `tests.benchmarks.bench_search` holds the strategies against
#: each other, but at least and at most this many settings.
FEWEST, MOST = 30, 100
#: Pairs of samples, whose median decides whether a setting becomes the incumbent. With one pair the Gaussian process
#: lost up to 3.6 % on the recorded landscapes although it had tried the best setting nearly every time.
CONFIRMED = 3
#: So many of the lowest costs are sampled in this many rounds more; without, the loss was up to 2.8 %.
SCREENED, SCREEN_ROUNDS = 12, 4
#: How many of the best are raced: a search's own best value is optimistic (MEASUREMENT.md, section 4).
FINALISTS = 4


def number_of_trials(space: Space) -> int:
    """How many settings of a space to try."""
    return max(FEWEST, min(space.count(10 * MOST) // 10, MOST))


def finalists(
    proposer: Strategy,
    *,
    trials: int,
    base: str,
    enter: Callable[[Config], str | None],
    measure: Callable[[Sequence[str]], list[float]],
    spent: Callable[[], bool] = lambda: False,
) -> list[str]:
    """The most promising settings by name, best first.

    Parameters
    ----------
    proposer : Strategy
    trials : int
        How many of its proposals are tried.
    base : str
        What the first costs are relative to.
    enter : callable
        Makes a setting ready; its name, or None if it fails.
    measure : callable
        Seconds a call of each of these names, in one round.
    spent : callable
        Whether to stop; asked after each trial.
    """

    def log_ratio(name: str, other: str) -> float:
        seconds, other_seconds = measure([name, other])
        return math.log(seconds / other_seconds)

    costs = {base: 0.0}
    incumbent = base
    for _ in range(trials):
        config = proposer.ask()
        if config is None:
            break
        name = enter(config)
        if name is None:
            proposer.tell(config, math.inf)
        else:
            ratio = log_ratio(name, incumbent)
            if ratio < 0:
                ratio = statistics.median([ratio, *(log_ratio(name, incumbent) for _ in range(CONFIRMED - 1))])
            costs[name] = costs[incumbent] + ratio
            proposer.tell(config, costs[name])
            if ratio < 0:
                incumbent = name
        if spent():
            break
    del costs[base]
    chosen = sorted(costs, key=costs.__getitem__)[:SCREENED]
    if len(chosen) > FINALISTS:
        rounds = [measure(chosen) for _ in range(SCREEN_ROUNDS)]
        medians = {name: statistics.median(seen) for name, *seen in zip(chosen, *rounds, strict=True)}
        chosen.sort(key=medians.__getitem__)
    return chosen[:FINALISTS]
