"""Serving calls outside the compiled code: a given candidate, and the rescue when a variant raises.

Knows nothing of how decisions are found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import events
from ..compile.handled import Namespace, handled
from ..errors import VariantError, VariantWarning, warn
from ..kernel.boxes import Handling, boxer, boxing_of
from ..kernel.coverage import not_covered
from ..kernel.model import REFERENCE, Candidate, Kernel
from ..kernel.signature import NotCovered, Signature, signature_of
from . import guards
from .face import parameter_source
from .plan import ToVariant
from .routes import load_variant

if TYPE_CHECKING:
    from .dispatcher import Dispatcher


@functools.lru_cache(maxsize=1024)
def as_function(kernel: Kernel, target: ToVariant) -> Callable[..., Any]:
    """A function of all the kernel's parameters, by position, that calls one target without tests."""
    namespace = Namespace(_reference=kernel.reference)
    call = handled(target.function, target.invocation, target.handling, namespace)
    source = call.function("_call", ", ".join(kernel.parameters))
    made: Callable[..., Any] = namespace.define(source, "_call", f"<autotune {kernel.id} target>")
    return made


def rescue(dispatcher: Dispatcher, target: ToVariant, error: Exception, arguments: tuple[object, ...]) -> Any:
    """The right answer after a variant raised.

    Compiled code that refused arguments of another layout was never meant for them: the call is looked up anew, and
    from now on the layout is tested beforehand. Otherwise the reference answers, or raises as it does; a variant that
    raised what the reference does not is disabled. A call that changes what it reads cannot be made twice: there the
    error is passed on.
    """
    kernel = dispatcher.kernel
    values = dispatcher.face.values(arguments)
    signature = signature_of(kernel, values)
    entry = next((entry for entry in dispatcher.entries.values() if entry.holds(target)), None)
    meant = isinstance(signature, Signature) and (entry is None or entry.signature.key == signature.key)
    if not meant:
        with dispatcher.lock:
            if entry is not None and not entry.strict:
                entry.strict = True
                dispatcher.rebuild()
        return dispatcher.miss(*arguments)
    said = f"raised {type(error).__name__}: {error}"
    inputs = [value for name, value in values.items() if name != "out" and isinstance(value, np.ndarray)]
    if kernel.mutates - {"out"} or any(value is values.get("out") for value in inputs):
        if not isinstance(error, FloatingPointError):  # which the caller's np.errstate asks for
            disable(dispatcher, target.candidate.variant, said)
        raise error
    try:
        result = kernel.call_reference(values)
    except Exception as expected:  # the variant guard
        if type(expected) is not type(error):
            disable(dispatcher, target.candidate.variant, said)
        raise
    disable(dispatcher, target.candidate.variant, said)
    return result


def disable(dispatcher: Dispatcher, variant: str, reason: str) -> None:
    """Use the reference instead of a variant for the rest of the process."""
    with dispatcher.lock:
        if variant in dispatcher.disabled:
            return
        dispatcher.disabled.add(variant)
        dispatcher.rebuild()
    name = dispatcher.kernel.id
    events.log("disabled", "%s: %s is disabled: %s", name, variant, reason, kernel=name, variant=variant, reason=reason)
    warn(
        f"{name}: the variant {variant} {reason}; it is disabled for this process, the reference serves", VariantWarning
    )


def call_candidate(kernel: Kernel, candidate: Candidate, values: Mapping[str, object]) -> Any:
    """Run one candidate on a call, whatever the decision says.

    Raises
    ------
    VariantError
        The variant does not take the call.
    """
    if candidate.variant == REFERENCE:
        return kernel.call_reference(values)
    signature = signature_of(kernel, values)
    variant = kernel.variants[candidate.variant]
    reason = signature.reason if isinstance(signature, NotCovered) else not_covered(kernel, variant, signature)
    if reason is not None or isinstance(signature, NotCovered):
        raise VariantError(f"{kernel.id}: the variant {candidate} does not take this call: {reason}")
    if variant.threads and guards.single_threaded():
        raise VariantError(
            f"{kernel.id}: the variant {candidate} uses threads, and {guards.why_single()}; call it in another process"
        )
    copies = values
    if any(isinstance(values.get(name), np.ndarray) for name in kernel.mutates):
        copies = {name: value.copy() if type(value) is np.ndarray else value for name, value in values.items()}
    target = load_variant(kernel, candidate, signature, Handling())
    with guards.turn.inside(target, wait=True):
        result = as_function(kernel, target)(*values.values())
    if isinstance(result, np.ndarray) or result is None:
        return result
    wrap = boxer(boxing_of(kernel.call_reference(copies), result))
    return result if wrap is None else wrap(result)


def bare(kernel: Kernel, target: ToVariant) -> Callable[..., Any]:
    """The winner as a callable that takes what the kernel takes; the function itself where nothing is to be added."""
    plain = target.handling == Handling() and target.invocation.arguments == tuple(kernel.parameters)
    return target.function if plain else resolved(kernel, target)


@functools.lru_cache(maxsize=1024)
def resolved(kernel: Kernel, target: ToVariant) -> Callable[..., Any]:
    """A function with the kernel's parameters and defaults that calls one target."""
    namespace = Namespace(_reference=kernel.reference)
    call = handled(target.function, target.invocation, target.handling, namespace)
    source = call.function(target.candidate.variant, parameter_source(list(kernel.parameters.values())))
    made: Any = namespace.define(source, target.candidate.variant, f"<autotune {kernel.id} resolved>")
    made.__defaults__, made.__kwdefaults__ = all_defaults(kernel)
    return made  # type: ignore[no-any-return]


def all_defaults(kernel: Kernel) -> tuple[tuple[object, ...], dict[str, object]]:
    """``__defaults__`` and ``__kwdefaults__`` of a function with all the kernel's parameters."""
    optional = [p for p in kernel.parameters.values() if p.default is not p.empty]
    positional = tuple(kernel.defaults(p.name) for p in optional if p.kind is not p.KEYWORD_ONLY)
    return positional, {p.name: kernel.defaults(p.name) for p in optional if p.kind is p.KEYWORD_ONLY}
