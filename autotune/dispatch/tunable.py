"""`tunable`: declares a kernel, checks the declaration, and gives the public function its methods.

Every mistake that can be seen when a kernel is declared is an error then, which names the kernel, the variant and the
mend. Knows nothing of tuning.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import numpy as np

from ..errors import DeclarationError
from ..expression import Expression
from ..kernel import registry
from ..kernel.coverage import check_condition
from ..kernel.model import KINDS, NUMERICS, REFERENCE, Kernel, Variant, where_defined
from ..kernel.sizes import Size
from ..space import Choice, Range, Space
from .dispatcher import Dispatcher
from .tuned import attach


def tunable(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    size: Mapping[str, str] | Callable[..., Any] | None = None,
    inputs: Callable[..., Any] | None = None,
    calibrate: Mapping[str, Any] | None = None,
    static: tuple[str, ...] | str = (),
    tolerance: tuple[float, str] | None = None,
    mutates: tuple[str, ...] | str = (),
    elementwise: bool = False,
    numerics: str | None = None,
) -> Any:
    """Declare a kernel: the function is its reference, the specification of what every variant must give.

    Works bare, called, and on an existing callable (``sin = tunable(np.sin, size={"n": "x.size"})``), which then gets
    exactly the arguments received.

    Parameters
    ----------
    function : callable
        The reference.
    name : str, optional
        Name of the kernel; the function's by default. Its id is ``module:name``.
    size : mapping of str to str, or callable, optional
        Sizes by name, as expressions over the parameters (each may use those before it), or a callable that takes
        the parameters as keywords and returns such a mapping, or None for «not tunable». By default ``n``, the total
        number of elements of all arrays.
    inputs : callable, optional
        ``inputs(rng, **point)`` gives the arguments for a calibration point: args, or (args, kwargs).
    calibrate : mapping, optional
        What each keyword of `inputs` ranges over: `Range` or a pair of ints for sizes, `Choice` or a tuple of strings
        for the rest; ``"layout": Choice("C", "F", "strided")`` for memory layouts.
    static : tuple of str
        Int and enum arguments that belong to the signature by value.
    tolerance : (float, str), optional
        Allowed error in units of eps·scale, and the source of that figure.
    mutates : tuple of str
        Arguments that the function writes. A parameter named ``out`` implies it.
    elementwise : bool
        Whether ``out is x`` is allowed.
    numerics : str, optional
        The loosest class that may win for this kernel where the user has set nothing:
        ``"approximate"`` is opt-in.

    Returns
    -------
    function
        Called exactly like the reference, with the methods of `Tuned`.

    Raises
    ------
    DeclarationError
        The declaration cannot work; the message names the kernel and the mend.
    """
    options = {
        "name": name, "size": size, "inputs": inputs, "calibrate": calibrate or {}, "static": _names(static),
        "tolerance": tolerance, "mutates": _names(mutates), "elementwise": elementwise, "numerics": numerics,
    }  # fmt: skip
    module = sys._getframe(1).f_globals.get("__name__", "__main__")
    if function is None:
        return lambda given: _declare(given, module, **options)
    return _declare(function, module, **options)


def _names(given: tuple[str, ...] | str) -> frozenset[str]:
    return frozenset((given,) if isinstance(given, str) else given)


def _declare(function: Callable[..., Any], module: str, *, name: str | None, **options: Any) -> FunctionType:
    if not callable(function):
        raise DeclarationError(f"tunable: expected a callable as the reference, found {function!r}")
    foreign = not isinstance(function, FunctionType)
    qualname = name or getattr(function, "__qualname__", None) or getattr(function, "__name__", "")
    home = module if foreign or "<locals>" in qualname else function.__module__
    identifier = f"{registry.module_id(home)}:{qualname}"
    owner = f"kernel {identifier}"
    signature = _signature(function, owner)
    _check_names(signature, owner)
    parameters = signature.parameters
    mutates = options["mutates"] | ({"out"} & set(parameters))
    for what, given in (("static", options["static"]), ("mutates", mutates)):
        unknown = sorted(set(given) - set(parameters))
        if unknown:
            raise DeclarationError(
                f"{owner}: {what}={unknown[0]!r} is not a parameter of the reference ({', '.join(parameters)})"
            )
    _check_numerics(options["numerics"], owner)
    kernel = Kernel(
        id=identifier,
        name=qualname,
        reference=function,
        signature=signature,
        size=Size(options["size"], parameters=parameters, owner=owner, writes=mutates),
        inputs=_check_inputs(options["inputs"], options["calibrate"], owner),
        calibrate=_ranges(options["calibrate"], owner),
        static=options["static"],
        tolerance=_check_tolerance(options["tolerance"], owner),
        mutates=frozenset(mutates),
        elementwise=bool(options["elementwise"]),
        numerics=options["numerics"],
        foreign=foreign,
    )
    dispatcher = Dispatcher(kernel)
    public = dispatcher.function
    functools.update_wrapper(public, function, updated=())
    public.__module__, public.__qualname__ = home, qualname
    public.__name__ = qualname.rpartition(".")[2]
    attach(public, dispatcher, functools.partial(_add_variant, dispatcher))
    registry.register(identifier, public, function)
    return public


def _signature(function: Callable[..., Any], owner: str) -> inspect.Signature:
    if isinstance(function, np.ufunc) and not hasattr(function, "__signature__"):
        return _ufunc_signature(function)
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        raise DeclarationError(
            f"{owner}: the signature of {function!r} cannot be read; wrap it in a function with named parameters"
        ) from None


def _ufunc_signature(ufunc: np.ufunc) -> inspect.Signature:
    """The signature of a ufunc, which NumPy before 2.4 does not tell."""
    kind = inspect.Parameter
    inputs = ["x"] if ufunc.nin == 1 else [f"x{i + 1}" for i in range(ufunc.nin)]
    named = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None}
    return inspect.Signature(
        [
            *(kind(name, kind.POSITIONAL_ONLY) for name in inputs),
            kind("out", kind.POSITIONAL_OR_KEYWORD, default=None),
            *(kind(name, kind.KEYWORD_ONLY, default=value) for name, value in named.items()),
        ]
    )


def _check_names(signature: inspect.Signature, owner: str) -> None:
    for name in signature.parameters:
        if name.startswith("_"):
            raise DeclarationError(
                f"{owner}: the parameter {name!r} begins with an underscore, as names in generated code do; rename it"
            )


def _check_inputs(inputs: Any, calibrate: Mapping[str, Any], owner: str) -> Callable[..., Any] | None:
    if inputs is None:
        if calibrate:
            raise DeclarationError(f"{owner}: calibrate= needs inputs=, which makes the arguments for a point")
        return None
    if not callable(inputs):
        raise DeclarationError(f"{owner}: inputs= must be a callable inputs(rng, **point), found {inputs!r}")
    parameters = inspect.signature(inputs).parameters
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
    return inputs  # type: ignore[no-any-return]


def _ranges(calibrate: Mapping[str, Any], owner: str) -> dict[str, Range | Choice]:
    ranges: dict[str, Range | Choice] = {}
    for name, given in calibrate.items():
        if isinstance(given, Range | Choice):
            ranges[name] = given
        elif isinstance(given, tuple) and len(given) == 2 and all(type(v) is int for v in given):
            ranges[name] = Range(*given)
        elif isinstance(given, tuple | list) and given and all(isinstance(v, str) for v in given):
            ranges[name] = Choice(*given)
        else:
            raise DeclarationError(
                f"{owner}: calibrate[{name!r}] is {given!r}; expected Range(lo, hi), a pair of ints, Choice(…) or a "
                "tuple of strings"
            )
    layouts = ranges.get("layout")
    if layouts is not None and not (isinstance(layouts, Choice) and set(layouts.options) <= {"C", "F", "strided"}):
        raise DeclarationError(f'{owner}: calibrate["layout"] must be a Choice of "C", "F" and "strided"')
    return ranges


def _check_tolerance(tolerance: Any, owner: str) -> tuple[float, str] | None:
    if tolerance is None:
        return None
    if (
        isinstance(tolerance, tuple)
        and len(tolerance) == 2
        and isinstance(tolerance[0], int | float)
        and tolerance[0] > 0
        and isinstance(tolerance[1], str)
        and tolerance[1]
    ):
        return float(tolerance[0]), tolerance[1]
    raise DeclarationError(
        f"{owner}: tolerance={tolerance!r}; expected (units of eps·scale, source of that figure), such as "
        '(16, "error analysis in the docstring")'
    )


def _check_numerics(numerics: str | None, owner: str) -> None:
    if numerics is not None and numerics not in NUMERICS:
        raise DeclarationError(f"{owner}: numerics={numerics!r}; expected one of {', '.join(NUMERICS)}")


def _add_variant(
    dispatcher: Dispatcher,
    function: Callable[..., Any] | None = None,
    *,
    kind: str = "",
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    where: str | Callable[..., Any] | None = None,
    jit: bool | Mapping[str, Any] = False,
    when: str | Callable[..., Any] | None = None,
    requires: str | Callable[[], Any] | tuple[str | Callable[[], Any], ...] = (),
    numerics: str = "reassociated",
    threads: bool = False,
) -> Any:
    """Register another implementation; returns the function unchanged. See `Tuned.variant`."""
    if function is None:
        return functools.partial(
            _add_variant, dispatcher, kind=kind, name=name, params=params, where=where, jit=jit, when=when,
            requires=requires, numerics=numerics, threads=threads,
        )  # fmt: skip
    kernel = dispatcher.kernel
    if not callable(function):
        raise DeclarationError(f"kernel {kernel.id}: a variant must be a callable, found {function!r}")
    own = name or getattr(function, "__name__", repr(function))
    owner = f"kernel {kernel.id}, variant {own} ({where_defined(function)})"
    if kind not in KINDS:
        found = f"kind={kind!r}" if kind else "no kind="
        raise DeclarationError(f"{owner}: {found}; expected one of {', '.join(KINDS)}")
    if own == REFERENCE:
        raise DeclarationError(f"{owner}: {REFERENCE!r} names the reference itself; give the variant another name=")
    _check_numerics(numerics, owner)
    options = {} if jit is True else dict(jit) if isinstance(jit, Mapping) else None
    if options is None and jit is not False:
        raise DeclarationError(f"{owner}: jit={jit!r}; expected True, False or a mapping of Numba options")
    if options is not None and not isinstance(function, FunctionType):
        raise DeclarationError(f"{owner}: jit= compiles Python functions; {function!r} is none")
    _check_parameters(kernel, function, params or {}, owner)
    condition: Expression | Callable[..., Any] | None = None
    if isinstance(when, str):
        condition = Expression(when, names=kernel.parameters, where=f"{owner}, when")
        check_condition(condition, owner)
    elif when is not None:
        if not callable(when):
            raise DeclarationError(f"{owner}: when= must be an expression or a predicate, found {when!r}")
        condition = when
    variant = Variant(
        name=own,
        kind=kind,
        function=function,
        jit=options,
        space=Space.declare(params or {}, where=where, owner=owner),
        when=condition,
        requires=requires if isinstance(requires, tuple) else (requires,),
        numerics=numerics,
        threads=threads or bool(options and options.get("parallel")),
        takes=tuple(p for p in inspect.signature(function).parameters.values() if p.name not in (params or {})),
    )
    dispatcher.declare(kernel.with_variant(variant))
    return function


def _check_parameters(kernel: Kernel, function: Callable[..., Any], params: Mapping[str, Any], owner: str) -> None:
    """A variant takes parameters of the reference, all required ones among them, and the declared knobs."""
    own = inspect.signature(function).parameters
    reference = kernel.parameters
    for name in params:
        if name in reference:
            raise DeclarationError(
                f"{owner}: the parameter {name!r} has the name of an argument of the reference; rename the parameter"
            )
        if name not in own:
            raise DeclarationError(f"{owner}: params= declares {name!r}, which the function does not take; add *, {name}")
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
