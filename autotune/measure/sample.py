"""One call of a program held against the reference: what the sampling check does beside the call itself.

The variant runs on the caller's own arguments, so that its result is the one that any other call would give; the
reference runs on copies that lie in memory as those do. Knows nothing of dispatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..kernel.boxes import Handling
from ..kernel.model import Kernel
from ..machine.fingerprint import too_large
from . import arguments as make
from .compare import Mismatch
from .gate import Case, Gate
from .outcome import Outcome

#: Copies up to so many bytes are made without asking how much memory is free.
SMALL_BYTES = 16 << 20
#: Places in memory are copied up to this alignment, which is a cache line: vector code depends on it.
ALIGNMENT = 64
#: A view of a much larger array is copied compactly.
MAX_SPREAD = 4


class Sample:
    """A call before it is made.

    Parameters
    ----------
    kernel : Kernel
    values : mapping
        The arguments by name; they are copied.
    """

    def __init__(self, kernel: Kernel, values: Mapping[str, object]) -> None:
        self.kernel = kernel
        #: The arguments as they were.
        self.before = make.map_arrays(values, exact_copy)

    def judge(self, values: Mapping[str, object], result: Any, raised: Exception | None, numerics: str) -> str | None:
        """Why what a variant did is not what the reference does, or None.

        Parameters
        ----------
        values : mapping
            The arguments after the variant has run on them.
        result, raised
            What it gave, or raised.
        numerics : str
            The class that it claims.
        """
        given = make.map_arrays(self.before, exact_copy)
        try:
            expected = _outcome(self.kernel.call_reference(given), None, given)
        except Exception as error:  # the candidate boundary: what the reference raises is its outcome
            expected = _outcome(None, error, given)
        try:
            Gate(self.kernel, []).hold(
                Case("call", self.before), expected, _outcome(result, raised, dict(values)), Handling(), numerics
            )
        except Mismatch as mismatch:
            return str(mismatch)
        except Exception:  # the candidate boundary: results that cannot be compared say nothing
            return None
        return None

    def restore(self, values: Mapping[str, object]) -> None:
        """Make the arguments what they were before the call."""
        for name, before in self.before.items():
            if type(before) is np.ndarray:
                _put_back(values[name], before)

    def save(self, path: Any, about: Mapping[str, str]) -> None:
        """Write the arguments as an ``.npz`` that `numpy.load` reads without pickle; what is no array as text."""
        arrays = {name: value for name, value in self.before.items() if type(value) is np.ndarray}
        others = {name: repr(value) for name, value in self.before.items() if name not in arrays}
        texts = {f"about_{name}": np.array(text) for name, text in {**about, **others}.items()}
        np.savez(path, allow_pickle=False, **arrays, **texts)

    @property
    def total_bytes(self) -> int:
        return make.total_bytes(self.before)


def take(kernel: Kernel, values: Mapping[str, object]) -> Sample | None:
    """A sample of a call; None where there is no memory for it."""
    needed = 2 * make.total_bytes(values)
    if needed > SMALL_BYTES and too_large(needed):
        return None
    try:
        return Sample(kernel, values)
    except MemoryError:
        return None


def exact_copy(array: np.ndarray) -> np.ndarray:
    """A copy with the same strides and alignment: results of the reference may depend on both."""
    low, high = np.lib.array_utils.byte_bounds(array)
    if array.size == 0 or high - low > MAX_SPREAD * array.nbytes:
        return make.copy_array(array)
    buffer = np.empty(high - low + ALIGNMENT, np.uint8)
    start = (low - buffer.ctypes.data) % ALIGNMENT + array.ctypes.data - low
    copy = np.ndarray(array.shape, array.dtype, buffer, start, array.strides)
    copy[...] = array
    copy.flags.writeable = array.flags.writeable
    return copy


def _put_back(now: Any, before: np.ndarray) -> None:
    """Only what is different is written: other threads may be reading."""
    if now.flags.writeable and not np.array_equal(now, before, equal_nan=before.dtype.kind in "fc"):
        now[...] = before


def _outcome(result: Any, raised: Exception | None, arguments: dict[str, object]) -> Outcome:
    return Outcome(result, None if raised is None else type(raised), str(raised or ""), frozenset(), arguments)
