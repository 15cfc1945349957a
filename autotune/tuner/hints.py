"""Where to begin: settings that won at other sizes, for other arguments, or on other machines.

Hints only order what is tried. They are never decisions: a setting that a hint names passes the gate and the race like
any other, and one that is not legal any more is left out. Knows nothing of measuring.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import settings
from ..dispatch.routes import candidate_of
from ..kernel.model import REFERENCE, Candidate, Kernel, Variant
from ..kernel.signature import Signature
from ..machine import fingerprint
from ..machine.distance import distance
from ..store import shipped, store
from ..store.record import Cell, Choice, Record, leaves
from .entrants import small_candidates

if TYPE_CHECKING:
    from .decide import Raced

#: Settings from elsewhere, and from neighbouring sizes, that a search begins with, each: with those it has made a third
#: of its trials (`search.strategy.trials`), and two thirds are left for what only this size can tell.
MAX_WARM = 5


@dataclass(frozen=True)
class Hint:
    """A setting that was the best of its variant in some race."""

    candidate: Candidate
    #: Where it was raced; empty if that is not known.
    size: Mapping[str, int]
    #: Whether it also won the race against the other variants.
    won: bool
    #: Lower is more like what is to be tuned: this machine first, then the nearest.
    rank: int

    def as_data(self) -> list[Any]:
        """As JSON, for a worker."""
        return [self.candidate.variant, dict(self.candidate.config), dict(self.size), self.won, self.rank]

    @classmethod
    def from_data(cls, data: list[Any]) -> Hint:
        variant, params, size, won, rank = data
        return cls(Candidate(variant, tuple(params.items())), size, won, rank)


def gather(kernel: Kernel, signature: Signature, *, numerics: str) -> list[Hint]:
    """Hints for one signature, the most fitting first.

    From this machine's records of other signatures of the kernel, those of the same types first; then from the user's
    and the shipped records of the nearest machine that has any for this kernel (`machine.distance`), this signature
    first. What cannot be read gives no hints.
    """
    found = store.load(kernel.id, numerics=numerics)
    own = [r for r in found.records.values() if r.signature not in found.shipped and r.signature != signature.key]

    def fitting(record: Record) -> tuple[bool, bool, str]:
        return (record.signature != signature.key, record.numerics != numerics, record.signature)

    ordered = [*sorted(own, key=fitting), *sorted(of_nearest_machine(kernel, found), key=fitting)]
    return [hint for rank, record in enumerate(ordered) for hint in of_record(kernel, record, rank)]


def of_nearest_machine(kernel: Kernel, found: store.Found) -> list[Record]:
    """The user's and the shipped records of the nearest machine that has any for a kernel.

    Parameters
    ----------
    found : Found
        What the store has for the kernel.
    """
    here = dict(fingerprint().hard)
    elsewhere = [r for r in found.foreign if r.provenance.hard != here]
    if settings.current().shipped:
        elsewhere += shipped.everything(kernel.id)
    nearest = min((distance(here, record.provenance.hard) for record in elsewhere), default=None)
    return [record for record in elsewhere if distance(here, record.provenance.hard) == nearest]


def useful(kernel: Kernel) -> bool:
    """Whether a calibration of a kernel can use hints: for variants that a strategy searches."""
    return any(small_candidates(variant) is None for variant in kernel.variants.values())


def of_record(kernel: Kernel, record: Record, rank: int) -> list[Hint]:
    """What one record suggests: at every size the best setting of each variant; illegal ones are left out."""
    hints = []
    for cell in record.cells:
        for choice in _best_settings(cell):
            candidate = candidate_of(kernel, choice) if choice.variant != REFERENCE else None
            if candidate is not None:
                hints.append(Hint(candidate, cell.size, choice == cell.winner, rank))
    if not record.cells:
        picks = [pick for leaf in leaves(record.decision) for pick in (leaf.winner, leaf.single) if pick is not None]
        candidates = [candidate_of(kernel, pick) for pick in picks if pick.variant != REFERENCE]
        hints += [Hint(candidate, {}, True, rank) for candidate in candidates if candidate is not None]
    return hints


def _best_settings(cell: Cell) -> Iterable[Choice]:
    """The fastest setting of each variant in a race."""
    best: dict[str, Choice] = {}
    for measured in sorted(cell.measurements, key=lambda measured: measured.median_s):
        best.setdefault(measured.candidate.variant, measured.candidate)
    return {**best, cell.winner.variant: cell.winner}.values()


def warm(
    variant: Variant,
    size: Mapping[str, int],
    raced: Sequence[Raced],
    hints: Sequence[Hint],
    candidates: Mapping[str, Candidate],
) -> list[Candidate]:
    """What a search of a variant begins with at a size.

    Its best settings at the sizes measured so far, the nearest first, then those of hints, by rank and then by size.

    Parameters
    ----------
    raced : sequence of Raced
        The sizes measured so far.
    candidates : mapping
        Candidates by the names they were raced under.
    """
    ours = {name: candidate for name, candidate in candidates.items() if candidate.variant == variant.name}
    neighbours = []
    for item in sorted(raced, key=lambda item: octaves(item.size, size)):
        ran = [name for name in ours if name in item.verdict.samples]
        if ran:
            neighbours.append(ours[min(ran, key=item.verdict.median_s)])
    from_elsewhere = sorted(
        (hint for hint in hints if hint.candidate.variant == variant.name),
        key=lambda hint: (hint.rank, octaves(hint.size, size)),
    )
    elsewhere = [hint.candidate for hint in from_elsewhere if hint.candidate.config in variant.space]
    return list(dict.fromkeys([*_first(neighbours), *_first(elsewhere)]))


def _first(candidates: Iterable[Candidate]) -> list[Candidate]:
    return list(dict.fromkeys(candidates))[:MAX_WARM]


def promising(hints: Sequence[Hint], size: Mapping[str, int]) -> set[str]:
    """Variants that won the most fitting race that hints know of."""
    won = [hint for hint in hints if hint.won]
    nearest = min(((hint.rank, octaves(hint.size, size)) for hint in won), default=None)
    return {hint.candidate.variant for hint in won if (hint.rank, octaves(hint.size, size)) == nearest}


def octaves(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """The distance of two sizes in octaves, summed over their names; infinite if they have different ones."""
    if first.keys() != second.keys():
        return math.inf
    return sum(abs(math.log2(max(first[name], 1)) - math.log2(max(second[name], 1))) for name in first)
