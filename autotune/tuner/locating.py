"""Arguments for calls that occurred: the point at which `inputs=` makes them, or a call made up from an example.

Knows nothing of candidates or times.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import CalibrationError
from ..kernel.model import Kernel
from ..kernel.signature import NotCovered, Signature, signature_of
from ..measure import arguments as make
from ..space import Range
from . import grid
from .examples import Examples

#: Ways to give the numbers of a size to the keywords of `inputs` that are tried: those of three numbers.
MOST_WAYS = 24

Size = dict[str, int]


class Signatures:
    """What the declaration of a kernel covers, by signature."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._problems: dict[str, grid.Problem] = {}
        self._signatures: dict[str, Signature] = {}
        if kernel.inputs is None:
            return
        for problem in grid.problems(kernel):
            try:
                signature = problem.signature()
            except CalibrationError:
                continue  # said when it is calibrated
            self._problems.setdefault(signature.key, problem)
            self._signatures[signature.key] = signature

    def declared(self, key: str) -> grid.Problem | None:
        """What is declared of a signature, over its whole ranges."""
        return self._problems.get(key)

    def signature(self, key: str, size: Mapping[str, int], example: Mapping[str, Any]) -> Signature:
        """The signature of a key: that of what is declared, or of an example.

        Raises
        ------
        CalibrationError
            Nothing declared has it, and the example does not tell enough.
        """
        if key in self._signatures:
            return self._signatures[key]
        return Examples(self._kernel, {}, {}, key=key, examples=((dict(size), dict(example)),)).signature()

    def located(
        self, key: str, sizes: Sequence[tuple[Mapping[str, int], Mapping[str, Any]]]
    ) -> tuple[grid.Problem | None, list[Size | None], str]:
        """How calls of a signature are made at sizes that occurred.

        Parameters
        ----------
        key : str
            `Signature.key`.
        sizes : sequence of (size, example)

        Returns
        -------
        problem : Problem or None
            Makes arguments; None where that cannot be.
        points : list of dict or None
            What to ask it for at each size; None for those that it cannot make.
        reason : str
            Why some sizes are left out, or on what data they are measured.
        """
        declared = self.declared(key)
        if declared is not None:
            points = [point_of(declared, key, size) for size, _ in sizes]
            found = [point for point in points if point is not None]
            if found:
                return over(declared, found), points, "" if len(found) == len(points) else "some sizes cannot be made"
        made_up = Examples(self._kernel, {}, {}, key=key, examples=tuple((dict(s), dict(e)) for s, e in sizes))
        return _made_up(made_up, [dict(size) for size, _ in sizes])


def over(problem: grid.Problem, points: Sequence[Size]) -> grid.Problem:
    """A problem whose ranges are those of some points."""
    ranges = {n: Range(min(point[n] for point in points), max(point[n] for point in points)) for n in points[0]}
    return replace(problem, ranges=ranges)


def point_of(problem: grid.Problem, key: str, size: Mapping[str, int]) -> Size | None:
    """What to ask `inputs` for so that the arguments have this signature and size; None where nothing does.

    Its keywords are mostly the names of the size; where they are others, the numbers are tried in every order.
    """
    names = problem.names
    ways = [[size[name] for name in names]] if set(names) <= set(size) else []
    ways += itertools.islice(map(list, itertools.permutations(size.values(), len(names))), MOST_WAYS)
    for values in ways:
        point = dict(zip(names, values, strict=True))
        try:
            arguments = problem.arguments(point)
            if problem.kernel.size_of(arguments) != size:
                continue
        except Exception:  # the candidate boundary: what `inputs` and `size` make of other numbers
            continue
        found = signature_of(problem.kernel, arguments)
        if not isinstance(found, NotCovered) and found.key == key:
            return point
    return None


def _made_up(problem: Examples, sizes: Sequence[Size]) -> tuple[grid.Problem | None, list[Size | None], str]:
    """A call made up from examples, if the reference takes it."""
    usable: list[Size | None] = []
    reason = ""
    for size in sizes:
        try:
            problem.signature()
            values = problem.arguments(size)
            if problem.kernel.size_of(values) != size:
                raise CalibrationError("a call made up from the example has another size")
            problem.kernel.call_reference(make.copy_arguments(values))
        except CalibrationError as error:
            usable.append(None)
            reason = str(error)
        except Exception as error:  # the candidate boundary: the reference on made-up data
            usable.append(None)
            reason = f"the reference refuses made-up data: {type(error).__name__}: {error}"
        else:
            usable.append(size)
    kept = [pair for pair, size in zip(problem.examples, usable, strict=True) if size is not None]
    if not kept:
        return None, usable, reason
    found = [size for size in usable if size is not None]
    return over(replace(problem, examples=tuple(kept)), found), usable, "on made-up data"
