"""The samplers of one race, made as candidates enter it.

Knows nothing of who wins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..compile.build import summary
from ..compile.handled import Namespace, handled
from ..compile.lazy import reaches_compiled_code
from ..errors import CalibrationError
from ..kernel.model import REFERENCE, Kernel
from ..measure import arguments as make
from ..measure.placement import places
from ..measure.race import HOPELESS
from ..measure.state import Snapshot
from ..measure.timer import Disturbances, Sampler
from .entrants import Entrant

#: A call may take this long, or `CALL_FACTOR` times the best known at the size (MEASUREMENT.md, section 6).
CALL_DEADLINE_S = 2.0
CALL_FACTOR = 20.0
#: The reference may take this long, and helpers that are compiled at a first call.
REFERENCE_DEADLINE_S = 60.0
HELPERS_DEADLINE_S = 60.0
#: A single call slower than the best by this factor says enough: two rounds of elimination at once.
OUT_AT_ONCE = HOPELESS**4
#: … where it takes longer than this; shorter ones cost nothing to repeat.
LONG_CALL_S = 10e-3

Announce = Callable[..., None]


@dataclass
class Heat:
    """Candidates warmed up on one set of arguments.

    Parameters
    ----------
    kernel : Kernel
    admitted : dict
        Candidates by name; one that raises is taken out.
    failures : dict
        Gets the reason.
    announce : callable
        Told before each first call.
    draws : sequence of mapping
        Arguments of one size with other data in each; copied to several places in memory, one for each round, shared by
        all candidates; kernels that change what they read get fresh copies.
    seed : int
        Chooses the places.
    """

    kernel: Kernel
    admitted: dict[str, Entrant]
    failures: dict[str, str]
    announce: Announce
    draws: Sequence[make.Arguments]
    seed: int = 0
    disturbances: Disturbances = field(default_factory=Disturbances, init=False)
    samplers: dict[str, Sampler] = field(default_factory=dict, init=False)
    #: Candidates that two single calls showed to be hopeless, with their times.
    hopeless: dict[str, list[float]] = field(default_factory=dict, init=False)
    best_s: float = field(default=math.inf, init=False)
    #: What the first calls of each changed of the process, by field.
    changes: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._places = places(self.draws, self.seed)
        self._here = next(self._places)

    def next_round(self) -> None:
        """Go to the next place; the first of a sample's repeats warms the caches there."""
        self._here = next(self._places)

    def enter(self, name: str) -> bool:
        """Warm a candidate up; whether it may take part.

        Raises
        ------
        CalibrationError
            The reference itself raises on these arguments.
        """
        sampler = self._sampler(name)
        patience = CALL_FACTOR * self.best_s if math.isfinite(self.best_s) else REFERENCE_DEADLINE_S
        least = REFERENCE_DEADLINE_S if name == REFERENCE else CALL_DEADLINE_S
        deadline_s = max(least, patience) + helpers_s(self.admitted[name])
        self.announce("call", candidate=name, deadline_s=deadline_s)
        before = Snapshot.take()
        try:
            # Asked twice, because the first call may have compiled something.
            if self._hopeless(first := sampler.once()) and self._hopeless(again := sampler.once()):
                self.hopeless[name] = [first, again]
                return False
            seconds = sampler.settle()
        except Exception as error:  # the candidate boundary
            if name == REFERENCE:
                raise CalibrationError(
                    f"kernel {self.kernel.id}: the reference raises {type(error).__name__}: {error} on a calibration "
                    "input; correct inputs= or the range in calibrate="
                ) from error
            self.failures[name] = f"raised {summary(error)}"
            del self.admitted[name]
            return False
        finally:
            self.changes[name] = before.restore()
        self.samplers[name] = sampler
        self.best_s = min(self.best_s, seconds)
        return True

    def has_side_effects(self, name: str) -> bool:
        """Take a candidate out that changed more of the process than the reference does at this size."""
        allowed = self.changes.get(REFERENCE)
        more = [] if allowed is None else [text for what, text in self.changes[name].items() if what not in allowed]
        if more:
            self.failures[name] = f"changes {more[0]}; a variant may not"
            del self.admitted[name]
        return bool(more)

    def _sampler(self, name: str) -> Sampler:
        entrant = self.admitted[name]
        namespace = Namespace(_reference=self.kernel.reference)
        call = handled(entrant.function, entrant.invocation, entrant.handling, namespace)
        fresh = None
        if self.kernel.mutates - {"out"}:

            def fresh() -> Mapping[str, object]:
                return make.copy_arguments(self._here)

        return Sampler(call.statements(), namespace.globals, self._here, fresh)

    def _hopeless(self, once_s: float) -> bool:
        """Whether a long call need not be repeated."""
        return once_s > LONG_CALL_S and once_s > self.best_s * OUT_AT_ONCE

    def sample(self, name: str) -> float:
        """Seconds a call."""
        with self.disturbances.watch():
            return self.samplers[name].sample(self._here)

    @property
    def contended(self) -> bool:
        return self.disturbances.contended


def helpers_s(entrant: Entrant) -> float:
    """Seconds to allow for helpers that compile at their first call."""
    return HELPERS_DEADLINE_S if reaches_compiled_code(entrant.function) else 0.0
