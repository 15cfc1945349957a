"""Joining races of changed variants into what is recorded of a size.

What was measured of the others stays as it is. A changed variant is raced against the current winner, and its time is
recorded as the paired ratio to that winner times the winner's recorded time, so that the state of the machine then and
now do not mix. Knows nothing of running races.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ..kernel.model import REFERENCE, Kernel
from ..measure.paired import Interval
from ..measure.race import HOPELESS, INDIFFERENCE, Verdict
from ..store.record import Cell, Choice, Decision, Gap, Leaf, Measurement, Record, Split, lookup, reach
from . import decide, patches
from .hints import octaves
from .regimes import Regimes


def rivals(kernel: Kernel, cell: Cell) -> list[Choice]:
    """Whom a changed variant has to meet at a size: the reference, the winner, and the best with one thread.

    Where the winner is gone, all that the race of old would not have called hopeless against the best that is left.
    """
    known = [m for m in cell.measurements if m.candidate.variant in (REFERENCE, *kernel.variants)]
    ranked = sorted(known, key=lambda measured: measured.median_s)
    singles = [measured for measured in ranked if not is_threaded(kernel, measured.candidate)]
    found = {REFERENCE: Choice(REFERENCE)}
    if not cell.undecided:
        found[str(cell.winner)] = cell.winner
    reach = HOPELESS if cell.undecided else 1.0
    for pool in (ranked, singles):
        near = [m for m in pool if m.median_s <= reach * pool[0].median_s]
        found |= {str(m.candidate): m.candidate for m in near}
    return list(found.values())


def is_threaded(kernel: Kernel, choice: Choice) -> bool:
    """Whether a candidate uses several threads."""
    return choice.variant in kernel.variants and kernel.variants[choice.variant].threads


def without(cell: Cell, names: Collection[str]) -> Cell:
    """A cell in which some candidates, or variants as a whole, are not right any more."""
    kept = [m for m in cell.measurements if not {str(m.candidate), m.candidate.variant} & set(names)]
    cold = [m for m in cell.cold if not {str(m.candidate), m.candidate.variant} & set(names)]
    cell = msgspec.structs.replace(cell, cold=cold, cold_winner=_fastest(cold))
    if not {str(cell.winner), cell.winner.variant} & set(names):
        return msgspec.structs.replace(cell, measurements=kept)
    return msgspec.structs.replace(cell, winner=Choice(REFERENCE), measurements=kept, undecided=True)


def _fastest(measurements: Sequence[Measurement]) -> Choice | None:
    best = min(measurements, key=lambda measured: measured.median_s, default=None)
    return None if best is None else best.candidate


def joined(
    cell: Cell, regimes: Regimes, fresh: Mapping[str, Choice], threaded: Collection[str], *, done: Iterable[str]
) -> Cell:
    """A cell with the outcome of a race between changed candidates and its rivals.

    The winner stays unless a changed candidate won and is not merely tied with it; where it was gone, the race decides.

    Parameters
    ----------
    fresh : mapping
        The changed candidates by name, of all those that were raced.
    threaded : collection of str
        Names of candidates that use several threads.
    done : iterable of str
        Variants that are not untried any more.
    """
    tried, verdict = set(done), regimes.settled(threaded)
    left = [name for name in cell.untried if name not in tried]
    measurements = _measured(cell, cell.measurements, regimes.warm, fresh)
    cold = cell.cold
    if cold and regimes.cold is not None:
        cold = _measured(cell, cold, regimes.cold, fresh)
    contended = cell.contended or verdict.contended
    about = msgspec.structs.replace(
        cell, measurements=measurements, untried=left, contended=contended, cold=cold, cold_winner=_fastest(cold)
    )
    winner = verdict.winner
    if not cell.undecided and not (winner in fresh and _takes_over(winner, str(cell.winner), verdict, threaded)):
        return about
    known = {str(m.candidate): m.candidate for m in measurements}
    against = verdict.against_reference or Interval(1.0, 1.0, 1.0)
    return msgspec.structs.replace(
        about, winner=known.get(winner, Choice(REFERENCE)), reason=verdict.reason, undecided=False,
        ratio=against.ratio, ratio_low=against.low, ratio_high=against.high,
        warm_winner=known.get(regimes.warm.winner) if regimes.depends else None,
    )  # fmt: skip


def _measured(
    cell: Cell, known: Sequence[Measurement], verdict: Verdict, fresh: Mapping[str, Choice]
) -> list[Measurement]:
    """What is known of one regime, with changed candidates by their ratios to the winner, or to the reference where
    that is gone.
    """
    recorded = {str(m.candidate): m.median_s for m in known}
    anchors = [n for n in (str(cell.winner), REFERENCE) if n in recorded and n in verdict.samples and n not in fresh]
    found = [m for m in known if str(m.candidate) not in fresh]
    for name, choice in fresh.items():
        samples = verdict.samples.get(name)
        if not samples:
            continue
        time_s = recorded[anchors[0]] * paired_ratio(verdict, name, anchors[0]) if anchors else verdict.median_s(name)
        found.append(Measurement(choice, time_s, decide.spread(samples), len(samples)))
    return sorted(found, key=lambda measured: str(measured.candidate))


def paired_ratio(verdict: Verdict, name: str, rival: str) -> float:
    """Time of one candidate over that of another: the median over the rounds in which both ran."""
    pairs = zip(verdict.samples[name], verdict.samples[rival], strict=False)
    return math.exp(statistics.median(math.log(a / b) for a, b in pairs))


def _takes_over(name: str, incumbent: str, verdict: Verdict, threaded: Collection[str]) -> bool:
    """Whether a winner of the race replaces the one in the record: not for a tie that only its name decides."""
    if name == incumbent or incumbent not in verdict.samples:
        return True
    fewer_threads = name not in threaded and incumbent in threaded
    return fewer_threads or paired_ratio(verdict, name, incumbent) < math.exp(-INDIFFERENCE / 2)


@dataclass(frozen=True)
class Carried(decide.Raced):
    """A size whose race is in the record, with what was joined since."""

    recorded: Cell

    def cell(self, facts: decide.Facts, untried: Sequence[str] = ()) -> Cell:
        return self.recorded

    def costs(self, facts: decide.Facts, layer: str) -> dict[str, float]:
        """Seconds a call by candidate.

        One with threads that is faster than the winner and did not win broke the tail rule then: it costs at least
        what the best with one thread does.
        """
        costs = {n: self.verdict.median_s(n) for n in self.verdict.samples if n in facts.candidates}
        singles = [seconds for name, seconds in costs.items() if name not in facts.threaded]
        for name in facts.threaded & set(costs):
            if singles and name != self.verdict.winner and costs[name] < costs.get(self.verdict.winner, 0.0):
                costs[name] = max(costs[name], min(singles))
        surcharges = self.regimes.surcharges()
        return {name: seconds * surcharges[name] for name, seconds in costs.items()}


def carried(cell: Cell) -> Carried:
    """A recorded size as if it had just been raced."""
    against = Interval(cell.ratio, cell.ratio_low, cell.ratio_high)

    def told(winner: Choice, measurements: Sequence[Measurement]) -> Verdict:
        samples = {str(measured.candidate): [measured.median_s] for measured in measurements}
        name = str(winner)
        return Verdict(name, cell.reason, 1, samples, name, against, cell.contended, decided=True)

    cold = told(cell.cold_winner, cell.cold) if cell.cold_winner is not None else None
    regimes = Regimes(told(cell.warm_winner or cell.winner, cell.measurements), cold)
    return Carried(cell.size, regimes, told(cell.winner, cell.measurements), cell)


# -- first use


def open_cell(record: Record, size: dict[str, int]) -> Cell | None:
    """The measured size nearest to this one that speaks for it and at which something is left to be raced."""
    near = [cell for cell in record.cells if (cell.untried or cell.undecided) and cell.speaks_for(size)]
    return min(near, key=lambda cell: octaves(cell.size, size), default=None)


def with_trial(known: Record, new: Record, leaf: Leaf) -> Record:
    """What is known of a signature after a trial at one size, whose record is `new`.

    The size replaces what was measured at the same one. Of a calibrated record everything else stays, and only within
    half an octave is the winner of the trial put in the place of the one before; of a record made by first use the
    decision of every other size stays.
    """
    cell = new.cells[0]
    keep = [other for other in known.cells if other.size != cell.size]
    cells = [*keep, cell]
    calibrated = known.provenance.origin == "calibrate"
    if calibrated:
        before = lookup(known.decision, cell.size)
        decision = known.decision
        if before != leaf:
            decision = decide.carve(decision, reach(cell.size), leaf, instead_of=before)
    else:
        points = [(other.size, found) for other in keep if (found := lookup(known.decision, other.size)) is not None]
        decision = decide.by_points([*points, (cell.size, leaf)])
    provenance = new.provenance
    if calibrated:  # compiled code may be new in it
        provenance = msgspec.structs.replace(
            known.provenance, compiled=known.provenance.compiled or new.provenance.compiled
        )
    return msgspec.structs.replace(
        new, cells=cells, decision=decision, provenance=provenance,
        variants=msgspec.structs.replace(new.variants, ulp={**known.variants.ulp, **new.variants.ulp}),
        quality="contended" if 2 * sum(cell.contended for cell in cells) > len(cells) else "clean",
        skipped=known.skipped, held_out=known.held_out,
    )  # fmt: skip


# -- the sizes of a program


def with_sizes(known: Record | None, new: Record) -> Record:
    """What is known of a signature after its calibration at the sizes of a program, whose record is `new`.

    What was calibrated over all sizes stays, but for half an octave around a size that has another winner. Of anything
    else the new decision holds where it says something, the one before elsewhere.
    """
    if known is None or not new.cells:
        return known or new
    if known.provenance.origin == "calibrate" and not _has_gaps(known.decision):
        for cell in new.cells:
            leaf = lookup(new.decision, cell.size)
            if leaf is not None:
                known = with_trial(known, msgspec.structs.replace(new, cells=[cell]), leaf)
        return known
    measured = [cell.size for cell in new.cells]
    decision, about, made = _beside(known, new), new.variants, new.provenance
    return msgspec.structs.replace(
        new,
        cells=[*(cell for cell in known.cells if cell.size not in measured), *new.cells],
        decision=patches.filled(decision, known.decision),
        variants=msgspec.structs.replace(about, ulp={**known.variants.ulp, **about.ulp}),
        provenance=msgspec.structs.replace(
            made, compiled=made.compiled or known.provenance.compiled,
            spent_s=round(made.spent_s + known.provenance.spent_s, 3),
        ),
    )  # fmt: skip


def _beside(known: Record, new: Record) -> Decision:
    """The new decision; where sizes that were measured before lie among the new ones, these decide with them."""
    box = patches.around([cell.size for cell in new.cells])
    measured = [cell.size for cell in new.cells]
    spots = [(size, lookup(new.decision, size)) for size in measured]
    among = [
        (cell.size, lookup(known.decision, cell.size))
        for cell in known.cells
        if cell.size not in measured
        and not cell.undecided
        and all(low <= cell.size.get(name, -1) < high for name, (low, high) in box.items())
    ]
    decided = [(size, leaf) for size, leaf in [*spots, *among] if leaf is not None]
    changed = any(leaf is not None and leaf != lookup(new.decision, size) for size, leaf in among)
    return patches.inside(patches.by_neighbours(decided), box) if changed else new.decision


def _has_gaps(decision: Decision) -> bool:
    if isinstance(decision, Split):
        return _has_gaps(decision.below) or _has_gaps(decision.above)
    return isinstance(decision, Gap)
