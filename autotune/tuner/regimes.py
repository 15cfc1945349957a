"""Warm and cold caches: one winner for both.

A loop that is timed over and over finds its data where the call before left it; in a program the data often comes from
memory. Where the two have different winners, the one is taken that loses least in the case that is worse for it.
Knows nothing of how samples are taken.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..kernel.model import REFERENCE
from ..measure.paired import paired_interval
from ..measure.race import HOPELESS, INDIFFERENCE, Verdict


@dataclass(frozen=True)
class Regimes:
    """What was measured at one size.

    Parameters
    ----------
    warm : Verdict
        Of the race on data that the call before has used.
    cold : Verdict or None
        Of the race on data from memory, among the candidates that came near the best on warm data; None where the
        state of the caches cannot matter.
    """

    warm: Verdict
    cold: Verdict | None = None

    @property
    def depends(self) -> bool:
        """Whether the two have different winners, beyond a tie."""
        if self.cold is None:
            return False
        losses = self._losses(self.cold)
        return losses.get(self.warm.winner, HOPELESS) > 1 + INDIFFERENCE

    @staticmethod
    def _losses(verdict: Verdict) -> dict[str, float]:
        medians = {name: statistics.median(samples) for name, samples in verdict.samples.items()}
        best = min(medians.values())
        return {name: median / best for name, median in medians.items()}

    def worst_losses(self) -> dict[str, float]:
        """Time over the best's in the regime that is worse for a candidate; those without cold samples by warm ones.

        What is slower than the reference on warm data, beyond a tie, loses more than the reference does: nobody shall
        find a loop slower than before because another program's would be faster.
        """
        warm = self._losses(self.warm)
        if self.cold is None:
            return warm
        cold = self._losses(self.cold)
        worst = {name: max(loss, cold.get(name, 0.0)) for name, loss in warm.items()}
        if REFERENCE in warm:
            for name, loss in warm.items():
                if loss > (1 + INDIFFERENCE) * warm[REFERENCE]:
                    worst[name] = max(worst[name], worst[REFERENCE] * loss / warm[REFERENCE])
        return worst

    def surcharges(self) -> dict[str, float]:
        """By what factor a candidate's time on warm data is to be raised for what it loses on cold data."""
        warm = self._losses(self.warm)
        return {name: loss / warm[name] for name, loss in self.worst_losses().items()}

    def settled(self, threaded: Iterable[str]) -> Verdict:
        """The verdict for both regimes: the winner on warm data, unless another loses clearly less.

        Parameters
        ----------
        threaded : iterable of str
            Candidates that use several threads; they win here only if they were allowed to win on warm data or cold.
        """
        if self.cold is None or not self.depends:
            return self.warm
        allowed = {self.warm.winner, self.cold.winner}
        losses = {
            name: loss
            for name, loss in self.worst_losses().items()
            if name in self.cold.samples and (name in allowed or name not in set(threaded))
        }
        if self.warm.winner not in losses:
            return self.warm
        best = min(losses, key=lambda name: (losses[name], name))
        if losses[self.warm.winner] < losses[best] * (1 + INDIFFERENCE):
            return self.warm
        singles = {name: loss for name, loss in losses.items() if name not in set(threaded)}
        single = min(singles, key=lambda name: (singles[name], name)) if singles else self.warm.single
        return replace(
            self.warm,
            winner=best,
            single=best if best in singles else single,
            reason=f"loses least in warm and cold caches ({losses[best] - 1:.0%} at worst); {self.warm.winner} wins "
            f"warm, {self.cold.winner} cold",
            against_reference=(
                paired_interval(self.warm.samples[best], self.warm.samples[REFERENCE])
                if REFERENCE in self.warm.samples
                else None
            ),
        )
