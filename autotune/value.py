"""Frozen values whose classes cost nothing to define.

A frozen dataclass is generated and compiled anew in every process, half a millisecond each; the few classes that
declaring a kernel needs would make up a third of the time of ``import autotune``. These are read from their annotations
instead. Type checkers see them as frozen dataclasses. Knows nothing of what the values mean.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(frozen_default=True)
class Value:
    """Base of frozen values: fields are the annotations, defaults the class attributes.

    Two values are equal if they are of one class and their fields are; ``class V(Value, by_identity=True)`` compares
    by identity. `__post_init__` is called as in a dataclass.
    """

    _fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, by_identity: bool = False) -> None:
        own = vars(cls).get("__annotations__", {})
        cls._fields = (*cls._fields, *(name for name, kind in own.items() if not str(kind).startswith("ClassVar")))
        if by_identity:
            cls.__eq__ = object.__eq__  # type: ignore[method-assign]
            cls.__hash__ = object.__hash__  # type: ignore[method-assign]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(self._fields, args, strict=False))
        if len(args) > len(self._fields) or given.keys() & kwargs.keys() or kwargs.keys() - set(self._fields):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._fields)}")
        given.update(kwargs)
        for name in self._fields:
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}")
        self.__dict__.update(given)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Check the fields."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen; make another with replace({name}=…)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._fields)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._values()))})"

    def replace(self, **changes: Any) -> Self:
        """A value with some fields changed."""
        return type(self)(**{**{name: getattr(self, name) for name in self._fields}, **changes})
