"""Where to spend the time of a calibration: the signature and the sizes whose measuring saves most for what it takes.

A site is one size of one signature as a program calls it. What measuring it is worth is the time that the program
spends there, times what is expected to be gained; sizes near it share what is found. Sees gains and costs as numbers;
knows nothing of clocks, of the store, or of how anything is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...store.record import REACH_OCTAVES
from ...tuner.hints import octaves
from ..workload import Calls, step_s
from .costs import Costs, Entry
from .gains import Gain

#: A call that takes so many times the median is the first of its kind, which loads, compiles or tunes, or was
#: disturbed: no other candidate would have been spared that, and what it took beyond does not count as saved.
DISTURBED = 4.0
#: A site so many octaves from all that is measured has nothing to do with it; nearer ones in proportion. The winners
#: over one size in the shipped records hold for 6.6 octaves in the median.
APART_OCTAVES = 6.6
#: Sites of one step; the next step goes on with what was found.
MOST_SITES = 8
#: The smallest and the largest size of a signature that is measured anyway are measured too if that takes no longer:
#: what is left unknown is tuned by the next run of the program, which takes longer.
FIRST_USE_S = 0.3

#: A step that takes up to so many times what is left is begun.
BEGUN = 3.0


@dataclass
class Site:
    """One size of one signature.

    Parameters
    ----------
    calls : Calls
        As recorded.
    best : Gain
        What the best candidate is expected to take, over what served.
    now : float or None
        What would serve now takes, over what served; None where nothing is decided.
    """

    calls: Calls
    best: Gain = Gain(1.0, "")  # noqa: RUF009 - frozen
    now: float | None = None
    #: The part of its time that is not of other kernels, called inside it: these are targets themselves.
    own: float = 1.0
    #: Time of what serves now over that of what served, as measured, with its interval.
    after: tuple[float, float, float] | None = None
    #: What a call of what served takes now.
    call_s: float | None = None
    #: Why it cannot be measured.
    unable: str = ""
    before_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.before_s = self.own * undisturbed_s(self.calls)

    @property
    def size(self) -> Mapping[str, int]:
        return self.calls.size

    @property
    def open(self) -> bool:
        return self.after is None and not self.unable

    @property
    def worth_s(self) -> float:
        """Seconds of a run that measuring it is expected to save."""
        return self.before_s * max(0.0, (1.0 if self.now is None else self.now) - self.best.ratio)

    @property
    def ratio(self) -> float:
        """What is expected to be spent on it now, over what was."""
        if self.after is not None:
            return self.after[0]
        return 1.0 if self.now is None else self.now


def undisturbed_s(calls: Calls) -> float:
    """The time of calls without what some of them took beyond `DISTURBED` times the median."""
    limit_s = DISTURBED * calls.median_s
    excess_s = sum(count * max(0.0, step_s(step) - limit_s) for step, count in calls.times.items())
    return max(calls.total_s - excess_s, calls.calls * calls.median_s / DISTURBED)


@dataclass
class Target:
    """One signature of one kernel.

    Parameters
    ----------
    name : str
        Of the kernel and the signature, for people.
    entry : Entry
        What admitting its candidates takes.
    """

    name: str
    entry: Entry
    sites: list[Site]
    #: Compiled already.
    compiled: bool = False
    #: What is needed to measure it; nothing that the plan looks at.
    about: Any = None

    @property
    def before_s(self) -> float:
        return sum(site.before_s for site in self.sites)

    @property
    def after_s(self) -> float:
        return sum(site.before_s * site.ratio for site in self.sites)


@dataclass(frozen=True)
class Step:
    """Measuring one signature at some sites, the most valuable first."""

    target: Target
    sites: Sequence[Site]
    #: Seconds of a run that it is expected to save.
    saving_s: float
    #: What it is expected to take, and before any correction.
    cost_s: float
    model_s: float


@dataclass
class Plan:
    """The targets of a workload and what to do next.

    Parameters
    ----------
    runs : float
        How many runs of the program the savings are counted for.
    """

    targets: Sequence[Target]
    costs: Costs
    runs: float

    def next(self, left_s: float, targets: Iterable[Target] | None = None) -> Step | None:
        """The step that saves most for its cost and fits in the time that is left; None if none pays.

        Parameters
        ----------
        left_s : float
            Seconds. Where none fits, one that takes up to `BEGUN` times as long is begun: the cheapest candidates come
            first, and what is left untried is known.
        targets : iterable of Target, optional
            Of these.
        """
        steps = [step for step in map(self.step, self.targets if targets is None else targets) if step is not None]
        paying = [step for step in steps if step.saving_s * self.runs > step.cost_s]
        for fitting_s in (left_s, left_s * BEGUN):
            fitting = [step for step in paying if step.cost_s <= fitting_s]
            if fitting:
                return max(fitting, key=lambda step: step.saving_s / step.cost_s)
        return None

    def step(self, target: Target) -> Step | None:
        """The best step for a target, whether it pays or not."""
        sites = sorted((s for s in target.sites if s.open and s.worth_s > 0), key=lambda s: s.worth_s, reverse=True)
        if not sites:
            return None
        known = [site.size for site in target.sites if site.after is not None]
        chosen: list[Site] = []
        for site in sites:
            gained_s = site.worth_s * apart(site.size, [*known, *(each.size for each in chosen)])
            if not chosen or gained_s * self.runs > self._race_s(target, site) * self.costs.pace:
                chosen.append(site)
            if len(chosen) == MOST_SITES:
                break
        chosen += self._ends(target, chosen, known)
        found = [*known, *(site.size for site in chosen)]
        saving_s = sum(site.worth_s * (1 - apart(site.size, found)) for site in sites)
        model_s = self.costs.step_s(target.entry, map(_call, chosen), compiled=target.compiled)
        return Step(target, chosen, saving_s, model_s * self.costs.pace, model_s)

    def _race_s(self, target: Target, site: Site) -> float:
        return self.costs.race_s(target.entry, *_call(site))

    def _ends(self, target: Target, chosen: Sequence[Site], known: Sequence[Mapping[str, int]]) -> list[Site]:
        """The smallest and the largest sizes that the decision would leave out, where they are quickly measured."""
        found: list[Site] = []
        sizes = [*known, *(site.size for site in chosen)]
        for name in sizes[0]:
            for end in (min, max):
                outermost = end(target.sites, key=lambda site: site.size[name])
                outside = end(size[name] for size in [*sizes, outermost.size]) != end(size[name] for size in sizes)
                quick = self._race_s(target, outermost) * self.costs.pace < FIRST_USE_S
                if outside and quick and outermost.open and outermost not in found:
                    found.append(outermost)
        return found


def _call(site: Site) -> tuple[float, float]:
    return site.calls.median_s, site.calls.argument_bytes


def apart(size: Mapping[str, int], others: Sequence[Mapping[str, int]]) -> float:
    """How little the nearest of other sizes tells of this one: 0 within its reach, 1 from `APART_OCTAVES` on."""
    distance = min((octaves(size, other) for other in others), default=math.inf)
    return 0.0 if distance <= REACH_OCTAVES else min(1.0, distance / APART_OCTAVES)


def slower_then(targets: Iterable[Target]) -> float | None:
    """How many times what they take now the calls of the measured sites took when they were recorded."""
    sites = [site for target in targets for site in target.sites if site.call_s is not None]
    now_s = math.fsum(site.own * site.calls.calls * site.call_s for site in sites if site.call_s is not None)
    return math.fsum(site.before_s for site in sites) / now_s if now_s > 0 else None
