"""Functions that hand all their parameters on to one global, made without compiling anything.

Declaring a library of kernels makes a hundred of them; one template for each shape of parameter list is compiled, and
copied under other names in microseconds. Knows nothing of kernels.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from inspect import Parameter, _ParameterKind
from types import CodeType


@lru_cache(maxsize=256)
def _template(kinds: tuple[_ParameterKind, ...], target: str) -> CodeType:
    """The code of ``def f(q0, …): return target(q0, …)`` for parameters of these kinds."""
    parts: list[str] = []
    starred = False
    for index, kind in enumerate(kinds):
        if kind is Parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or kind in (Parameter.KEYWORD_ONLY, Parameter.VAR_POSITIONAL)
        star = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}.get(kind, "")  # type: ignore[call-overload]
        parts.append(f"{star}q{index}")
        if kind is Parameter.POSITIONAL_ONLY and kinds[index + 1 : index + 2] != (kind,):
            parts.append("/")
    arguments = ", ".join(f"q{index}" for index in range(len(kinds)))
    source = f"def f({', '.join(parts)}):\n    return {target}({arguments})\n"
    module = compile(source, "<autotune>", "exec")
    return next(constant for constant in module.co_consts if isinstance(constant, CodeType))


def stub(name: str, parameters: Iterable[Parameter], target: str) -> CodeType:
    """The code of a function `name` with these parameters that returns ``target(…)``, all of them by position."""
    given = list(parameters)
    code = _template(tuple(parameter.kind for parameter in given), target)
    names = tuple(given[int(variable[1:])].name for variable in code.co_varnames)
    return code.replace(co_varnames=names, co_name=name, co_qualname=name)
