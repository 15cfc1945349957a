"""The schema of a record: a decision with its evidence, in one module.

JSON by `msgspec`, readable and diffable. Sizes are whole numbers, times are seconds. Knows nothing of where records
are kept or how they were measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

#: Number of this schema; records of a higher one are ignored, never rewritten.
SCHEMA = 1
#: Decisions are balanced trees over some tens of borders; a deeper one is not one of ours, and would not compile.
MAX_DEPTH = 40
#: Half the width, in octaves, of the range of sizes that one measured size speaks for, where nothing else is known.
REACH_OCTAVES = 0.5

Value = bool | int | float | str | None
#: How a scalar result is wrapped to have the reference's type: a type's name, or a list for a tuple.
Boxing = str | list[str | None] | None


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """A candidate by name."""

    variant: str
    params: dict[str, Value] = {}

    def __str__(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.variant}({settings})" if settings else self.variant


class Pick(Choice, frozen=True, omit_defaults=True):
    """A candidate that serves, with what its results need."""

    boxing: Boxing = None
    #: ``number`` or ``arrays``: a result that is not all finite is given up for the reference's, whose warnings it
    #: would lack.
    finite: str = ""


class Leaf(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="node", tag="leaf"):
    """What serves the sizes that reach it."""

    winner: Pick
    #: The best candidate that uses one thread, where the winner uses several.
    single: Pick | None = None


class Gap(msgspec.Struct, frozen=True, tag_field="node", tag="gap"):
    """Sizes that nothing is known of yet."""


class Split(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="node", tag="split"):
    """Below `at` one way, from `at` on the other.

    `feature` is the name of a size, or several joined by ``*``. The border is known to lie between `low` and `high`.
    """

    feature: str
    at: int
    below: Leaf | Gap | Split
    above: Leaf | Gap | Split
    low: int = 0
    high: int = 0


Decision = Leaf | Gap | Split


class Measurement(msgspec.Struct, frozen=True, omit_defaults=True):
    """One candidate at one size."""

    candidate: Choice
    median_s: float
    #: Half the distance between the quartiles, relative to the median.
    spread: float = 0.0
    rounds: int = 0


class Cell(msgspec.Struct, frozen=True, omit_defaults=True):
    """One race: a size, who won, and all that was measured."""

    size: dict[str, int]
    winner: Choice
    reason: str
    measurements: list[Measurement]
    #: Time of the winner over the time of the reference, paired, with its 95 % interval; 1 where the reference won.
    ratio: float = 1.0
    ratio_low: float = 1.0
    ratio_high: float = 1.0
    contended: bool = False
    #: Variants that the budget did not reach, or that are new since.
    untried: list[str] = []
    #: The same calls on data from memory, where that can matter, and who won them.
    cold: list[Measurement] = []
    cold_winner: Choice | None = None
    #: Who won on warm data, where the winner depends on the state of the caches.
    warm_winner: Choice | None = None
    #: Its winner was edited or removed since: it says nothing until what is left is raced again.
    undecided: bool = False

    def speaks_for(self, size: dict[str, int]) -> bool:
        """Whether a size is within the reach of this one, as far as a single measured size has any."""
        return size.keys() == self.size.keys() and all(
            low <= size[name] < high for name, (low, high) in reach(self.size).items()
        )


def reach(size: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """The range of sizes that one measured size speaks for: by name, the first value inside and the first beyond."""
    factor = 2**REACH_OCTAVES
    return {n: (math.floor(v / factor), max(math.ceil(v * factor), v + 1)) for n, v in size.items()}


class HeldOut(msgspec.Struct, frozen=True):
    """A size at which the decision was tried, that was not used for reaching it."""

    size: dict[str, int]
    chosen: Choice
    best: Choice
    #: Time of what is chosen over time of the best, minus 1.
    regret: float


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A candidate that is not used, and why."""

    candidate: Choice
    reason: str


class Variants(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of the variants beside the races."""

    #: Source hash by variant, the reference included.
    sources: dict[str, str]
    #: Numerics class by variant, as verified, and the largest distance from the reference in units in the last place.
    ulp: dict[str, float] = {}
    failures: list[Failure] = []
    #: Variants that do not apply here, with the reason: not installed, condition, policy, cores.
    excluded: dict[str, str] = {}


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where and when a record was made."""

    #: Hard fields of the machine: a record is visible only where all of them are equal.
    hard: dict[str, str]
    #: Soft fields: a difference marks a record stale.
    soft: dict[str, str]
    #: Hard fields for compiled candidates only; empty where none was compiled.
    compiled: dict[str, str]
    #: Version of autotune.
    tool: str
    #: Seconds since 1970, UTC.
    created_s: float
    #: ``calibrate`` or ``first-use``.
    origin: str
    effort: str = "standard"
    spent_s: float = 0.0
    budget_s: float | None = None
    label: str = ""
    #: What was calibrated: lowest and highest of each size.
    ranges: dict[str, tuple[int, int]] = {}


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """The decision for one kernel and signature with its evidence."""

    schema: int
    kernel: str
    #: `Signature.key`: JSON text.
    signature: str
    #: How sizes are computed, by name.
    sizes: dict[str, str]
    #: The loosest numerics class that was allowed to win.
    numerics: str
    decision: Decision
    cells: list[Cell]
    variants: Variants
    provenance: Provenance
    #: ``clean`` or ``contended``.
    quality: str = "clean"
    #: Sizes that were left out, with the reason.
    skipped: list[str] = []
    held_out: list[HeldOut] = []

    @property
    def untried(self) -> list[str]:
        """Variants that the budget did not reach at some size."""
        return sorted({name for cell in self.cells for name in cell.untried})

    def unfinished(self, size: dict[str, int]) -> bool:
        """Whether variants are untried at the measured size that speaks for this one."""
        return any(cell.untried and cell.speaks_for(size) for cell in self.cells)


def leaves(decision: Decision) -> Iterator[Leaf]:
    """Every leaf, in order."""
    if isinstance(decision, Leaf):
        yield decision
    elif isinstance(decision, Split):
        yield from leaves(decision.below)
        yield from leaves(decision.above)


def lookup(decision: Decision, size: dict[str, int]) -> Leaf | None:
    """The leaf for a size, or None in a gap."""
    while isinstance(decision, Split):
        value = 1
        for name in decision.feature.split("*"):
            value *= size[name]
        decision = decision.below if value < decision.at else decision.above
    return decision if isinstance(decision, Leaf) else None


def features_used(decision: Decision) -> set[str]:
    """Names of the sizes that a decision looks at."""
    if not isinstance(decision, Split):
        return set()
    return {*decision.feature.split("*"), *features_used(decision.below), *features_used(decision.above)}


def encode(record: Record) -> str:
    return msgspec.json.encode(record).decode()


def decode(text: str | bytes) -> Record:
    """The record of a JSON text.

    Raises
    ------
    ValueError
        Not JSON, another schema, or a field that is missing or of the wrong type; the message says where.
    """
    try:
        try:
            record = msgspec.json.decode(text, type=Record)
            schema = record.schema
        except msgspec.ValidationError:
            schema = msgspec.json.decode(text, type=_Head).schema
            if schema == SCHEMA:
                raise
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if schema != SCHEMA:
        raise ValueError(f"schema {schema}, expected {SCHEMA}")
    check_depth(record)
    return record


def check_depth(record: Record) -> None:
    """Make sure that the decision may be walked.

    Raises
    ------
    ValueError
        It is nested too deeply.
    """
    pending = [(record.decision, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"{record.kernel:.80}: the decision is nested too deeply, more than {MAX_DEPTH} levels")
        if isinstance(node, Split):
            pending += [(node.below, depth + 1), (node.above, depth + 1)]


class _Head(msgspec.Struct):
    schema: int
