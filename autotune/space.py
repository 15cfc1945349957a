"""Parameters of a variant and the space of their legal settings.

A *parameter* lists its values; a *space* is the product of its parameters under a constraint; a *config* is one legal
setting, a tuple of (name, value) pairs in the order of declaration. `Range` describes what `calibrate` covers, not a
parameter.

A *conditional* parameter, one that means something only where another has a certain value, is said by the constraint
too: it keeps one value wherever it means nothing, so that equal settings are not tried twice. A depth of prefetching
that only one order of loops has is ``where="order == 'rows' or prefetch == 0"``.

Knows nothing of timing or kernels.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

from .errors import SpaceError
from .expression import Expression
from .value import Value

Plain = bool | int | float | str | None
Config = tuple[tuple[str, Plain], ...]

#: Enumerating more settings than this is refused; such a space can only be sampled.
MAX_ENUMERATED = 1_000_000


class Pow2(Value):
    """Powers of two from `lo` to `hi`, both included; `lo` and `hi` are powers of two themselves.

    Examples
    --------
    >>> Pow2(16, 128).values()
    (16, 32, 64, 128)
    """

    lo: int
    hi: int

    def __post_init__(self) -> None:
        for bound in (self.lo, self.hi):
            if not isinstance(bound, int) or bound < 1 or bound & (bound - 1):
                raise SpaceError(f"Pow2({self.lo!r}, {self.hi!r}): expected two powers of two, found {bound!r}")
        if self.lo > self.hi:
            raise SpaceError(f"Pow2({self.lo}, {self.hi}) is empty: swap the bounds")

    def values(self) -> tuple[int, ...]:
        return tuple(1 << e for e in range(self.lo.bit_length() - 1, self.hi.bit_length()))


class IntRange(Value):
    """Integers from `lo` to `hi`, both included, `step` apart.

    Examples
    --------
    >>> IntRange(2, 8, step=3).values()
    (2, 5, 8)
    """

    lo: int
    hi: int
    step: int = 1

    def __post_init__(self) -> None:
        if not all(isinstance(v, int) for v in (self.lo, self.hi, self.step)) or self.step < 1:
            raise SpaceError(
                f"IntRange({self.lo!r}, {self.hi!r}, {self.step!r}): expected whole numbers and a step of at least 1"
            )
        if self.lo > self.hi:
            raise SpaceError(f"IntRange({self.lo}, {self.hi}) is empty: swap the bounds")

    def values(self) -> tuple[int, ...]:
        return tuple(range(self.lo, self.hi + 1, self.step))


class Choice(Value):
    """One of the given values (numbers, strings, booleans or None).

    Examples
    --------
    >>> Choice("float32", "float64").values()
    ('float32', 'float64')
    """

    options: tuple[Plain, ...]

    def __init__(self, *options: Plain) -> None:
        if not options:
            raise SpaceError("Choice() is empty: give at least one value")
        for option in options:
            if not isinstance(option, bool | int | float | str | None):
                raise SpaceError(
                    f"Choice: {option!r} is a {type(option).__name__}; expected a number, string, bool or None"
                )
        if len(set(map(repr, options))) != len(options):
            raise SpaceError(f"Choice{options!r} names a value twice")
        super().__init__(tuple(options))

    def values(self) -> tuple[Plain, ...]:
        return self.options

    def __repr__(self) -> str:
        return f"Choice({', '.join(map(repr, self.options))})"


class Range(Value):
    """A log-spaced range of sizes for calibration, both ends included."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if not isinstance(self.lo, int) or not isinstance(self.hi, int) or not 0 <= self.lo <= self.hi:
            raise SpaceError(f"Range({self.lo!r}, {self.hi!r}): expected whole numbers with 0 <= lo <= hi")


class Static(Value):
    """A parameter that is compiled in as a constant: one compilation for each of its values."""

    parameter: Pow2 | IntRange | Choice

    def __post_init__(self) -> None:
        self.__dict__["parameter"] = as_parameter(self.parameter, "Static")

    def values(self) -> tuple[Plain, ...]:
        return self.parameter.values()


Parameter = Pow2 | IntRange | Choice | Static


def as_parameter(declared: object, where: str) -> Parameter:
    """The parameter that a declaration means: itself, or a `Choice` of a plain sequence."""
    if isinstance(declared, Pow2 | IntRange | Choice | Static):
        return declared
    if isinstance(declared, range):
        declared = list(declared)
    if isinstance(declared, Sequence) and not isinstance(declared, str):
        if not declared:
            raise SpaceError(f"{where}: the space is empty; give at least one value")
        return Choice(*declared)
    raise SpaceError(f"{where}: expected Pow2, IntRange, Choice, Static or a sequence of values, found {declared!r}")


class Space(Value):
    """All legal settings of a variant's parameters.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        In the order of declaration. May be empty: then the only config is ``()``.
    where : str or callable, optional
        Constraint over the parameters: an expression, or a predicate that takes them as keywords.
    owner : str
        What the space belongs to, for messages.

    Raises
    ------
    SpaceError
        A malformed parameter, or a constraint that nothing satisfies.
    """

    parameters: Mapping[str, Parameter] = MappingProxyType({})
    where: Expression | Callable[..., Any] | None = None
    owner: str = "space"

    @classmethod
    def declare(
        cls, params: Mapping[str, object], *, where: str | Callable[..., Any] | None = None, owner: str
    ) -> Space:
        parameters = {name: as_parameter(given, f"{owner}, parameter {name}") for name, given in params.items()}
        if where is not None and not parameters:
            raise SpaceError(f"{owner}: where= constrains parameters, but none are declared; add params=")
        constraint: Expression | Callable[..., Any] | None = None
        if isinstance(where, str):
            constraint = Expression(where, names=parameters, where=f"{owner}, constraint")
        elif where is not None:
            if not callable(where):
                raise SpaceError(f"{owner}: where= must be an expression or a callable, found {where!r}")
            constraint = where
        space = cls(parameters, constraint, owner)
        if next(iter(space), None) is None:
            raise SpaceError(f"{owner}: no setting satisfies the constraint {where!r}; loosen it or the parameters")
        return space

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.parameters)

    @property
    def static_names(self) -> tuple[str, ...]:
        """Parameters that are compiled in."""
        return tuple(name for name, parameter in self.parameters.items() if isinstance(parameter, Static))

    def satisfies(self, config: Config) -> bool:
        """Whether the constraint holds for `config`."""
        if self.where is None:
            return True
        values = dict(config)
        return bool(self.where.evaluate(values) if isinstance(self.where, Expression) else self.where(**values))

    def __contains__(self, config: object) -> bool:
        if not isinstance(config, tuple) or tuple(name for name, _ in config) != self.names:
            return False
        return all(
            any(type(value) is type(legal) and value == legal for legal in self.parameters[name].values())
            for name, value in config
        ) and self.satisfies(config)

    def __iter__(self) -> Iterator[Config]:
        """Every legal config, in the order of the parameters' values."""
        for values in itertools.product(*(parameter.values() for parameter in self.parameters.values())):
            config = tuple(zip(self.names, values, strict=True))
            if self.satisfies(config):
                yield config

    @cached_property
    def size(self) -> int:
        """How many legal settings there are."""
        product = 1
        for parameter in self.parameters.values():
            product *= len(parameter.values())
        if self.where is None:
            return product
        if product > MAX_ENUMERATED:
            raise SpaceError(f"{self.owner}: {product} settings are too many to count under a constraint")
        return sum(1 for _ in self)

    def count(self, limit: int) -> int:
        """How many legal settings there are, counted no further than `limit`."""
        return min(self.size, limit) if self.where is None else sum(1 for _ in itertools.islice(self, limit))

    @cached_property
    def default(self) -> Config:
        """The legal config nearest to the middle of every parameter, the first one in order among equals.

        Looked for from the middle outwards (best first), so that a large space is not listed for it.

        Raises
        ------
        SpaceError
            No setting is legal.
        """
        values = [parameter.values() for parameter in self.parameters.values()]

        def distance(indices: tuple[int, ...]) -> float:
            return sum(abs(i - (len(v) - 1) / 2) / len(v) for i, v in zip(indices, values, strict=True))

        middle = tuple((len(v) - 1) // 2 for v in values)
        nearest, seen = [(distance(middle), middle)], {middle}
        while nearest:
            _, indices = heapq.heappop(nearest)
            config = tuple((name, v[i]) for name, v, i in zip(self.names, values, indices, strict=True))
            if self.satisfies(config):
                return config
            for position, step in itertools.product(range(len(values)), (-1, 1)):
                moved = (*indices[:position], indices[position] + step, *indices[position + 1 :])
                if 0 <= moved[position] < len(values[position]) and moved not in seen:
                    seen.add(moved)
                    heapq.heappush(nearest, (distance(moved), moved))
        raise SpaceError(f"{self.owner}: no setting is legal; loosen the constraint or the parameters")

    def neighbours(self, config: Config) -> list[Config]:
        """Legal configs in which one parameter is moved by one step."""
        found = []
        for position, (name, value) in enumerate(config):
            values = self.parameters[name].values()
            index = values.index(value)
            for step in (-1, 1):
                if 0 <= index + step < len(values):
                    moved = (*config[:position], (name, values[index + step]), *config[position + 1 :])
                    if self.satisfies(moved):
                        found.append(moved)
        return found

    def describe(self) -> str:
        """The declaration in one line, stable across runs: part of a variant's source hash."""
        where = self.where.text if isinstance(self.where, Expression) else ("callable" if self.where else "")
        return f"{dict(self.parameters)!r} {where}".strip()

    def config(self, values: Mapping[str, object]) -> Config | None:
        """The config with these values, or None if it is not a legal one."""
        if set(values) != set(self.names):
            return None
        config: Any = tuple((name, values[name]) for name in self.names)
        return config if config in self else None
