"""What calibrate covers: signatures from the choices of a declaration, points from its ranges, arguments for a point.

Knows nothing of candidates or times.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CalibrationError, DeclarationError
from ..kernel.model import Kernel
from ..kernel.signature import NotCovered, Signature, signature_of
from ..measure import arguments as make
from ..measure.placement import place_count
from ..space import Choice, Range

#: Draws of data at one size.
DRAWS = 4
#: Number of the first draw: those before are for verifying and for the audit.
FIRST_DRAW = 16
#: Points of a design over several sizes (DESIGN.md, "Calibrate").
MAX_POINTS = 24
#: Draws for each random point wanted: of a range of three sizes, eight draws miss one in 4 % of cases.
TRIES = 8


@dataclass(frozen=True)
class Problem:
    """One signature to calibrate: fixed choices, and ranges for the rest."""

    kernel: Kernel
    fixed: Mapping[str, object]
    ranges: Mapping[str, Range]
    seed: int = 0

    @property
    def names(self) -> list[str]:
        return list(self.ranges)

    @property
    def largest(self) -> dict[str, int]:
        """The upper ends of the ranges."""
        return {name: given.hi for name, given in self.ranges.items()}

    def as_data(self) -> dict[str, Any]:
        """As JSON, for a worker; the kernel is found there by itself."""
        return {
            "fixed": dict(self.fixed),
            "ranges": {name: (given.lo, given.hi) for name, given in self.ranges.items()},
            "seed": self.seed,
        }

    def arguments(self, point: Mapping[str, int], *, fresh: int = 0) -> make.Arguments:
        """Arguments for a point; another `fresh` gives other data of the same size.

        Raises
        ------
        CalibrationError
            `inputs` raises, or gives what the reference does not take.
        MemoryError
            They are too large for this process.
        """
        kernel = self.kernel
        assert kernel.inputs is not None
        text = f"{kernel.id} {sorted(self.fixed.items())} {sorted(point.items())} {self.seed} {fresh}"
        rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))
        keywords = {name: value for name, value in self.fixed.items() if name != "layout"}
        try:
            given = kernel.inputs(rng, **keywords, **point)
            args, kwargs = _split(given)
            values = kernel.bind(*args, **kwargs)
        except MemoryError:
            raise
        except Exception as error:  # the candidate boundary: a user's function
            raise CalibrationError(
                f"kernel {kernel.id}: inputs(rng, {_text({**keywords, **point})}) failed: "
                f"{type(error).__name__}: {error}; correct inputs= or the range in calibrate="
            ) from error
        layout = {"strided": "A"}.get(str(self.fixed.get("layout", "C")), str(self.fixed.get("layout", "C")))
        return make.map_arrays(values, lambda array: make.as_layout(array, layout)) if layout != "C" else values

    def draws(self, point: Mapping[str, int]) -> list[make.Arguments]:
        """Arguments for a point, several times with other data where they are small."""
        first = self.arguments(point)
        count = min(DRAWS, place_count(make.total_bytes(first)))
        return [first, *(self.arguments(point, fresh=FIRST_DRAW + index) for index in range(1, count))]

    def size(self, point: Mapping[str, int], values: make.Arguments) -> dict[str, int]:
        """The size of the arguments of a point, held against the point.

        Raises
        ------
        CalibrationError
            It is not what the point asked for, or no size at all.
        """
        try:
            size = self.kernel.size.checked(self.kernel.with_defaults(values))
        except DeclarationError as error:
            raise CalibrationError(str(error)) from error
        for name in set(size) & set(point):
            if size[name] != point[name]:
                raise CalibrationError(
                    f"kernel {self.kernel.id}: inputs(rng, {_text({**self.fixed, **point})}) gives arguments of size "
                    f"{name}={size[name]}, asked for {name}={point[name]}; make inputs= and size= agree "
                    f"(size is {self.kernel.size.texts()})"
                )
        return size

    def signature(self) -> Signature:
        """The signature of this problem's calls.

        Raises
        ------
        CalibrationError
            No variant may serve such calls, or their size is not what was asked for.
        """
        point = {name: middle(given) for name, given in self.ranges.items()}
        values = self.arguments(point)
        found = signature_of(self.kernel, values)
        if isinstance(found, NotCovered):
            raise CalibrationError(
                f"kernel {self.kernel.id}: inputs(rng, {_text({**self.fixed, **point})}) gives a call that cannot be "
                f"tuned: {found.reason}; correct inputs="
            )
        self.size(point, values)
        return found


def _split(given: object) -> tuple[tuple[object, ...], dict[str, object]]:
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], tuple) and isinstance(given[1], dict):
        return given
    return (given if isinstance(given, tuple) else (given,)), {}


def _text(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def problems(
    kernel: Kernel,
    *,
    only: Mapping[str, str] | None = None,
    sizes: Mapping[str, Range] | None = None,
    seed: int = 0,
) -> Iterator[Problem]:
    """Every signature that a kernel's declaration covers.

    Parameters
    ----------
    only : mapping, optional
        Choices to keep, such as ``{"dtype": "float64"}``.
    sizes : mapping, optional
        Ranges instead of the declared ones.

    Raises
    ------
    CalibrationError
        The kernel declares no inputs, or `only` or `sizes` name something it does not have.
    """
    if kernel.inputs is None:
        raise CalibrationError(
            f"kernel {kernel.id}: cannot be calibrated without inputs=, which makes its arguments; "
            "add inputs= and calibrate= to tunable, or let first use tune it"
        )
    known = dict.fromkeys(name for kind in kernel.calibrate for name, given in kind.items() if isinstance(given, Range))
    for name in sizes or {}:
        if name not in known:
            raise CalibrationError(f"kernel {kernel.id}: has no size {name!r}; it has: {', '.join(known) or 'none'}")
    for kind in kernel.calibrate or ({},):
        ranges = {name: given for name, given in kind.items() if isinstance(given, Range)}
        ranges |= {name: given for name, given in (sizes or {}).items() if name in ranges}
        choices = {name: given for name, given in kind.items() if isinstance(given, Choice)}
        for combination in itertools.product(*(choice.options for choice in choices.values())):
            fixed = dict(zip(choices, combination, strict=True))
            if all(str(fixed[name]) == wanted for name, wanted in (only or {}).items() if name in fixed):
                yield Problem(kernel, fixed, ranges, seed)


def middle(given: Range) -> int:
    return round(math.sqrt(max(given.lo, 1) * max(given.hi, 1)))


def grid(given: Range, factor: float, seed: int = 0) -> list[int]:
    """Sizes from `lo` to `hi`, ends included, each about `factor` times the one before.

    They are moved at random by up to an eighth of a step: what divides by many powers of two suits every block size.
    """
    sizes = {given.lo, given.hi}
    rng = np.random.default_rng(seed)
    size = float(max(given.lo, 1)) * factor
    while size < given.hi / math.sqrt(factor):
        sizes.add(round(size * factor ** rng.uniform(-1 / 8, 1 / 8)))
        size *= factor
    return sorted(sizes)


def random_points(
    ranges: Mapping[str, Range], count: int, rng: np.random.Generator, *, without: Iterable[Mapping[str, int]] = ()
) -> list[dict[str, int]]:
    """Points even in the logarithm of every size, smallest first; fewer where the ranges have no more."""
    taken = {tuple(point[name] for name in ranges) for point in without}
    points = []
    for _ in range(TRIES * count if ranges else 0):
        point = {
            name: min(max(round(math.exp(rng.uniform(math.log(max(r.lo, 1)), math.log(max(r.hi, 1))))), r.lo), r.hi)
            for name, r in ranges.items()
        }
        if tuple(point.values()) not in taken:
            taken.add(tuple(point.values()))
            points.append(point)
        if len(points) == count:
            break
    return sorted(points, key=lambda point: math.prod(point.values()))


def design(ranges: Mapping[str, Range], count: int, seed: int) -> list[dict[str, int]]:
    """Points that fill a box of several sizes evenly in their logarithms, smallest first.

    The corners of the box where sizes are all small or all large, its centre, and from random points always the one
    farthest from those chosen (a maximin design: M. E. Johnson et al., "Minimax and maximin distance designs",
    J. Statistical Planning and Inference 26, 1990).
    """
    names = list(ranges)
    logs = [(math.log2(max(given.lo, 1)), math.log2(max(given.hi, 1))) for given in ranges.values()]
    rng = np.random.default_rng(seed)
    unit = [np.zeros(len(names)), np.full(len(names), 0.5), np.ones(len(names))]
    pool = rng.random((200 * count, len(names)))
    while len(unit) < count:
        distances = np.min([np.linalg.norm(pool - chosen, axis=1) for chosen in unit], axis=0)
        unit.append(pool[int(np.argmax(distances))])
    points = {
        tuple(
            min(max(round(2 ** (lo + u * (hi - lo))), given.lo), given.hi)
            for u, (lo, hi), given in zip(position, logs, ranges.values(), strict=True)
        )
        for position in unit
    }
    return [dict(zip(names, point, strict=True)) for point in sorted(points, key=math.prod)]
