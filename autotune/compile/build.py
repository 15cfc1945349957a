"""Compiles variants and helpers for a signature, or loads them from the code cache.

Knows nothing of timing or search.
"""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from ..errors import CompileError
from ..kernel.model import REFERENCE, Candidate, Kernel, Variant
from ..kernel.signature import ArrayType, Constant, Default, Descriptor, Scalar, Signature
from ..kernel.source import source_hash, stable_text, underlying
from . import code_cache, layers
from .lazy import DEFAULT_OPTIONS
from .specialize import bind

_lock = threading.RLock()
_dispatchers: dict[tuple[object, ...], Any] = {}


def numba_module() -> Any:
    """Numba, imported when compiled code is first needed."""
    return importlib.import_module("numba")


def dispatcher(
    function: FunctionType, options: Mapping[str, Any], *, static: Mapping[str, object] | None = None
) -> Callable[..., Any]:
    """A Numba dispatcher for `function` whose compiled code is kept in the protected cache."""
    static = static or {}
    key = (function, stable_text(options), stable_text(static))
    with _lock:
        if key not in _dispatchers:
            if options.get("parallel"):
                layers.preload_tbb()
            numba = numba_module()
            made = numba.njit(**options)(bind(function, static, numba))
            made._cache = code_cache.make_cache(made.py_func, digest_of(function, options, static))
            _dispatchers[key] = made
        return _dispatchers[key]  # type: ignore[no-any-return]


def load(kernel: Kernel, candidate: Candidate, signature: Signature) -> Callable[..., Any]:
    """The function that runs `candidate` for calls of `signature`: compiled if it needs to be.

    Raises
    ------
    CompileError
        Numba cannot compile the variant; the message names the kernel and the variant.
    """
    if candidate.variant == REFERENCE:
        return kernel.reference
    variant = kernel.variants[candidate.variant]
    if variant.jit is None:
        return variant.function
    function = underlying(variant.function)
    assert function is not None, "the declaration refuses jit= for anything else"
    statics = {name: value for name, value in candidate.config if name in variant.space.static_names}
    try:
        with _lock, warnings.catch_warnings():
            # A variant that gains nothing from parallel=True loses its race; a warning would add nothing.
            warnings.simplefilter("ignore")
            made: Any = dispatcher(function, {**DEFAULT_OPTIONS, **variant.jit}, static=statics)
            types = argument_types(kernel, candidate, signature)
            if types not in made.overloads:
                made.disable_compile(False)
                try:
                    made.compile(types)
                finally:
                    if made.overloads:
                        made.disable_compile()
    except CompileError as error:
        raise CompileError(f"kernel {kernel.id}, variant {variant.name}: {error}") from None
    except Exception as error:  # the candidate boundary: Numba on a variant
        raise CompileError(
            f"kernel {kernel.id}, variant {variant.name}: Numba cannot compile it for {signature}: {summary(error)}"
        ) from error
    return made  # type: ignore[no-any-return]


def summary(error: BaseException) -> str:
    """The telling lines of one of Numba's long messages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(("During:", "File ", "-", "This error may", "Failed in"))]
    return f"{type(error).__name__}: {' '.join(telling[:3])[:300]}"


def argument_types(kernel: Kernel, candidate: Candidate, signature: Signature) -> tuple[Any, ...]:
    """Numba types of the arguments, in the order in which generated code passes them."""
    types, typeof = numba_module().types, numba_module().typeof
    variant: Variant = kernel.variants[candidate.variant]
    config = dict(candidate.config)
    found = []
    for parameter in variant.parameters.values():
        name = parameter.name
        if name in config:
            if name not in variant.space.static_names:
                found.append(typeof(config[name]))
        else:
            descriptor = signature.by_name[name]
            if isinstance(descriptor, Default):
                found.append(types.none if parameter.default is None else typeof(parameter.default))
            else:
                found.append(_numba_type(descriptor, name, readonly=name not in kernel.mutates))
    return tuple(found)


def _numba_type(descriptor: Descriptor, name: str, *, readonly: bool) -> Any:
    numba = numba_module()
    types = numba.types
    if isinstance(descriptor, ArrayType):
        dtype = numba.from_dtype(descriptor.dtype)
        return types.Array(dtype, descriptor.ndim, descriptor.layout, readonly=readonly)
    if isinstance(descriptor, Constant):
        return types.none if descriptor.value is None else numba.typeof(descriptor.value)
    if isinstance(descriptor, Scalar):
        if descriptor.items:
            return types.Tuple([numba.typeof(item()) for item in descriptor.items])
        return numba.typeof(descriptor.type())
    raise CompileError(f"the argument {name} ({descriptor}) has no compiled type; leave jit= out for this variant")


def cached(kernel: Kernel, candidate: Candidate) -> bool:
    """Whether compiled code of a variant is on disk, for some signature; a prediction of cost, nothing more."""
    variant = kernel.variants[candidate.variant]
    function = underlying(variant.function)
    root = code_cache.code_root()
    if variant.jit is None or function is None or root is None:
        return False
    statics = {name: value for name, value in candidate.config if name in variant.space.static_names}
    return (root / digest_of(function, {**DEFAULT_OPTIONS, **variant.jit}, statics)).is_dir()


def digest_of(function: FunctionType, options: Mapping[str, Any], static: Mapping[str, object]) -> str:
    """The name of the directory that holds a function's compiled code: all that the code depends on."""
    return source_hash(function, stable_text(options), stable_text(static), numba_module().__version__)
