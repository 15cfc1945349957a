"""How long a call of a variant that uses threads may take before it counts as slow, from what a record measured.

The tuned time depends on the size, and so does the limit: seconds a unit of work, where work is the size (or the
product of sizes) that tells the measured times best, for every power of two of it. Between two measured sizes the
greater of their rates holds, so that a limit is too generous rather than too strict: a call is never slow because its
size is larger. Knows nothing of clocks or of what becomes of slow calls.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..value import Value

if TYPE_CHECKING:
    from ..store.record import Cell, Measurement, Record

#: A call is slow from so many times its tuned time on (DESIGN.md, section 4, "Threads"),
SLOW = 4.0
#: but not before its runner-up would have been done, and at the latest when that would have been done twice: what is
#: demoted for the runner-up's sake must be worse than that, and nothing may stay worse than twice that.
RUNNER_UP = 2.0
#: Beyond the largest measured size a rate may grow by this factor an octave at most, as that of a cubic algorithm does.
GROWTH = 4.0
#: Binary digits of the largest size of an array.
DIGITS = 64


class Limits(Value):
    """Seconds that a call may take, by its size."""

    #: A size, or several joined by ``*``.
    feature: str
    #: Seconds a unit of work, by the number of its binary digits.
    rates: tuple[float, ...]

    def of(self, work: int) -> float:
        """Seconds for so much work, as generated code computes it; NaN where there is none, which no time exceeds."""
        return self.rates[work.bit_length()] * work


def limits_of(record: Record, variant: str, single: str) -> Limits | None:
    """The limits of a variant that uses threads; None if the record holds no time of it.

    Parameters
    ----------
    variant, single : str
        The variant, and its best single-threaded runner-up.
    """
    measured = [(cell.size, seconds) for cell in record.cells if (seconds := _limit(cell, variant, single)) is not None]
    best: tuple[float, Limits] | None = None
    for feature in _features(record.cells):
        points = sorted((work, seconds) for size, seconds in measured if (work := work_of(feature, size)) > 0)
        if points:
            made = Limits(feature, _rates(points, (feature.count("*") + 1) * DIGITS))
            # A limit that is far above what was measured tells little; so does a feature that is zero at some sizes.
            excess = sum(math.log(made.of(work) / seconds) for work, seconds in points) / len(points) ** 2
            if best is None or excess < best[0]:
                best = (excess, made)
    return None if best is None else best[1]


def work_of(feature: str, size: Mapping[str, int]) -> int:
    return math.prod(size[name] for name in feature.split("*"))


def _features(cells: Iterable[Cell]) -> Iterator[str]:
    """Every size, and the product of all of them."""
    names = list(next(iter(cells)).size) if cells else []
    yield from names
    if len(names) > 1:
        yield "*".join(names)


def _limit(cell: Cell, variant: str, single: str) -> float | None:
    """Seconds that a call of a measured size may take."""
    tuned_s, single_s = _slowest_state(cell, variant), _slowest_state(cell, single)
    if tuned_s is None:
        return None
    if single_s is None:
        return SLOW * tuned_s
    return min(max(SLOW * tuned_s, single_s), RUNNER_UP * single_s)


def _slowest_state(cell: Cell, variant: str) -> float | None:
    """Time of a variant at its best setting there, in the state of the caches that is worse for it."""

    def fastest(measurements: Sequence[Measurement]) -> float:
        return min((m.median_s for m in measurements if m.candidate.variant == variant), default=0.0)

    return max(fastest(cell.measurements), fastest(cell.cold)) or None


def _rates(points: Sequence[tuple[int, float]], digits: int) -> tuple[float, ...]:
    """Seconds a unit of work for every number of binary digits, from sorted (work, seconds)."""
    works = [work for work, _ in points]
    rates = [seconds / work for work, seconds in points]
    growth = _growth(points)
    found = [math.inf]
    for digit in range(1, digits + 1):
        low, high = 1 << digit - 1, (1 << digit) - 1
        first, last = bisect.bisect_left(works, low), bisect.bisect_right(works, high)
        # Those around it too; and what is smaller than the smallest takes no less.
        rate = max(rates[max(first - 1, 0) : last + 1]) if last else points[0][1] / low
        if last == len(points):
            rate *= growth ** max(0.0, digit - math.log2(works[-1]))
        found.append(rate)
    return tuple(found)


def _growth(points: Sequence[tuple[int, float]]) -> float:
    """By how much the rate grows an octave, beyond the largest measured size, to judge by the last two octaves."""
    work, seconds = points[-1]
    before = [(w, s) for w, s in points if w * 4 <= work]
    if not before:
        return 1.0
    w, s = before[-1]
    slope = math.log((seconds / work) / (s / w)) / math.log2(work / w)
    return min(max(1.0, math.exp(slope)), GROWTH)
