"""How far up a calibration goes: sizes whose calls would take too long, or need too much memory, are left out.

Judged by the largest size measured so far. Beyond it, time is taken to grow like the volume, the product of all sizes,
but for what even the smallest size takes; memory as it did so far. Knows nothing of candidates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .. import quantity
from ..machine.fingerprint import too_large

#: Sizes whose reference would take longer are left out (DESIGN.md, "Calibrate").
MAX_REFERENCE_S = 0.2
#: What is expected may be off by so much before a size is left out for it.
ALLOWANCE = 1.5


def volume(size: Mapping[str, int]) -> int:
    """The product of all sizes: what work is taken to grow with."""
    return math.prod(max(value, 1) for value in size.values())


def text(point: Mapping[str, Any]) -> str:
    """A point in words."""
    return quantity.size(point) if point else "the only size"


class Extent:
    """What calls took so far, by their volume."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._bytes: dict[int, int] = {}
        self._whole: dict[int, float] = {}

    def weighed(self, point: Mapping[str, int], total_bytes: int) -> None:
        """Note the memory of the arguments at a point."""
        self._bytes[volume(point)] = max(total_bytes, 1)

    def timed(self, point: Mapping[str, int], reference_s: float) -> None:
        """Note the time of the reference at a point."""
        self._seconds[volume(point)] = reference_s

    def took(self, point: Mapping[str, int], whole_s: float) -> None:
        """Note how long all that is done at a point took, compiling apart: making data, verifying, racing."""
        self._whole[volume(point)] = whole_s

    def beyond(self, point: Mapping[str, int], most_s: float = math.inf) -> str | None:
        """Why a point is to be left out, on which no more than `most_s` seconds may be spent; None if it is not."""
        expected_s = _grown(self._seconds, volume(point))
        if expected_s > MAX_REFERENCE_S * ALLOWANCE:
            return f"the reference would take about {expected_s:.2g} s"
        if too_large(_scaled(self._bytes, volume(point))):
            return "its arrays would need more than an eighth of the free memory"
        whole_s = _grown(self._whole, volume(point))
        if whole_s > max(most_s, min(self._whole.values(), default=0.0)) * ALLOWANCE:
            return f"measuring it would take about {whole_s:.2g} s, and there is no time for that"
        return None


def _grown(known_s: Mapping[int, float], volume: int) -> float:
    """Seconds at a volume, from those of the largest known one: what every call or race takes does not grow."""
    if not known_s:
        return 0.0
    least_s, largest = min(known_s.values()), max(known_s)
    return least_s + (known_s[largest] - least_s) * volume / largest


def _scaled(known: Mapping[int, int], volume: int) -> float:
    """Bytes at a volume, on the power law through the smallest and the largest known one.

    Those of a matrix product grow like the 2/3rd power of its volume, those of a square matrix like the square, which
    is the steepest that is believed.
    """
    if not known:
        return 0.0
    smallest, largest = min(known), max(known)
    power = math.log(known[largest] / known[smallest], largest / smallest) if smallest < largest else 1.0
    return float(known[largest] * (volume / largest) ** min(max(power, 0.0), 2.0))
