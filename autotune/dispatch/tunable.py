"""`tunable`: declares a kernel, checks the declaration, and gives the public function its methods.

Every mistake that can be seen when a kernel is declared is an error then, which names the kernel, the variant and the
mend. Knows nothing of tuning.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

from ..compile import layers
from ..errors import DeclarationError
from ..expression import Expression
from ..kernel import registry
from ..kernel.model import KINDS, REFERENCE, Kernel, Variant, where_defined
from ..kernel.parameters import parameters_of
from ..kernel.sizes import Size
from ..space import Space
from . import checks
from .handle import Handle
from .tuned import attach


def tunable(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    size: Mapping[str, str] | Callable[..., Any] | None = None,
    inputs: Callable[..., Any] | None = None,
    calibrate: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    static: tuple[str, ...] | str = (),
    tolerance: tuple[float, str] | tuple[float, str, str] | None = None,
    mutates: tuple[str, ...] | str = (),
    elementwise: bool = False,
    numerics: str | None = None,
    verify: int = 0,
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
    calibrate : mapping or sequence of mappings, optional
        What each keyword of `inputs` ranges over: `Range` or a pair of ints for sizes, `Choice` or a tuple of strings
        for the rest; ``"layout": Choice("C", "F", "strided")`` for memory layouts. Several mappings for kinds of calls
        that have ranges of their own (a whole array, and along an axis).
    static : tuple of str
        Int and enum arguments that belong to the signature by value.
    tolerance : (float, str) or (float, str, "norm"), optional
        Allowed error in units of eps·scale, and the source of that figure. With ``"norm"`` the scale of every element
        is that of the largest: for transforms, where each element of the result depends on all of the input.
    mutates : tuple of str
        Arguments that the function writes. A parameter named ``out`` implies it.
    elementwise : bool
        Whether ``out is x`` is allowed.
    numerics : str, optional
        The loosest class that may win for this kernel where the user has set nothing:
        ``"approximate"`` is opt-in.
    verify : int
        Compare one call in so many, at random, with the reference, where ``AUTOTUNE_VERIFY`` is not set; 0 for none.
        A variant that turns out to be wrong is disabled and marked in the store, and the reference's result returned.

    Returns
    -------
    function
        Called exactly like the reference, with the methods of `Tuned`.

    Raises
    ------
    DeclarationError
        The declaration cannot work; the message names the kernel and the mend.
    """
    options: dict[str, Any] = {
        "name": name, "size": size, "inputs": inputs, "calibrate": calibrate or (), "static": _names(static),
        "tolerance": tolerance, "mutates": _names(mutates), "elementwise": elementwise, "numerics": numerics,
        "verify": verify,
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
    qualname = str(name or getattr(function, "__qualname__", None) or getattr(function, "__name__", "kernel"))
    home = module if foreign or "<locals>" in qualname else function.__module__
    identifier = f"{registry.module_id(home)}:{qualname}"
    owner = f"kernel {identifier}"
    parameters = checks.read_parameters(function, owner)
    checks.refuse_private_names(parameters, owner)
    mutates = options["mutates"] | ({"out"} & set(parameters))
    for what, given in (("static", options["static"]), ("mutates", mutates)):
        unknown = sorted(set(given) - set(parameters))
        if unknown:
            raise DeclarationError(
                f"{owner}: {what}={unknown[0]!r} is not a parameter of the reference ({', '.join(parameters)})"
            )
    checks.refuse_numerics(options["numerics"], owner)
    kinds = [options["calibrate"]] if isinstance(options["calibrate"], Mapping) else list(options["calibrate"])
    kernel = Kernel(
        id=identifier,
        name=qualname,
        reference=function,
        parameters=parameters,
        size=Size(options["size"], parameters=parameters, owner=owner, writes=mutates),
        inputs=checks.checked_inputs(options["inputs"], kinds, owner),
        calibrate=tuple(checks.checked_ranges(kind, owner) for kind in kinds),
        static=options["static"],
        tolerance=checks.checked_tolerance(options["tolerance"], owner),
        normwise=options["tolerance"] is not None and len(options["tolerance"]) == 3,
        mutates=frozenset(mutates),
        elementwise=bool(options["elementwise"]),
        numerics=options["numerics"],
        foreign=foreign,
        verify=checks.checked_verify(options["verify"], owner),
    )
    handle = Handle(kernel)
    public = handle.function
    functools.update_wrapper(public, function, updated=())
    public.__module__, public.__qualname__ = home, qualname
    public.__name__ = qualname.rpartition(".")[2]
    attach(public, handle, functools.partial(_add_variant, handle))
    registry.register(identifier, public, function)
    return public


def _add_variant(
    handle: Handle,
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
            _add_variant, handle, kind=kind, name=name, params=params, where=where, jit=jit, when=when,
            requires=requires, numerics=numerics, threads=threads,
        )  # fmt: skip
    kernel = handle.kernel
    if not callable(function):
        raise DeclarationError(f"kernel {kernel.id}: a variant must be a callable, found {function!r}")
    own = str(name or getattr(function, "__name__", repr(function)))
    owner = f"kernel {kernel.id}, variant {own} ({where_defined(function)})"
    if kind not in KINDS:
        found = f"kind={kind!r}" if kind else "no kind="
        raise DeclarationError(f"{owner}: {found}; expected one of {', '.join(KINDS)}")
    if own == REFERENCE:
        raise DeclarationError(f"{owner}: {REFERENCE!r} names the reference itself; give the variant another name=")
    checks.refuse_numerics(numerics, owner)
    options = {} if jit is True else dict(jit) if isinstance(jit, Mapping) else None
    if options is None and jit is not False:
        raise DeclarationError(f"{owner}: jit={jit!r}; expected True, False or a mapping of Numba options")
    if options is not None and not isinstance(function, FunctionType):
        raise DeclarationError(f"{owner}: jit= compiles Python functions; {function!r} is none")
    own_parameters = parameters_of(function)
    checks.refuse_parameters(kernel, own_parameters, params or {}, owner)
    condition: Expression | Callable[..., Any] | None = None
    if isinstance(when, str):
        condition = Expression(when, names=kernel.parameters, where=f"{owner}, when")
        checks.refuse_size(condition, owner)
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
        parameters=own_parameters,
    )
    handle.declare(kernel.with_variant(variant))
    if variant.threads:
        layers.preload_tbb(at_hand=True)  # before anybody's parallel code has made Numba choose
    return function
