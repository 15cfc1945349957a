"""`jitable` helpers and `prange`: ordinary Python until they are first needed.

A helper called from plain Python compiles itself at its first call; called from compiled code it is compiled along.
Knows nothing of kernels.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, TypeVar, overload

from ..errors import DeclarationError
from ..kernel.source import reached, stable_text, underlying

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
        parameters = inspect.signature(function).parameters
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
        self.parameters = tuple(parameters)
        self.specialized: dict[tuple[object, ...], Callable[..., Any]] = {}
        self.public = self._make_public()

    def _make_public(self) -> FunctionType:
        """A plain function with the same signature, whose code is replaced once the compiled form exists."""
        self.namespace: dict[str, Any] = {
            "_first": self._first,
            "_specialized": self.specialized,
            "_specialize": self.specialize,
            "__builtins__": __builtins__,
            "__name__": self.function.__module__,
        }
        self._swap_code()
        public: FunctionType = self.namespace.pop(self.function.__name__)
        public.__defaults__, public.__kwdefaults__ = self.function.__defaults__, self.function.__kwdefaults__
        for attribute in ("__module__", "__qualname__", "__doc__", "__annotations__"):
            setattr(public, attribute, getattr(self.function, attribute))
        public.__wrapped__ = self.function  # type: ignore[attr-defined]
        public.__autotune_jitable__ = self  # type: ignore[attr-defined]
        public.__autotune_options__ = stable_text((self.options, self.static))  # type: ignore[attr-defined]
        return public

    def _swap_code(self) -> None:
        name, arguments = self.function.__name__, ", ".join(self.parameters)
        if self.static:
            rest = ", ".join(p for p in self.parameters if p not in self.static)
            key = ", ".join(self.static) + ","
            body = (
                f"    try:\n        core = _specialized[{key}]\n"
                f"    except KeyError:\n        core = _specialize(({key}))\n"
                f"    return core({rest})"
            )
        else:
            body = f"    return {'_compiled' if '_compiled' in self.namespace else '_first'}({arguments})"
        source = f"def {name}({_parameter_list(self.function)}):\n{body}\n"
        exec(compile(source, f"<jitable {self.function.__qualname__}>", "exec"), self.namespace)  # noqa: S102

    def _first(self, *arguments: Any) -> Any:
        """Compile, replace the public code by a direct call, and answer this call."""
        with _lock:
            compiled = self.dispatcher()
            if "_compiled" not in self.namespace:
                self.namespace["_compiled"] = compiled
                self._swap_code()
                self.public.__code__ = self.namespace.pop(self.function.__name__).__code__
        return compiled(*arguments)

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


def _parameter_list(function: FunctionType) -> str:
    """The parameters as source; defaults are placeholders, set on the function afterwards."""
    parts, starred, positional_only = [], False, 0
    parameters = list(inspect.signature(function).parameters.values())
    positional_only = sum(parameter.kind is parameter.POSITIONAL_ONLY for parameter in parameters)
    for index, parameter in enumerate(parameters):
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        parts.append(parameter.name if parameter.default is parameter.empty else f"{parameter.name}=None")
        if index + 1 == positional_only:
            parts.append("/")
    return ", ".join(parts)


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
