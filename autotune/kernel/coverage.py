"""Which signatures a variant may serve: its condition, the arguments it takes, what it requires.

`when` is evaluated on stand-ins built from the signature alone, so that a condition which depends on the size of an
argument cannot go unnoticed. Knows nothing of timing or records.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import DeclarationError
from ..expression import Expression
from . import condemned
from .model import NUMERICS, Kernel, Variant
from .signature import ArrayType, Constant, Default, Signature

#: What a condition may read of an array.
_OF_ARRAYS = ("dtype", "flags", "itemsize", "ndim")


class _Flags:
    def __init__(self, layout: str, ndim: int) -> None:
        one_dimensional = layout == "C" and ndim <= 1
        self.c_contiguous = layout == "C"
        self.f_contiguous = layout == "F" or one_dimensional
        self.contiguous = self.c_contiguous
        self.forc = layout != "A"
        self.aligned = True


class ArrayStandIn:
    """An array of which only dtype, ndim and layout are known."""

    def __init__(self, name: str, array: ArrayType, owner: str) -> None:
        self._name, self._owner = name, owner
        self.dtype: np.dtype = array.dtype
        self.ndim = array.ndim
        self.itemsize = array.dtype.itemsize
        self.flags = _Flags(array.layout, array.ndim)

    def __getattr__(self, attribute: str) -> NoReturn:
        raise DeclarationError(
            f"{self._owner}: when= reads {self._name}.{attribute}; it may use dtype, ndim, itemsize and flags only, "
            "because a decision holds for every size. Let the tuner find where the variant pays off, "
            "and fall back inside the variant where it does not apply"
        )

    def __len__(self) -> int:
        self.__getattr__("len")


class _OtherKind(Exception):
    """A condition asks for the value of an argument that is usually kept by value, and of this type is not."""


class _Unknown:
    """A scalar of which only the type is known: using its value is an error, unless the kernel asked for it."""

    def __init__(self, name: str, owner: str, *, static: bool) -> None:
        self._error = _OtherKind() if static else DeclarationError(
            f"{owner}: when= depends on the value of {name}, of which a signature keeps only the type; "
            f"add static=({name!r},) to tunable"
        )  # fmt: skip

    def _fail(self, *_: object) -> NoReturn:
        raise self._error

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __mul__ = _fail
    __floordiv__ = __mod__ = __and__ = __or__ = __int__ = __index__ = __len__ = __neg__ = _fail
    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, attribute: str) -> NoReturn:
        if attribute in _OF_ARRAYS:
            raise AttributeError(attribute)
        self._fail()


def not_covered(kernel: Kernel, variant: Variant, signature: Signature) -> str | None:
    """Why `variant` may not serve calls of `signature`, or None if it may."""
    for name, descriptor in signature.entries:
        if name not in variant.taken_names and not isinstance(descriptor, Default) and name in kernel.elidable:
            return f"does not take {name}"
    if variant.when is None:
        return None
    holds = _evaluate(kernel, variant, variant.when, signature)
    text = variant.when.text if isinstance(variant.when, Expression) else "its predicate"
    return None if holds else f"when={text} does not hold"


def ineligible(kernel: Kernel, variant: Variant, signature: Signature, *, numerics: str, cores: int) -> str | None:
    """Why `variant` may not win for `signature` here, or None if it may.

    Parameters
    ----------
    numerics : str
        The loosest class that may win.
    cores : int
        Usable cores; with one, threads cannot win.
    """
    reason = condemned.reason_against(variant) or unavailable(variant) or not_covered(kernel, variant, signature)
    if reason is None and variant.numerics not in NUMERICS[: NUMERICS.index(numerics) + 1]:
        reason = f"is {variant.numerics}, and AUTOTUNE_NUMERICS allows {numerics}"
    if reason is None and variant.threads and cores < 2:
        reason = "uses threads, and one core is usable"
    return reason


def _evaluate(kernel: Kernel, variant: Variant, when: Expression | Callable[..., Any], signature: Signature) -> bool:
    owner = f"kernel {kernel.id}, variant {variant.name}"
    values: dict[str, object] = {}
    for name, descriptor in signature.entries:
        if isinstance(descriptor, ArrayType):
            values[name] = ArrayStandIn(name, descriptor, owner)
        elif isinstance(descriptor, Constant):
            values[name] = descriptor.value
        elif isinstance(descriptor, Default):
            values[name] = kernel.parameters[name].default
        else:
            values[name] = _Unknown(name, owner, static=name in kernel.static)
    try:
        if isinstance(when, Expression):
            return bool(when.evaluate(values))
        wanted = inspect.signature(when).parameters
        return bool(when(**{name: value for name, value in values.items() if name in wanted}))
    except DeclarationError:
        raise
    except (AttributeError, _OtherKind):
        return False  # such as x.ndim where x is None or a list: the condition speaks of an array that is not there
    except Exception as error:  # the candidate boundary: a user's predicate
        raise DeclarationError(
            f"{owner}: when= raised {type(error).__name__}: {error} for {signature}; correct the condition"
        ) from error


def unavailable(variant: Variant) -> str | None:
    """Why a variant cannot run in this environment, or None if it can."""
    for need in variant.requires:
        if isinstance(need, str):
            try:
                found = importlib.util.find_spec(need) is not None
            except (ImportError, ValueError):
                found = False
            if not found:
                return f"requires {need}, which is not installed"
        else:
            try:
                if not need():
                    return f"requires {getattr(need, '__name__', need)}, which does not hold here"
            except Exception as error:  # the candidate boundary: a user's predicate
                return f"requires {getattr(need, '__name__', need)}, which raised {type(error).__name__}: {error}"
    return None
