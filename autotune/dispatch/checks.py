"""What is checked when a kernel or a variant is declared; every refusal names the kernel and the mend.

Knows nothing of dispatching.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DeclarationError
from ..expression import Expression
from ..kernel.model import NUMERICS, Kernel
from ..kernel.parameters import parameters_of
from ..space import Choice, Range

#: What a condition may not read, because a signature holds for every size.
SIZE_ATTRIBUTES = frozenset({"size", "shape", "nbytes", "strides", "len"})


def read_parameters(function: Callable[..., Any], owner: str) -> Mapping[str, inspect.Parameter]:
    if isinstance(function, np.ufunc) and not hasattr(function, "__signature__"):
        return _ufunc_parameters(function)
    try:
        return parameters_of(function)
    except (TypeError, ValueError):
        raise DeclarationError(
            f"{owner}: the signature of {function!r} cannot be read; wrap it in a function with named parameters"
        ) from None


def _ufunc_parameters(ufunc: np.ufunc) -> dict[str, inspect.Parameter]:
    """The parameters of a ufunc, which NumPy before 2.4 does not tell."""
    kind = inspect.Parameter
    inputs = ["x"] if ufunc.nin == 1 else [f"x{i + 1}" for i in range(ufunc.nin)]
    named = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None}
    found = [
        *(kind(name, kind.POSITIONAL_ONLY) for name in inputs),
        kind("out", kind.POSITIONAL_OR_KEYWORD, default=None),
        *(kind(name, kind.KEYWORD_ONLY, default=value) for name, value in named.items()),
    ]
    return {parameter.name: parameter for parameter in found}


def refuse_private_names(parameters: Mapping[str, inspect.Parameter], owner: str) -> None:
    for name in parameters:
        if name.startswith("_"):
            raise DeclarationError(
                f"{owner}: the parameter {name!r} begins with an underscore, as names in generated code do; rename it"
            )


def checked_inputs(inputs: Any, kinds: Sequence[Mapping[str, Any]], owner: str) -> Callable[..., Any] | None:
    if inputs is None:
        if any(kinds):
            raise DeclarationError(f"{owner}: calibrate= needs inputs=, which makes the arguments for a point")
        return None
    if not callable(inputs):
        raise DeclarationError(f"{owner}: inputs= must be a callable inputs(rng, **point), found {inputs!r}")
    parameters = parameters_of(inputs)
    for kind in kinds or ({},):
        _check_keywords(parameters, kind, owner)
    return inputs  # type: ignore[no-any-return]


def _check_keywords(parameters: Mapping[str, inspect.Parameter], calibrate: Mapping[str, Any], owner: str) -> None:
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    given = {name for name in calibrate if name != "layout"}
    if not takes_any and given - set(parameters):
        missing = sorted(given - set(parameters))[0]
        raise DeclarationError(f"{owner}: calibrate= ranges over {missing!r}, which inputs= does not take")
    needed = [p.name for p in list(parameters.values())[1:] if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    lacking = [name for name in needed if name not in calibrate]
    if lacking:
        raise DeclarationError(
            f"{owner}: inputs= needs {lacking[0]!r}, which calibrate= does not range over; "
            f'add it: calibrate={{"{lacking[0]}": Range(…)}}'
        )


def checked_ranges(calibrate: Mapping[str, Any], owner: str) -> dict[str, Range | Choice]:
    found: dict[str, Range | Choice] = {}
    for name, given in calibrate.items():
        if isinstance(given, Range | Choice):
            found[name] = given
        elif isinstance(given, tuple) and len(given) == 2 and all(type(v) is int for v in given):
            found[name] = Range(*given)
        elif isinstance(given, tuple | list) and given and all(isinstance(v, str) for v in given):
            found[name] = Choice(*given)
        else:
            raise DeclarationError(
                f"{owner}: calibrate[{name!r}] is {given!r}; expected Range(lo, hi), a pair of ints, Choice(…) or a "
                "tuple of strings"
            )
    layouts = found.get("layout")
    if layouts is not None and not (isinstance(layouts, Choice) and set(layouts.options) <= {"C", "F", "strided"}):
        raise DeclarationError(f'{owner}: calibrate["layout"] must be a Choice of "C", "F" and "strided"')
    return found


def checked_tolerance(tolerance: Any, owner: str) -> tuple[float, str] | None:
    if tolerance is None:
        return None
    if (
        isinstance(tolerance, tuple)
        and (len(tolerance) == 2 or tolerance[2:] == ("norm",))
        and isinstance(tolerance[0], int | float)
        and tolerance[0] > 0
        and isinstance(tolerance[1], str)
        and tolerance[1]
    ):
        return float(tolerance[0]), tolerance[1]
    raise DeclarationError(
        f"{owner}: tolerance={tolerance!r}; expected (units of eps·scale, source of that figure), such as "
        '(16, "error analysis in the docstring"), with "norm" as a third item where the largest element is the scale'
    )


def checked_verify(verify: Any, owner: str) -> int:
    if type(verify) is int and verify >= 0:
        return verify
    raise DeclarationError(f"{owner}: verify={verify!r}; expected how many calls one check stands for, such as 1000")


def refuse_numerics(numerics: str | None, owner: str) -> None:
    if numerics is not None and numerics not in NUMERICS:
        raise DeclarationError(f"{owner}: numerics={numerics!r}; expected one of {', '.join(NUMERICS)}")


def refuse_parameters(
    kernel: Kernel, own: Mapping[str, inspect.Parameter], params: Mapping[str, Any], owner: str
) -> None:
    """A variant takes parameters of the reference, all required ones among them, and the declared knobs."""
    reference = kernel.parameters
    for name in params:
        if name in reference:
            raise DeclarationError(
                f"{owner}: the parameter {name!r} has the name of an argument of the reference; rename the parameter"
            )
        if name not in own:
            raise DeclarationError(
                f"{owner}: params= declares {name!r}, which the function does not take; add *, {name}"
            )
        if own[name].kind is not inspect.Parameter.KEYWORD_ONLY:
            raise DeclarationError(f"{owner}: the parameter {name!r} must be keyword-only; write *, {name}")
    for name, parameter in own.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise DeclarationError(f"{owner}: takes *{name}; name the parameters as the reference does")
        if name in params:
            continue
        if name not in reference:
            raise DeclarationError(
                f"{owner}: takes {name!r}, which is neither a parameter of the reference "
                f"({', '.join(reference)}) nor declared in params="
            )
        default, expected = parameter.default, reference[name].default
        if default is not parameter.empty and not (default is expected or default == expected):
            raise DeclarationError(
                f"{owner}: the default of {name!r} is {default!r}, the reference's is {expected!r}; make them equal"
            )
    for name, parameter in reference.items():
        required = parameter.default is parameter.empty
        if required and name not in own and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise DeclarationError(f"{owner}: does not take {name!r}, which the reference requires; add the parameter")


def refuse_size(when: Expression, owner: str) -> None:
    """Refuse, when it is declared, a condition that depends on the size."""
    for name in sorted(when.names):
        for attribute in sorted(when.attributes_of(name) & SIZE_ATTRIBUTES):
            read = f"len({name})" if attribute == "len" else f"{name}.{attribute}"
            raise DeclarationError(
                f"{owner}: when={when.text!r} reads {read}, which depends on the size; a variant must be right for "
                "every size. Drop the condition (the tuner finds where the variant pays off) and fall back inside the "
                "variant where it does not apply"
            )
