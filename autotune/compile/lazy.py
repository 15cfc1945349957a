"""`jitable` helpers and `prange`: ordinary Python until they are first needed.

A helper called from plain Python compiles itself at its first call; called from compiled code it is compiled along.
Knows nothing of kernels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType
from typing import Any, TypeVar, overload

from ..errors import DeclarationError
from ..kernel.parameters import parameters_of
from ..kernel.source import reached, underlying
from ..stub import stub

F = TypeVar("F", bound=Callable[..., Any])

#: What `jit=True` and a bare `@jitable` mean.
DEFAULT_OPTIONS: Mapping[str, Any] = {"nogil": True, "error_model": "numpy"}

_lock = threading.RLock()


class prange:  # noqa: N801 - stands in for numba.prange
    """`range`, until the function that uses it is compiled; then Numba's parallel range."""

    def __new__(cls, *bounds: int) -> range:  # type: ignore[misc]
        return range(*bounds)


class Jitable:
    """What stands behind a `@jitable` function."""

    def __init__(self, function: FunctionType, options: Mapping[str, Any], static: tuple[str, ...]) -> None:
        self.function = function
        self.options = {**DEFAULT_OPTIONS, **options}
        self.static = static
        parameters = parameters_of(function)
        for name in static:
            if name not in parameters:
                raise DeclarationError(
                    f"jitable {function.__qualname__}: static={name!r} is not one of its parameters "
                    f"({', '.join(parameters)})"
                )
        for parameter in parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise DeclarationError(
                    f"jitable {function.__qualname__}: *{parameter.name} cannot be compiled; name the parameters"
                )
        self.parameters = tuple(parameters.values())
        if static and any(parameter.kind is parameter.KEYWORD_ONLY for parameter in self.parameters):
            raise DeclarationError(f"jitable {function.__qualname__}: static= needs parameters that go by position")
        self.specialized: dict[tuple[object, ...], Callable[..., Any]] = {}
        self.public = self._make_public()

    def _make_public(self) -> FunctionType:
        """A plain function with the same signature, whose code is replaced once the compiled form exists."""
        function = self.function
        self.namespace: dict[str, Any] = {
            "__builtins__": __builtins__, "_first": self._static if self.static else self._first
        }  # fmt: skip
        public = FunctionType(stub(function.__name__, self.parameters, "_first"), self.namespace)
        public.__defaults__, public.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
        for attribute in ("__module__", "__qualname__", "__doc__", "__annotations__"):
            setattr(public, attribute, getattr(function, attribute))
        public.__wrapped__ = function  # type: ignore[attr-defined]
        public.__autotune_jitable__ = self  # type: ignore[attr-defined]
        return public

    def _first(self, *arguments: Any) -> Any:
        """Compile, replace the public code by a direct call, and answer this call."""
        with _lock:
            if "_compiled" not in self.namespace:
                self.namespace["_compiled"] = self.dispatcher()
                self.public.__code__ = stub(self.function.__name__, self.parameters, "_compiled")
        return self.namespace["_compiled"](*arguments)

    def _static(self, *arguments: Any) -> Any:
        """As `_first`, for a helper with static parameters: the code looks their values up."""
        with _lock:
            if "_specialized" not in self.namespace:
                self.namespace.update(_specialized=self.specialized, _specialize=self.specialize)
                self.public.__code__ = self._lookup_code()
        return self.public(*arguments)

    def _lookup_code(self) -> CodeType:
        names = [parameter.name for parameter in self.parameters]
        key = ", ".join(self.static) + ","
        source = (
            f"def {self.function.__name__}({', '.join(names)}):\n"
            f"    try:\n        core = _specialized[{key}]\n"
            f"    except KeyError:\n        core = _specialize(({key}))\n"
            f"    return core({', '.join(name for name in names if name not in self.static)})\n"
        )
        made: dict[str, Any] = {}
        exec(compile(source, f"<jitable {self.function.__qualname__}>", "exec"), made)  # noqa: S102
        code: CodeType = made[self.function.__name__].__code__
        return code

    def dispatcher(self) -> Callable[..., Any]:
        """The compiled form (of a helper without static parameters)."""
        from .build import dispatcher

        return dispatcher(self.function, self.options)

    def specialize(self, values: tuple[object, ...]) -> Callable[..., Any]:
        """The compiled form with these values of the static parameters compiled in."""
        from .build import dispatcher

        with _lock:
            if values not in self.specialized:
                static = dict(zip(self.static, values, strict=True))
                self.specialized[values] = dispatcher(self.function, self.options, static=static)
            return self.specialized[values]


@overload
def jitable(function: F) -> F: ...
@overload
def jitable(*, static: tuple[str, ...] = (), **options: Any) -> Callable[[F], F]: ...
def jitable(function: Any = None, *, static: tuple[str, ...] = (), **options: Any) -> Any:
    """Mark a helper that Numba can compile.

    Parameters
    ----------
    function : function
        When used bare, as ``@jitable``.
    static : tuple of str
        Parameters that are compiled in as constants when the helper is called from plain Python: one compilation for
        each combination of their values. Called from compiled code they are ordinary parameters.
    **options
        Options of ``numba.njit``, such as ``parallel=True``; added to ``nogil=True, error_model="numpy"``.

    Returns
    -------
    function
        Called from plain Python it compiles itself at its first call for each combination of types; called from
        compiled code it is compiled along. Its ``__wrapped__`` is the function as written.

    Raises
    ------
    DeclarationError
        `static` names no parameter, or the function takes ``*args``.
    """
    if function is None:
        return lambda given: jitable(given, static=static, **options)  # type: ignore[call-overload]
    if not isinstance(function, FunctionType):
        raise DeclarationError(f"jitable: expected a Python function, found {function!r}")
    return Jitable(function, options, (static,) if isinstance(static, str) else tuple(static)).public


def reaches_compiled_code(function: Callable[..., Any]) -> bool:
    """Whether a plain function calls jitable helpers, which compile themselves at their first call."""
    seen: set[int] = set()

    def reaches(value: object) -> bool:
        if isinstance(getattr(value, "__autotune_jitable__", None), Jitable):
            return True
        inner = underlying(value)
        if inner is None or id(inner) in seen:
            return False
        seen.add(id(inner))
        return any(reaches(used) for _, used in reached(inner) if callable(used))

    return reaches(function)
