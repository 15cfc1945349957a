"""What measuring is expected to take: one signature at some sizes, in seconds.

A model with few numbers, held against what each step then took. Knows nothing of what measuring brings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...kernel.model import Kernel
from ...kernel.signature import Signature
from ...machine.fingerprint import first_level_cache_bytes, last_level_cache_bytes
from ...tuner.effort import Effort
from ...tuner.entrants import compiling_together_s, entrants, small_candidates
from ...value import Value

#: Seconds of a step that no size adds to: a worker, and importing the kernel there.
START_S = 0.1
#: Verifying a candidate at small sizes, block edges and special values: one without threads, and one with.
VERIFY_S = {False: 0.05, True: 0.15}
#: Rounds of a race that all candidates take part in, and those that two or three go on with; calls in each of them.
ROUNDS_OF_ALL, ROUNDS_OF_FEW, FEW, REPEATS = 3, 12, 3, 3
#: No sample is shorter; what a race does beside.
SAMPLE_S, RACE_S = 20e-6, 0.02
#: What is measured is at most so far from the model, either way.
MOST_PACE = 4.0


class Entry(Value):
    """What the cost of a signature depends on."""

    compiling_s: float
    verifying_s: float
    candidates: int


def entry_of(kernel: Kernel, signature: Signature, *, numerics: str, cores: int) -> Entry:
    """What admitting the candidates of a signature takes."""
    able = entrants(kernel, signature, numerics=numerics, cores=cores).variants
    counts = [len(small_candidates(variant) or ()) or 1 for variant in able]
    return Entry(
        compiling_together_s(kernel, able, cores),
        sum(count * VERIFY_S[variant.threads] for count, variant in zip(counts, able, strict=True)),
        1 + sum(counts),
    )


class Costs:
    """Seconds of a step, corrected by what earlier steps took."""

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._logs: list[float] = []

    @property
    def pace(self) -> float:
        """How much slower than the model this machine is, in the geometric mean of the steps."""
        return math.exp(sum(self._logs) / (len(self._logs) + 1))

    def learn(self, predicted_s: float, took_s: float) -> None:
        """What a step took for which `predicted_s` seconds were expected before any correction."""
        log = math.log(max(took_s, 1e-3) / max(predicted_s, 1e-3))
        self._logs.append(max(-math.log(MOST_PACE), min(math.log(MOST_PACE), log)))

    def admission_s(self, entry: Entry) -> float:
        return START_S + entry.compiling_s + entry.verifying_s

    def race_s(self, entry: Entry, call_s: float, argument_bytes: float) -> float:
        """Racing all candidates at one size."""
        sample_s = max(call_s * (REPEATS if call_s < 1e-3 else 1), SAMPLE_S * REPEATS)
        all_s = entry.candidates * (2 * call_s + ROUNDS_OF_ALL * sample_s)
        few_s = min(ROUNDS_OF_FEW * FEW * sample_s, self._effort.race_s + FEW * sample_s)
        cold = self._effort.cold and first_level_cache_bytes() < argument_bytes < last_level_cache_bytes()
        return RACE_S + all_s + few_s * (2 if cold else 1)

    def step_s(self, entry: Entry, sites: Iterable[tuple[float, float]], *, compiled: bool = False) -> float:
        """Admitting the candidates and racing them at some sites, before any correction.

        Parameters
        ----------
        sites : iterable of (seconds a call, bytes of its arguments)
        compiled : bool
            Whether that is done already.
        """
        races_s: Sequence[float] = [self.race_s(entry, *site) for site in sites]
        return self.admission_s(entry) - (entry.compiling_s if compiled else 0.0) + sum(races_s)
