"""Numbers as people read them: three digits and a unit; what is no number is a dash.

Knows nothing of where the numbers come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

NONE = "–"
#: Units from the largest down; a value is shown in the first of which it has at least one.
_TIMES = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_BYTES = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1.0))
_COUNTS = (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))
#: From here on seconds are told in minutes and hours.
_MINUTES_S, _HOURS_S = 120.0, 7200.0
#: Whole numbers of more digits than this are told as a power of ten.
_MOST_DIGITS = 15


def duration(seconds: float | None) -> str:
    """``"1.23 ms"``; minutes and hours from two of them on."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return NONE
    if seconds == 0:
        return "0 s"
    if seconds >= _HOURS_S:
        return f"{_digits(seconds / 3600)} h"
    if seconds >= _MINUTES_S:
        return f"{_digits(seconds / 60)} min"
    return _scaled(seconds, _TIMES)


def memory(size_bytes: float | None) -> str:
    """``"12.3 MB"``, in powers of ten."""
    if size_bytes is None or not math.isfinite(size_bytes) or size_bytes < 0:
        return NONE
    return _scaled(size_bytes, _BYTES) if size_bytes >= 1 else "0 B"


def count(number: float | None) -> str:
    """``"9,950"``, ``"12.3 M"``."""
    if number is None or not math.isfinite(number):
        return NONE
    return f"{number:,.0f}" if abs(number) < 1e5 else _scaled(number, _COUNTS).strip()


def share(part: float | None) -> str:
    """``"12 %"``; with a digit more below ten per cent."""
    if part is None or not math.isfinite(part):
        return NONE
    number = 100 * part
    if 0 < number < 0.1:
        return "< 0.1 %"
    return f"{number:.1f} %" if abs(number) < 9.95 else f"{number:,.0f} %"


def percent(part: float) -> str:
    """``"5 %"``: a round share, as of an axis or a limit; below one per cent its first digit."""
    number = 100 * part
    return f"{number:,.0f} %" if number >= 1 or not number else f"{number:.1g} %"


def factor(ratio: float | None) -> str:
    """``"3.1 x"``."""
    if ratio is None or not math.isfinite(ratio) or ratio <= 0:
        return NONE
    return f"{_digits(ratio)} x"


def whole(number: int) -> str:
    """``"1,000"``; a number too long to be read as a power of ten."""
    if number and abs(number) >= 10**_MOST_DIGITS:
        return f"{'-' if number < 0 else ''}10^{math.log10(abs(number)):.1f}"
    return f"{number:,}"


def size(values: Mapping[str, int]) -> str:
    """``"n=1,000, k=16"``."""
    return ", ".join(f"{name}={whole(value)}" for name, value in values.items()) or "any size"


def _scaled(value: float, units: tuple[tuple[str, float], ...]) -> str:
    rounded = float(f"{value:.3g}")
    name, scale = next(((n, s) for n, s in units if abs(rounded) >= s), units[-1])
    return f"{_digits(rounded / scale)} {name}"


def _digits(value: float) -> str:
    """Three significant digits, no exponent up to a million."""
    rounded = float(f"{value:.3g}")
    if abs(rounded) >= 1e6:
        return f"{rounded:.3g}"
    if abs(rounded) >= 100:
        return f"{rounded:,.0f}"
    return f"{rounded:.3g}"
