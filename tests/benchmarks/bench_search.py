"""Searches replayed on recorded landscapes: what the strategies lose after trying a tenth of the settings.

Run as ``python -m tests.benchmarks.bench_search [trials]``; ``trials`` adds a table of ours by number of trials, from
which the rule for that number comes. No clock is read: every cost is a recorded sample
(`tests.landscapes`), the trials and the choice of finalists are those that calibrate. All strategies start with the
default setting and are told the same kind of cost; TPE is Optuna's with its defaults, and repeats no setting.
"""

from __future__ import annotations

import math
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

import numpy as np

from autotune.search.strategy import DEFAULT
from autotune.search.trials import FEWEST, MOST, number_of_trials
from tests.benchmarks.timing import report, verdict
from tests.landscapes.record import PROBLEMS, load
from tests.landscapes.replay import regrets

#: Seeds of each strategy; TPE takes 30 ms a trial where a constraint refuses many of its proposals.
SEEDS = {DEFAULT: 100, "tpe": 40, "random": 400, "greedy": 400}
#: Limits: mean regret over that of random search, and over that of TPE by no more than so many standard errors of the
#: difference, because a few unlucky seeds make up most of each mean.
SHARE, ERRORS = 0.5, 2.0
#: Other numbers of trials, for the rule that chooses it.
TRIALS = (15, FEWEST, 50, MOST)
OTHER_SEEDS = 20
#: Seeds that a process takes at a time.
BATCH = 10


def _limit_threads() -> None:
    import threadpoolctl

    threadpoolctl.threadpool_limits(1)


def _batch(landscape: str, name: str, trials: int, first: int) -> np.ndarray:
    return regrets(load(landscape), name, trials, range(first, first + BATCH))


def replayed(pool: ProcessPoolExecutor, landscape: str, name: str, trials: int, seeds: int) -> np.ndarray:
    """Regrets of a strategy on a landscape, shape (seeds,)."""
    starts = range(0, seeds, BATCH)
    return np.concatenate(list(pool.map(_batch, repeat(landscape), repeat(name), repeat(trials), starts)))


def error(found: np.ndarray) -> float:
    """Standard error of the mean."""
    return float(found.std(ddof=1) / math.sqrt(len(found)))


def shown(found: np.ndarray) -> str:
    return f"{found.mean():.2%} ± {error(found):.2%}"


def main() -> int:
    rows, other = [], []
    with ProcessPoolExecutor(os.cpu_count(), initializer=_limit_threads) as pool:
        for landscape in PROBLEMS:
            space = load(landscape).space
            trials = number_of_trials(space)
            assert trials == space.size // 10, "the figure is about a tenth of the space"
            found = {name: replayed(pool, landscape, name, trials, seeds) for name, seeds in SEEDS.items()}
            ours, tpe = found[DEFAULT], found["tpe"]
            limit = min(SHARE * found["random"].mean(), tpe.mean() + ERRORS * math.hypot(error(ours), error(tpe)))
            rows.append([
                landscape, str(space.size), str(trials), *map(shown, found.values()), f"{limit:.2%}",
                verdict(ours.mean() <= limit),
            ])  # fmt: skip
            if "trials" in sys.argv:
                counts = [shown(replayed(pool, landscape, DEFAULT, count, OTHER_SEEDS)) for count in TRIALS]
                other.append([landscape, *counts])
    report(
        "mean regret after a tenth of the settings, ± standard error; the limit is the smaller of half of random's "
        f"and tpe's + {ERRORS:g} standard errors of the difference",
        ["landscape", "settings", "trials", *SEEDS, "limit", ""], rows,
    )  # fmt: skip
    if other:
        report(f"mean regret of {DEFAULT} by number of trials", ["landscape", *map(str, TRIALS)], other)
    return 0 if all(row[-1] == "met" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
