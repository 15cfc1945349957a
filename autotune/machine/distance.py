"""How alike two machines are, by the hard fields of their fingerprints.

For hints only: what a decision rests on has to be equal in every hard field, never merely near. Knows nothing of
records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from .fingerprint import cache_bytes

#: Octaves to assume for a cache, or a number of cores, that one of two machines does not tell: neighbouring levels of
#: a cache differ by a factor of 8 to 32, so that it is as if a level were missing.
UNKNOWN_OCTAVES = 3.0


def distance(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[bool, bool, float, float]:
    """The distance of two machines, smaller for more alike ones; 0 everywhere for the same.

    Compared in this order: whether the architecture differs, whether the processor's features do (both decide which
    code is run at all), then the sum over the levels of cache of the octaves between their sizes (block sizes follow
    the caches), then the octaves between the numbers of usable cores.

    Parameters
    ----------
    ours, theirs : mapping
        Hard fields; those that are missing or unreadable count as unlike.
    """
    return (
        _differs(ours, theirs, "architecture"),
        _differs(ours, theirs, "features"),
        _cache_octaves(_caches(ours), _caches(theirs)),
        _octaves(_number(ours.get("cores", "")), _number(theirs.get("cores", ""))),
    )


def _differs(ours: Mapping[str, str], theirs: Mapping[str, str], name: str) -> bool:
    return ours.get(name) is None or ours.get(name) != theirs.get(name)


def _caches(hard: Mapping[str, str]) -> dict[str, int]:
    parts = (part.partition("=") for part in hard.get("caches", "").split())
    return {level: cache_bytes(size) for level, equals, size in parts if equals}


def _cache_octaves(ours: Mapping[str, int], theirs: Mapping[str, int]) -> float:
    if not ours and not theirs:
        return UNKNOWN_OCTAVES
    return sum(_octaves(ours.get(level, 0), theirs.get(level, 0)) for level in sorted(ours.keys() | theirs.keys()))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


def _octaves(ours: int, theirs: int) -> float:
    return abs(math.log2(ours) - math.log2(theirs)) if ours > 0 and theirs > 0 else UNKNOWN_OCTAVES
