"""Whether two lines, or two arrays, say the same: text exactly, numbers within a tolerance.

Printed numbers may also differ by one unit of their last digit, because rounding can go either way; whole numbers may
not differ at all. Numbers with a unit of time are told apart: a run is never as long as another. Knows nothing of
where lines and arrays come from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

#: Largest relative difference between numbers that agree: six digits, what ``%g`` prints.
TOLERANCE = 1e-6
#: Where an array has fewer digits: so many times the precision of its type, for reassociated sums of some 10⁵ terms.
PRECISIONS = 1000.0

_NUMBER = re.compile(
    r"(?<![\w.])(?P<value>[-+]?(?>\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?>\.\d*)?(?>[eE][-+]?\d+)?(?<=[\d.]))"
    r"(?P<time>\s?(?:ns|us|µs|μs|ms|s|sec|secs|seconds?|min|minutes?|it/s)(?!\w))?(?![\w.]*\w)"
)
_TIMES = "times"


@dataclass(frozen=True)
class Difference:
    """How two things differ; the largest relative difference among numbers that do."""

    #: ``""`` where they agree, ``times`` where only times differ, else what differs.
    what: str = ""
    largest: float = 0.0

    @property
    def agrees(self) -> bool:
        return not self.what

    @property
    def only_times(self) -> bool:
        return self.what == _TIMES


def lines(one: str | None, other: str | None, tolerance: float) -> Difference:
    """Compare two lines; None is a line that is not there."""
    if one == other:
        return Difference()
    if one is None or other is None:
        return Difference("a line more or less")
    texts, numbers = _parts(one)
    other_texts, other_numbers = _parts(other)
    if texts != other_texts:
        return Difference("text")
    largest, what = 0.0, ""
    for (a, a_time), (b, b_time) in zip_longest(numbers, other_numbers):
        apart, agree = _values(a, b, tolerance)
        if a_time and a_time == b_time:
            what = what or ("" if a == b else _TIMES)
            continue
        largest = max(largest, apart)
        if not agree:
            what = "numbers"
    return Difference(what, largest)


def _parts(line: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The text between the numbers, white space apart, and the numbers with their unit if it is one of time."""
    texts, numbers, end = [], [], 0
    for found in _NUMBER.finditer(line):
        if not any(character.isdigit() for character in found["value"]):
            continue
        texts.append(line[end : found.start()])
        numbers.append((found["value"].replace(",", ""), (found["time"] or "").strip()))
        end = found.end()
    texts.append(line[end:])
    return [" ".join(text.split()) for text in texts], numbers


def _values(one: str, other: str, tolerance: float) -> tuple[float, bool]:
    """How far two printed numbers are apart, relative to the larger, and whether they agree."""
    if one == other:
        return 0.0, True
    a, b = float(one), float(other)
    scale = max(abs(a), abs(b))
    apart = abs(a - b) / scale if scale else 0.0
    if _whole(one) and _whole(other):
        return apart, int(one) == int(other)
    unit = max(_last_digit(one), _last_digit(other))
    return apart, abs(a - b) <= max(tolerance * scale, unit * (1 + 1e-9))


def _whole(text: str) -> bool:
    return text.lstrip("+-").isdigit()


def _last_digit(text: str) -> float:
    """What one unit of the last printed digit is worth."""
    mantissa, _, exponent = text.lower().partition("e")
    if mantissa.endswith("."):  # as NumPy prints a number whose further digits are all nought
        return 0.0
    power = int(exponent or 0) - len(mantissa.partition(".")[2])
    return float(10.0 ** max(min(power, 300), -300))


def arrays(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any], tolerance: float) -> Difference:
    """Compare two arrays: floating numbers by their largest difference over the largest number, all else exactly."""
    if one.dtype != other.dtype or one.shape != other.shape:
        return Difference(f"{one.dtype} {one.shape} and {other.dtype} {other.shape}")
    if one.dtype.kind not in "fc":
        same = bool(np.array_equal(one, other))
        return Difference() if same else Difference(f"{int(np.sum(one != other))} of {one.size} elements")
    finite = np.isfinite(one)
    if not np.array_equal(finite, np.isfinite(other)) or not np.array_equal(
        one[~finite], other[~finite], equal_nan=True
    ):
        return Difference("NaN or infinity in other places")
    with np.errstate(all="ignore"):
        scale = float(np.max(np.abs(one[finite]), initial=0))
        worst = float(np.max(np.abs(one[finite] - other[finite]), initial=0))
    largest = worst / scale if scale else worst
    allowed = max(tolerance, PRECISIONS * float(np.finfo(one.dtype).eps))
    return Difference("" if largest <= allowed else "numbers", largest)


def values(one: Any, other: Any, tolerance: float) -> Difference:
    """Compare two values of JSON: floating numbers within the tolerance, all else exactly."""
    if isinstance(one, float) and isinstance(other, float):
        return arrays(np.array(one), np.array(other), tolerance)
    if type(one) is not type(other):
        return Difference(f"{type(one).__name__} and {type(other).__name__}")
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return Difference("other keys")
        return worst([values(one[key], other[key], tolerance) for key in one])
    if isinstance(one, list):
        if len(one) != len(other):
            return Difference(f"{len(one)} and {len(other)} items")
        return worst([values(a, b, tolerance) for a, b in zip(one, other, strict=True)])
    return Difference() if one == other else Difference(f"{one!r:.30} and {other!r:.30}")


def worst(differences: list[Difference]) -> Difference:
    """All of several differences as one: what is worst, and the largest."""
    what = max((found.what for found in differences), key=lambda text: (bool(text), text != _TIMES), default="")
    return Difference(what, max((found.largest for found in differences), default=0.0))
