"""Comparing a result with the reference's: type, dtype, shape, order, special values, and error within bounds.

Knows nothing of how the results came about.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

#: Units of eps·scale allowed for elementwise work (MEASUREMENT.md, section 5).
ELEMENTWISE_FACTOR = 8.0
#: Whole numbers of the size of a float.
_BITS = {"e": np.int16, "f": np.int32, "d": np.int64}
#: A result may be off by this many times the reference's own error against a longer-precision oracle.
ORACLE_FACTOR = 4.0


class Mismatch(Exception):
    """A result that is not the reference's; the message is the reason that the record keeps."""


@dataclass
class Bounds:
    """How far a result may be from the expected one.

    Parameters
    ----------
    numerics : str
        The class the variant claims: bitwise, reassociated or approximate.
    factor : float
        Units of eps·scale.
    scale, oracle : callable
        Give the reference's result on the absolute inputs, and in longer precision, or None; called when needed.
    """

    numerics: str
    factor: float
    scale: Callable[[], Any] = lambda: None
    oracle: Callable[[], Any] = lambda: None
    #: Whether the scale of every element is that of the largest; then the sign of zero means nothing either.
    normwise: bool = False
    #: Largest distance met, in units in the last place of the expected value.
    ulp: float = field(default=0.0, init=False)


def compare(expected: Any, found: Any, bounds: Bounds, where: str = "result") -> None:
    """Raise `Mismatch` unless `found` is `expected` within the bounds."""
    if isinstance(expected, tuple):
        _compare_tuple(expected, found, bounds, where)
    elif isinstance(expected, np.ndarray):
        _compare_arrays(expected, found, bounds, where)
    elif isinstance(expected, int | float | complex | np.generic):
        if type(expected) is not type(found):
            raise Mismatch(f"{where}: type {type(found).__name__}, expected {type(expected).__name__}")
        _compare_values(np.asarray(expected), np.asarray(found), bounds, where)
    elif type(expected) is not type(found):
        raise Mismatch(f"{where}: type {type(found).__name__}, expected {type(expected).__name__}")
    elif expected is not found and expected != found:
        raise Mismatch(f"{where}: {found!r:.60}, expected {expected!r:.60}")


def _compare_tuple(expected: tuple[Any, ...], found: Any, bounds: Bounds, where: str) -> None:
    if type(found) is not type(expected) or len(found) != len(expected):
        raise Mismatch(f"{where}: {type(found).__name__}, expected a tuple of {len(expected)}")
    for index, (e, f) in enumerate(zip(expected, found, strict=True)):
        part = _part(bounds, index)
        compare(e, f, part, f"{where}[{index}]")
        bounds.ulp = max(bounds.ulp, part.ulp)


def _part(bounds: Bounds, index: int) -> Bounds:
    """The bounds of one item of a tuple."""

    def item(value: Any) -> Any:
        return value[index] if isinstance(value, tuple) and index < len(value) else None

    return replace(bounds, scale=lambda: item(bounds.scale()), oracle=lambda: item(bounds.oracle()))


def _compare_arrays(expected: np.ndarray, found: Any, bounds: Bounds, where: str) -> None:
    if type(found) is not type(expected):
        raise Mismatch(f"{where}: type {type(found).__name__}, expected {type(expected).__name__}")
    if found.dtype != expected.dtype:
        raise Mismatch(f"{where}: dtype {found.dtype}, expected {expected.dtype}")
    if found.shape != expected.shape:
        raise Mismatch(f"{where}: shape {found.shape}, expected {expected.shape}")
    for flag, order in (("c_contiguous", "C"), ("f_contiguous", "F")):
        if getattr(expected.flags, flag) and not getattr(found.flags, flag):
            raise Mismatch(f"{where}: memory order is not {order} as the reference's")
    if expected.flags.writeable and not found.flags.writeable:
        raise Mismatch(f"{where}: is read-only, the reference's is not")
    _compare_values(expected, found, bounds, where)


def _compare_values(expected: np.ndarray, found: np.ndarray, bounds: Bounds, where: str) -> None:
    if expected.dtype.kind not in "fc":
        if not np.array_equal(expected, found):
            raise Mismatch(f"{where}: {_first_difference(expected, found, expected != found)}")
        return
    norm = _largest(expected) if bounds.normwise else 0.0
    if expected.dtype.kind == "c":
        for part in ("real", "imag"):
            _compare_floats(getattr(expected, part), getattr(found, part), bounds, norm, f"{where}.{part}")
    else:
        _compare_floats(expected, found, bounds, norm, where)


def _largest(values: Any) -> float:
    """The largest magnitude among finite numbers."""
    with np.errstate(all="ignore"):
        magnitudes = np.abs(values)
    return float(magnitudes.max(initial=0, where=np.isfinite(magnitudes)))


def _compare_floats(expected: np.ndarray, found: np.ndarray, bounds: Bounds, norm: float, where: str) -> None:
    steps = _most_steps(expected, found)
    if steps is not None and (steps == 0 or (bounds.numerics != "bitwise" and steps <= bounds.factor / 2)):
        bounds.ulp = max(bounds.ulp, float(steps))  # half of it: steps are half as wide below a power of two
        return
    for test, name in ((np.isnan, "NaN"), (np.isposinf, "+inf"), (np.isneginf, "-inf")):
        wrong = test(expected) != test(found)
        if wrong.any():
            raise Mismatch(f"{where}: {name} in other places: {_first_difference(expected, found, wrong)}")
    wrong = (expected == 0) & (found == 0) & (np.signbit(expected) != np.signbit(found))
    if wrong.any() and not bounds.normwise:
        raise Mismatch(f"{where}: sign of zero: {_first_difference(expected, found, wrong)}")
    finite = np.isfinite(expected)
    with np.errstate(all="ignore"):
        error = np.where(finite, np.abs(expected - found), 0)
        distance = error / np.spacing(np.abs(np.where(finite, expected, 1)))
    if bounds.numerics == "bitwise" and error.any():
        raise Mismatch(f"{where}: not bit for bit: {_first_difference(expected, found, error > 0)}")
    scale = np.maximum(np.abs(np.where(finite, expected, 0)), expected.dtype.type(norm))
    limit = _limit(expected.dtype, scale, bounds)
    if np.any(error > limit):
        limit = _limit(expected.dtype, _larger(scale, bounds.scale(), normwise=bounds.normwise), bounds)
        wrong = error > limit
        if wrong.any() and not _as_good_as_reference(expected, found, bounds.oracle(), limit):
            worst = np.unravel_index(np.argmax(np.where(wrong, error, 0)), error.shape)
            raise Mismatch(
                f"{where}: off by {error[worst]:.3g} at {_place(worst)} (found {found[worst]!r}, "
                f"expected {expected[worst]!r}, allowed {limit[worst]:.3g})"
            )
    bounds.ulp = max(bounds.ulp, float(distance.max(initial=0)))


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of one type and shape hold the same bits; told quickly where both are contiguous."""
    kind = _BITS.get(one.dtype.char)
    if kind is None or not (one.flags.forc and one.strides == other.strides and one.dtype == other.dtype):
        return False
    return np.array_equal(one.view(kind), other.view(kind))


def _most_steps(expected: np.ndarray, found: np.ndarray) -> int | None:
    """How many numbers of the format two arrays are apart at most, or None where their bits do not tell.

    Finite numbers of one sign are ordered as their bits are, and far from those of the other sign.
    """
    kind = _BITS.get(expected.dtype.char)
    if kind is None or not expected.flags.forc or expected.strides != found.strides or not expected.size:
        return None
    distance = expected.view(kind) - found.view(kind)
    steps = max(int(distance.max()), -int(distance.min()))
    largest = np.finfo(expected.dtype).max
    # false for NaN; infinity is one step beyond the largest number, and -0.0 beside a NaN
    if steps and not all(values.max() < largest and values.min() > -largest for values in (expected, found)):
        return None
    return steps


def _limit(dtype: np.dtype, scale: np.ndarray, bounds: Bounds) -> np.ndarray:
    info = np.finfo(dtype)
    allowed = math.sqrt(info.eps) if bounds.numerics == "approximate" else bounds.factor * float(info.eps)
    # Below the normal range precision is absolute: one unit in the last place is the smallest subnormal.
    limit: np.ndarray = allowed * scale + bounds.factor * float(info.smallest_subnormal)
    return limit


def _larger(scale: np.ndarray, other: Any, *, normwise: bool) -> np.ndarray:
    """The scale of errors: at least that of the result on absolute inputs, where that is finite."""
    if other is None or np.shape(other) != scale.shape or np.asarray(other).dtype.kind not in "fc":
        return scale
    magnitude = np.abs(np.asarray(other))
    if normwise:
        magnitude = np.full(magnitude.shape, _largest(magnitude))
    larger: np.ndarray = np.maximum(scale, np.where(np.isfinite(magnitude), magnitude, 0))
    return larger


def _as_good_as_reference(expected: np.ndarray, found: np.ndarray, oracle: Any, limit: np.ndarray) -> bool:
    """Whether, against longer precision, the result is about as good as the reference's."""
    if oracle is None or np.shape(oracle) != expected.shape or np.asarray(oracle).dtype.kind != "f":
        return False
    with np.errstate(all="ignore"):
        finite = np.isfinite(oracle) & np.isfinite(expected)
        ours = np.where(finite, np.abs(found - oracle), 0)
        theirs = np.where(finite, np.abs(expected - oracle), 0)
    return bool(np.all(ours <= np.maximum(ORACLE_FACTOR * theirs.max(initial=0), limit)))


def _first_difference(expected: np.ndarray, found: np.ndarray, wrong: np.ndarray) -> str:
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"found {found[index]!r}, expected {expected[index]!r} at {_place(index)} ({int(wrong.sum())} places)"


def _place(index: Any) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"
