"""The parameters of a function, read from its code.

`inspect.signature` takes 30 µs a function, and a library declares some hundred. Knows nothing of kernels.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from inspect import Parameter
from types import FunctionType
from typing import Any


def parameters_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """The parameters by name, in order; annotations are left out for plain functions.

    Raises
    ------
    ValueError, TypeError
        The signature of something other than a plain function cannot be read.
    """
    if type(function) is not FunctionType or hasattr(function, "__wrapped__") or hasattr(function, "__signature__"):
        return dict(inspect.signature(function).parameters)
    code = function.__code__
    names = code.co_varnames
    positional, named = code.co_argcount, code.co_kwonlyargcount
    defaults = function.__defaults__ or ()
    first_default = positional - len(defaults)
    found = []
    for index, name in enumerate(names[:positional]):
        kind = Parameter.POSITIONAL_ONLY if index < code.co_posonlyargcount else Parameter.POSITIONAL_OR_KEYWORD
        default = defaults[index - first_default] if index >= first_default else Parameter.empty
        found.append(Parameter(name, kind, default=default))
    after = positional + named
    if code.co_flags & inspect.CO_VARARGS:
        found.append(Parameter(names[after], Parameter.VAR_POSITIONAL))
        after += 1
    keyword_defaults = function.__kwdefaults__ or {}
    for name in names[positional : positional + named]:
        default = keyword_defaults.get(name, Parameter.empty)
        found.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default))
    if code.co_flags & inspect.CO_VARKEYWORDS:
        found.append(Parameter(names[after], Parameter.VAR_KEYWORD))
    return {parameter.name: parameter for parameter in found}
