"""One signature's candidates: admitted through the gate, raced at sizes, failures kept with their reasons.

Every risky step is announced before it is taken, so that whoever watches knows what a crash or hang was. Knows
nothing of grids, records or disk.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from .. import settings
from ..compile.build import load, summary
from ..compile.handled import Namespace, handled
from ..compile.layers import expected_layer
from ..errors import CalibrationError, CompileError
from ..kernel.boxes import Handling
from ..kernel.invocation import invocation
from ..kernel.model import REFERENCE, REFERENCE_CANDIDATE, Candidate, Kernel, Variant
from ..kernel.signature import Signature
from ..machine.fingerprint import first_level_cache_bytes, last_level_cache_bytes
from ..measure import arguments as make
from ..measure.cold import ColdClock, rotation
from ..measure.compare import Mismatch
from ..measure.gate import Case, Gate
from ..measure.paired import Interval
from ..measure.race import FIRST_ROUNDS, HOPELESS, Contestant, Race, Verdict
from ..measure.state import preserved
from ..measure.threads import numba_on
from ..search import strategy, trials
from ..space import Config
from .entrants import Entrant, contestant, small_candidates
from .heat import Announce, Heat, helpers_s

#: Seconds a compilation may take: parallel code with many loops takes some, on a loaded machine ten times that.
COMPILE_DEADLINE_S = 180.0
#: Verifying a candidate at all small sizes takes tenths of a second; with threads, under a busy neighbour, seconds.
VERIFY_DEADLINE_S = 20.0
#: A whole race may take this long.
RACE_DEADLINE_S = 600.0


@dataclass
class Contest:
    """The candidates of one kernel and signature.

    Parameters
    ----------
    kernel, signature
    cores : int
        Usable cores.
    seed : int
    announce : callable
        ``announce(step, candidate=…, deadline_s=…)`` before each risky step.
    failures : dict
        Candidates known to fail, with the reason; more are added.
    """

    kernel: Kernel
    signature: Signature
    cores: int
    seed: int
    announce: Announce = lambda step, **about: None
    failures: dict[str, str] = field(default_factory=dict)
    admitted: dict[str, Entrant] = field(default_factory=dict, init=False)
    #: Variants whose space is too large to race whole, searched at each size.
    searched: list[Variant] = field(default_factory=list, init=False)
    ulp: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        call = invocation(self.kernel, REFERENCE_CANDIDATE, self.signature)
        self.admitted[REFERENCE] = Entrant(REFERENCE_CANDIDATE, self.kernel.reference, call)

    # -- admission

    def admit(self, variant: Variant, gate: Gate, edges: Callable[[Candidate], Iterable[Case]]) -> None:
        """Compile and verify a variant in all its settings; those that fail are left out with their reason."""
        candidates = small_candidates(variant)
        if candidates is None:
            self.searched.append(variant)
            candidates = [Candidate(variant.name, variant.space.default)]
        for candidate in candidates:
            self.admit_candidate(candidate, gate, edges)

    def admit_candidate(self, candidate: Candidate, gate: Gate, edges: Callable[[Candidate], Iterable[Case]]) -> bool:
        """Compile and verify one candidate; whether it passed."""
        name = str(candidate)
        if name in self.admitted:
            return True
        if name in self.failures or candidate.variant in self.failures:
            return False
        variant = self.kernel.variants[candidate.variant]
        self.announce("compile", candidate=name, deadline_s=COMPILE_DEADLINE_S)
        try:
            entrant = Entrant(
                candidate, load(self.kernel, candidate, self.signature),
                invocation(self.kernel, candidate, self.signature),
            )  # fmt: skip
            call = _caller(self.kernel, entrant)
            self.announce("verify", candidate=name, deadline_s=VERIFY_DEADLINE_S + helpers_s(entrant))
            with numba_on(self.cores):
                passed = gate.check(call, numerics=variant.numerics, threads=variant.threads)
                around = list(edges(candidate))
                at_edges = gate.check(call, numerics=variant.numerics, threads=variant.threads, cases=around)
        except CompileError as error:
            self.failures[candidate.variant] = str(error)
            return False
        except Mismatch as mismatch:
            self.failures[name] = f"wrong at {mismatch}"
            return False
        except Exception as error:  # the candidate boundary
            self.failures[name] = f"raised {summary(error)}"
            return False
        entrant.handling = _stricter(passed.handling, at_edges.handling)
        self.ulp[candidate.variant] = max(self.ulp.get(candidate.variant, 0.0), passed.ulp, at_edges.ulp)
        self.admitted[name] = entrant
        return True

    def verify(self, name: str, case: Case) -> bool:
        """Verify an admitted candidate on one more case; one that fails is out."""
        if name == REFERENCE:
            return True
        entrant = self.admitted[name]
        variant = self.kernel.variants[entrant.candidate.variant]
        self.announce("verify", candidate=name, deadline_s=VERIFY_DEADLINE_S + helpers_s(entrant))
        try:
            with numba_on(self.cores):
                passed = Gate(self.kernel, [case]).check(
                    _caller(self.kernel, entrant), numerics=variant.numerics, threads=variant.threads, repeats=1
                )
        except Mismatch as mismatch:
            self.failures[name] = f"wrong at {mismatch}"
            del self.admitted[name]
            return False
        entrant.handling = _stricter(entrant.handling, passed.handling)
        self.ulp[variant.name] = max(self.ulp.get(variant.name, 0.0), passed.ulp)
        return True

    # -- racing

    def race(
        self,
        draws: Sequence[make.Arguments],
        *,
        names: Iterable[str] | None = None,
        first: str = REFERENCE,
        budget_s: float = math.inf,
        salt: int = 0,
        least_rounds: int = FIRST_ROUNDS,
    ) -> Verdict:
        """Race admitted candidates at one size.

        Parameters
        ----------
        draws : sequence of mapping
            Arguments of that size, with other data in each.
        names : iterable of str, optional
            Which; all by default.
        first : str
            The candidate expected to be fast: it is timed first, so that hopeless ones are seen at once.
        budget_s : float
            Where the race stops.
        salt : int
            Varies the order of measuring between races.
        least_rounds : int
            As for `Race`.

        Raises
        ------
        CalibrationError
            The reference itself raises on these arguments.
        """
        heat = Heat(self.kernel, self.admitted, self.failures, self.announce, draws, self.seed + salt)
        wanted = [name for name in (self.admitted if names is None else names) if name in self.admitted]
        if first in wanted:
            wanted.remove(first)
            wanted.insert(0, first)
        # What a candidate changes only now and then is put back, so that verifying it here sees the change again.
        with preserved(), numba_on(self.cores):
            entered = [name for name in wanted if heat.enter(name)]
            contestants = [self._contestant(name) for name in entered if not heat.has_side_effects(name)]
            # Each has answered at this size already; no message disturbs the rounds.
            self.announce("race", deadline_s=RACE_DEADLINE_S)
            race = Race(
                heat, seed=self.seed + salt, layer=expected_layer(), budget_s=budget_s, least_rounds=least_rounds
            )
            verdict = race.run(contestants)
        verdict.samples.update(heat.hopeless)
        if REFERENCE in heat.hopeless:
            best_s = verdict.median_s(verdict.winner)
            ratios = sorted(best_s / seconds for seconds in heat.hopeless[REFERENCE])
            interval = Interval(math.sqrt(math.prod(ratios)), ratios[0], ratios[-1])
            verdict = replace(verdict, against_reference=interval)
        return verdict

    def race_cold(
        self,
        draws: Sequence[make.Arguments],
        warm: Verdict,
        *,
        budget_s: float = math.inf,
        salt: int = 0,
        least_rounds: int = FIRST_ROUNDS,
    ) -> Verdict | None:
        """Race those that came near the best on warm data again, on data from memory.

        Returns
        -------
        Verdict or None
            None where the caches cannot matter: the arguments fit the first of them, or change with every call, or
            are larger than all of them, so that the race was cold already, or one candidate alone was near.
        """
        size_bytes = make.total_bytes(draws[0])
        if self.kernel.mutates - {"out"} or not first_level_cache_bytes() < size_bytes < last_level_cache_bytes():
            return None
        best_s = warm.median_s(warm.winner)
        near = [name for name in warm.samples if name in self.admitted and warm.median_s(name) < HOPELESS * best_s]
        if len(near) < 2:
            return None
        heat = Heat(self.kernel, self.admitted, self.failures, self.announce, draws, self.seed + salt)
        with preserved(), numba_on(self.cores):
            entered = [name for name in near if heat.enter(name)]
            self.announce("race", deadline_s=RACE_DEADLINE_S)
            clock = ColdClock(heat.samplers, rotation(draws, last_level_cache_bytes(), self.seed + salt))
            race = Race(
                clock, seed=self.seed + salt, layer=expected_layer(), budget_s=budget_s, least_rounds=least_rounds
            )
            return race.run([self._contestant(name) for name in entered])

    def _contestant(self, name: str) -> Contestant:
        return contestant(self.kernel, self.admitted[name].candidate, self.cores)

    def search(
        self,
        variant: Variant,
        arguments: make.Arguments,
        gate: Gate,
        edges: Callable[[Candidate], Iterable[Case]],
        warm: list[Candidate],
        budget_s: float = math.inf,
    ) -> list[str]:
        """The most promising settings of a variant with a large space, by its strategy, at one size.

        The cost of a setting is the logarithm of its best time over that of the incumbent in the same round. No new
        setting is tried once `budget_s` seconds are over, but one.

        Raises
        ------
        UnknownStrategy
            The settings name a strategy that does not exist.
        CalibrationError
            The strategy proposes what is no setting of the space.
        """
        until_s = time.monotonic() + budget_s
        heat = Heat(self.kernel, self.admitted, self.failures, self.announce, [arguments])
        starts = [candidate.config for candidate in warm if candidate.variant == variant.name]
        chosen = strategy.fitting(variant.space, settings.current().strategy)

        def enter(config: Config) -> str | None:
            if config not in variant.space:
                raise CalibrationError(
                    f"kernel {self.kernel.id}, variant {variant.name}: the search strategy {chosen!r} proposes "
                    f"{config!r}, which is no setting of {variant.space.describe()}; mend the strategy"
                )
            candidate = Candidate(variant.name, config)
            return (
                str(candidate) if self.admit_candidate(candidate, gate, edges) and heat.enter(str(candidate)) else None
            )

        def measure(names: Sequence[str]) -> list[float]:
            heat.next_round()
            return [heat.sample(name) for name in names]

        with preserved(), numba_on(self.cores):
            heat.enter(REFERENCE)
            return trials.finalists(
                strategy.make(chosen, variant.space, seed=self.seed, first=starts),
                trials=trials.number_of_trials(variant.space),
                base=REFERENCE,
                enter=enter,
                measure=measure,
                spent=lambda: time.monotonic() > until_s,
            )


def _caller(kernel: Kernel, entrant: Entrant) -> Callable[..., object]:
    """Calls a candidate on arguments by name."""
    names = list(kernel.parameters)
    namespace = Namespace(_reference=kernel.reference)
    call = handled(entrant.function, entrant.invocation, Handling(), namespace)
    function = namespace.define(call.function("_call", ", ".join(names)), "_call", "<candidate>")
    return lambda arguments: function(*(arguments[name] for name in names))


def _stricter(first: Handling, second: Handling) -> Handling:
    """What results need if two sets of cases asked for different things."""
    return Handling(first.boxing if first.boxing is not None else second.boxing, first.finite or second.finite)
