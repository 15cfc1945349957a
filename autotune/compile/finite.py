"""Whether every number of a result is finite.

A compiled loop raises no floating-point warnings. Where the reference does, a result that is not all finite is given up
and the reference called, so that its warnings and its values stand. Knows nothing of kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .lazy import jitable


@jitable
def _count_not_finite(flat: np.ndarray, largest: Any) -> int:
    count = 0
    for i in range(flat.size):
        if not abs(flat[i]) <= largest:  # NaN compares false
            count += 1
    return count


def all_finite(result: Any) -> bool:
    """Whether all floating numbers of a result (a number, an array, a tuple of these) are finite."""
    if isinstance(result, tuple):
        return all(map(all_finite, result))
    if not isinstance(result, np.ndarray):
        return isinstance(result, int) or bool(np.isfinite(result))
    if result.dtype.kind not in "fc":
        return True
    if result.dtype.kind == "f" and result.flags.forc:
        return bool(_count_not_finite(result.ravel("K"), np.finfo(result.dtype).max) == 0)
    return bool(np.isfinite(result).all())
