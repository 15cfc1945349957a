"""How far recorded decisions are from the best: regret at random sizes that were not used for deciding.

Knows nothing of how decisions are reached.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..dispatch.plan import ToVariant
from ..dispatch.revision import revised
from ..dispatch.routes import candidate_of, check, handling_of, load_variant
from ..dispatch.serve import as_function
from ..kernel.boxes import Handling, boxing_of
from ..kernel.invocation import invocation
from ..kernel.model import NUMERICS, REFERENCE, REFERENCE_CANDIDATE, Candidate, Kernel
from ..kernel.signature import Signature
from ..machine import fingerprint
from ..machine.fingerprint import first_level_cache_bytes, last_level_cache_bytes, too_large
from ..measure import arguments as make
from ..measure.race import INDIFFERENCE, TAIL_MARGIN
from ..store import store
from ..store.record import Record, leaves, lookup
from ..tuner import grid
from ..tuner.entrants import entrants, small_candidates
from .clock import Ratio, Stopwatch, cold_rounds, interleaved, ratio, until_narrow

#: Candidates within this factor of the best at first sight are looked at closely, and at most so many.
CLOSE, MOST_CLOSE = 1.3, 5
#: Rounds for finding the best rival; the comparison with it is made on fresh samples, because the best of several is
#: optimistic about itself.
FIRST_ROUNDS = 15
#: Places in memory at which arguments lie, as long as these are together no larger than this.
PLACES, PLACES_BYTES = 5, 64 << 20
#: Copies that no cache holds: together this large, or twice the last-level cache; and rounds of calls on them.
ROTATION_BYTES, COLD_ROUNDS = 192 << 20, 60
#: Calls whose reference takes longer are not looked at.
MAX_CALL_S = 0.5
#: What a decision may cost over the reference (MEASUREMENT.md: the reference wins ties).
MAX_OVER_REFERENCE = 1.05


@dataclass(frozen=True)
class Finding:
    """One kernel, signature and size."""

    kernel: str
    signature: str
    size: Mapping[str, int]
    chosen: str
    #: The best candidate that the policy allows.
    best: str
    #: Time of what was chosen over time of the best.
    regret: Ratio
    #: Time of what was chosen over time of the reference.
    over_reference: Ratio
    #: Time of the best allowed over time of the best of all: what numerics class and tail rule cost.
    policy: float

    def failed(self, limit: float) -> bool:
        """Whether it is surely over a limit."""
        return self.regret.low > 1 + limit or self.over_reference.low > MAX_OVER_REFERENCE


@dataclass(frozen=True)
class Losses:
    """Times over the best one's, on warm data and, where it was measured, on data from memory."""

    warm_s: Mapping[Candidate, float]
    cold_s: Mapping[Candidate, float]
    warm: Mapping[Candidate, float] = field(init=False)
    cold: Mapping[Candidate, float] = field(init=False)

    def __post_init__(self) -> None:
        for name, times in (("warm", self.warm_s), ("cold", self.cold_s)):
            best_s = min(times.values(), default=1.0)
            object.__setattr__(self, name, {candidate: seconds / best_s for candidate, seconds in times.items()})

    def worst(self, candidate: Candidate) -> float:
        """The loss in the state of the caches that is worse for a candidate.

        One that is slower than the reference on warm data, beyond a tie, is no better than it (policy).
        """
        loss = self._worst(candidate)
        over = self.warm[candidate] / self.warm[REFERENCE_CANDIDATE]
        return max(loss, over * self._worst(REFERENCE_CANDIDATE)) if over > 1 + INDIFFERENCE else loss

    def _worst(self, candidate: Candidate) -> float:
        return max(self.warm[candidate], self.cold.get(candidate, 1.0))

    def cold_is_worse_for(self, candidate: Candidate) -> bool:
        return self.cold.get(candidate, 1.0) > self.warm[candidate]


@dataclass
class Auditor:
    """Audits one signature of one kernel.

    Parameters
    ----------
    tuned
        The tuned function; its decisions are those of the store.
    problem : Problem
        What `calibrate=` declares of the signature.
    record : Record
    seed : int
        Of the sizes and of the order of measuring.
    """

    tuned: Any
    problem: grid.Problem
    record: Record
    seed: int
    kernel: Kernel = field(init=False)
    signature: Signature = field(init=False)

    def __post_init__(self) -> None:
        self.kernel = self.problem.kernel
        self.signature = self.problem.signature()
        self._random = random.Random(f"{self.kernel.id} {self.signature.key} {self.seed}")  # noqa: S311 - no secret
        numerics = self.tuned.__autotune__.dispatcher.numerics
        cores = fingerprint().cores.count
        self._allowed = set(self._candidates(numerics, cores))
        self._all = [REFERENCE_CANDIDATE, *self._candidates(NUMERICS[-1], cores)]
        self._handling = {
            candidate: handling_of(pick)
            for leaf in leaves(self.record.decision) for pick in (leaf.winner, leaf.single) if pick is not None
            if (candidate := candidate_of(self.kernel, pick)) is not None
        }  # fmt: skip

    def _candidates(self, numerics: str, cores: int) -> list[Candidate]:
        failed = {str(failure.candidate) for failure in self.record.variants.failures}
        found = []
        for variant in entrants(self.kernel, self.signature, numerics=numerics, cores=cores).variants:
            if variant.name in failed:
                continue
            candidates = small_candidates(variant)
            if candidates is None:  # of a space too large to race whole, what was measured
                measured = {m.candidate for cell in self.record.cells for m in cell.measurements}
                known = [candidate_of(self.kernel, choice) for choice in measured if choice.variant == variant.name]
                candidates = [candidate for candidate in known if candidate is not None]
            found += [candidate for candidate in candidates if str(candidate) not in failed]
        return found

    def points(self, count: int) -> Iterator[dict[str, int]]:
        """Random points, even in the logarithm, no larger than what was calibrated and none of those measured."""
        measured = [cell.size for cell in self.record.cells]
        largest = max((math.prod(size.values()) for size in measured), default=math.inf)
        ranges = {
            name: self.record.provenance.ranges.get(name, (r.lo, r.hi)) for name, r in self.problem.ranges.items()
        }
        for _ in range(100 * count):
            point = {
                name: round(math.exp(self._random.uniform(math.log(max(lo, 1)), math.log(max(hi, 1)))))
                for name, (lo, hi) in ranges.items()
            }
            if point not in measured and math.prod(point.values()) <= largest:
                yield point
                count -= 1
            if count == 0:
                return

    def findings(self, count: int, limit: float) -> Iterator[Finding]:
        """Look at random sizes; a second time, on fresh data, where the first look fails."""
        for point in self.points(count):
            found = self.look(point, fresh=1)
            if found is not None and found.failed(limit):
                found = self.look(point, fresh=2)
            if found is not None:
                yield found

    def look(self, point: Mapping[str, int], *, fresh: int) -> Finding | None:
        """Measure all candidates at one point; None where a call takes too long, or nothing is decided."""
        values = self.problem.arguments(point, fresh=PLACES * fresh)
        size = self.problem.size(point, values)
        leaf = lookup(self.record.decision, size)
        if leaf is None or too_large(make.total_bytes(values)):
            return None
        chosen = candidate_of(self.kernel, leaf.winner) or REFERENCE_CANDIDATE
        places = self._places(point, fresh, make.total_bytes(values))
        watches = {c: self._watch(c, values, places) for c in dict.fromkeys([REFERENCE_CANDIDATE, chosen])}
        if watches[REFERENCE_CANDIDATE].once() > MAX_CALL_S:
            return None
        sight = {candidate: watch.at_first_sight() for candidate, watch in watches.items()}
        for candidate in self._all:
            if candidate not in watches:
                watch = self._watch(candidate, values, places)
                if watch.once() <= 4 * CLOSE * min(sight.values()):
                    watches[candidate], sight[candidate] = watch, watch.at_first_sight()
        near = sorted(sight, key=sight.__getitem__)
        near = [candidate for candidate in near if sight[candidate] <= CLOSE * sight[near[0]]][:MOST_CLOSE]
        closely = dict.fromkeys([*near, chosen, REFERENCE_CANDIDATE])
        rounds = interleaved({c: watches[c] for c in closely}, FIRST_ROUNDS, self._random)
        medians = {candidate: statistics.median(samples) for candidate, samples in rounds.items()}
        losses = Losses(medians, self._cold_medians(watches, [*dict.fromkeys([*near, chosen])], point, fresh, values))
        allowed = [candidate for candidate in medians if self._eligible(candidate, rounds, medians)]
        best = min(allowed, key=losses.worst)
        final = dict.fromkeys([best, chosen, REFERENCE_CANDIDATE])
        rounds = until_narrow({c: watches[c] for c in final}, chosen, [best, REFERENCE_CANDIDATE], self._random)
        regret = ratio(rounds[chosen], rounds[best])
        if losses.cold_is_worse_for(chosen):
            rotation = self._rotation(point, fresh, values)
            cold = cold_rounds(
                {c: watches[c] for c in dict.fromkeys([best, chosen])}, rotation, COLD_ROUNDS, self._random
            )
            regret = ratio(cold[chosen], cold[best]).times(losses.cold.get(best, 1.0) / losses.worst(best))
        else:
            regret = regret.times(losses.warm[best] / losses.worst(best))
        return Finding(
            self.kernel.name, str(self.signature), size, str(chosen), str(best), regret,
            over_reference=ratio(rounds[chosen], rounds[REFERENCE_CANDIDATE]),
            policy=max(1.0, medians[best] / min(medians.values())),
        )  # fmt: skip

    def _cold_medians(
        self, watches: Mapping[Candidate, Stopwatch], candidates: Sequence[Candidate], point: Mapping[str, int],
        fresh: int, values: make.Arguments,
    ) -> dict[Candidate, float]:  # fmt: skip
        """Seconds a call on data from memory, where the decision was made for that too."""
        size = make.total_bytes(values)
        measured = any(cell.cold for cell in self.record.cells) and not self.kernel.mutates - {"out"}
        if not measured or not first_level_cache_bytes() < size < last_level_cache_bytes():
            return {}
        rotation = self._rotation(point, fresh, values)
        rounds = cold_rounds({c: watches[c] for c in candidates}, rotation, FIRST_ROUNDS, self._random)
        return {candidate: statistics.median(samples) for candidate, samples in rounds.items()}

    def _rotation(self, point: Mapping[str, int], fresh: int, values: make.Arguments) -> Iterator[list[object]]:
        """Copies of the arguments that together are larger than the caches, over and over."""
        total = min(2 * last_level_cache_bytes(), ROTATION_BYTES)
        count = max(2, math.ceil(total / max(1, make.total_bytes(values))))
        draws = [values, self.problem.arguments(point, fresh=PLACES * fresh + 1)]
        return itertools.cycle([[*make.copy_arguments(draws[i % 2]).values()] for i in range(count)])

    def _eligible(
        self, candidate: Candidate, rounds: Mapping[Candidate, Sequence[float]], medians: Mapping[Candidate, float]
    ) -> bool:
        """Whether the policy lets a candidate win: its numerics class, and its slow tail if it uses threads."""
        if candidate.variant != REFERENCE and candidate not in self._allowed:
            return False
        if not self._threads(candidate):
            return True
        singles = [seconds for other, seconds in medians.items() if not self._threads(other)]
        layer = self.record.provenance.compiled.get("layer", "")
        margin = TAIL_MARGIN.get(layer, max(TAIL_MARGIN.values()))
        return sorted(rounds[candidate])[math.ceil(0.9 * len(rounds[candidate])) - 1] < min(singles) / margin

    def _threads(self, candidate: Candidate) -> bool:
        return candidate.variant != REFERENCE and self.kernel.variants[candidate.variant].threads

    def _places(self, point: Mapping[str, int], fresh: int, size: int) -> list[list[object]]:
        """Arguments with other data at each place, for all candidates, with gaps so that they begin anywhere."""
        count = max(1, min(PLACES, PLACES_BYTES // size if size else 1))
        found, gaps = [], []
        for number in range(count):
            found.append([*self.problem.arguments(point, fresh=PLACES * fresh + number).values()])
            gaps.append(bytearray(self._random.randrange(16, 4096)))
        return found

    def _watch(self, candidate: Candidate, values: make.Arguments, places: list[list[object]]) -> Stopwatch:
        function = as_function(self.kernel, self._target(candidate, values))
        changes = bool(self.kernel.mutates - {"out"})
        return Stopwatch(function, places, (lambda: [*make.copy_arguments(values).values()]) if changes else None)

    def _target(self, candidate: Candidate, values: make.Arguments) -> ToVariant:
        """What the dispatcher would run, with the same handling of results."""
        kernel, signature = self.kernel, self.signature
        if candidate.variant == REFERENCE:
            call = invocation(kernel, candidate, signature)
            return ToVariant(candidate, kernel.reference, call, Handling(), tests_itself=False)
        if candidate not in self._handling:
            bare = as_function(kernel, load_variant(kernel, candidate, signature, Handling()))
            found = bare(*make.copy_arguments(values).values())
            expected = kernel.call_reference(make.copy_arguments(values))
            finite = next((known.finite for known in self._handling.values() if known.finite), "")
            self._handling[candidate] = Handling(boxing_of(expected, found), finite)
        return load_variant(kernel, candidate, signature, self._handling[candidate])


def auditors(tuned: Any, seed: int) -> Iterator[Auditor]:
    """One for each recorded signature of a kernel that declares how to be calibrated."""
    kernel = tuned.__autotune__.kernel
    if kernel.inputs is None:
        return
    found = store.load(kernel.id, numerics=tuned.__autotune__.dispatcher.numerics)
    for problem in grid.problems(kernel):
        record = found.records.get(problem.signature().key)
        if record is not None and check(kernel, problem.signature(), record) is None:
            # Only what is served is audited: not what was decided for code that is not there any more.
            now = revised(kernel, problem.signature(), record, cores=fingerprint().cores.count).record
            yield Auditor(tuned, problem, now, seed)
