"""Optuna's tree-structured Parzen estimator, in memory, by ask and tell.

J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011. Costs 1-2 ms a trial, which is why
small spaces are enumerated. Optuna is imported here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..space import Config, Space
from . import strategy

#: Random settings before the model is used; a model of fewer points misleads (Optuna's own default is 10).
STARTUP_TRIALS = 10
#: Proposals that break the constraint or repeat an old one, in a row, after which the rest is enumerated instead.
MAX_REJECTED = 50


class TPE:
    """Proposes what a model of past costs expects most of."""

    def __init__(self, space: Space, seed: int, first: Sequence[Config] = ()) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna: Any = optuna
        self._space = space
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
        self._study = optuna.create_study(sampler=sampler)
        self._distributions: dict[str, Any] = {
            name: optuna.distributions.IntDistribution(0, len(parameter.values()) - 1)
            for name, parameter in space.parameters.items()
        }
        self._told: dict[Config, float] = {}
        self._trials: dict[Config, Any] = {}
        for config in dict.fromkeys([*(config for config in first if config in space), space.default]):
            self._study.enqueue_trial(self._indices(config))

    def _indices(self, config: Config) -> dict[str, int]:
        return {name: self._space.parameters[name].values().index(value) for name, value in config}

    def _config(self, trial: Any) -> Config:
        return tuple((name, p.values()[trial.params[name]]) for name, p in self._space.parameters.items())

    def ask(self) -> Config | None:
        for _ in range(MAX_REJECTED):
            trial = self._study.ask(self._distributions)
            config = self._config(trial)
            if config in self._told:  # tell the model again, so that it moves on
                self._finish(trial, self._told[config])
            elif not self._space.satisfies(config):
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            else:
                self._trials[config] = trial
                return config
        return next((config for config in self._space if config not in self._told), None)

    def tell(self, config: Config, cost: float) -> None:
        self._told[config] = cost
        trial = self._trials.pop(config, None)
        if trial is not None:
            self._finish(trial, cost)

    def _finish(self, trial: Any, cost: float) -> None:
        if math.isfinite(cost):
            self._study.tell(trial, cost)
        else:
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)


strategy.register("tpe", TPE)
