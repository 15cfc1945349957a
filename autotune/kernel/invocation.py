"""How a candidate is called for a signature, as source text.

One description serves the dispatcher's generated code and the tuner's timing loops, so that what is measured is what
is run. Knows nothing of either.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..value import Value
from .model import REFERENCE, Candidate, Kernel
from .signature import Constant, Default, Signature


class Invocation(Value):
    """Arguments of a call, each as source text over the kernel's parameter names."""

    arguments: tuple[str, ...]
    #: The call of the reference for the same arguments.
    reference: str
    #: Objects that the arguments name beside the parameters.
    constants: Mapping[str, object]


def invocation(kernel: Kernel, candidate: Candidate, signature: Signature) -> Invocation:
    """The call of `candidate` with the arguments of a call that has `signature`."""
    given = _of_reference(kernel, signature)
    reference = f"_reference({', '.join(given)})"
    if candidate.variant == REFERENCE:
        return Invocation(given, reference, {})
    variant = kernel.variants[candidate.variant]
    positional: list[str] = []
    named: list[str] = []
    constants: dict[str, object] = {}
    config = dict(candidate.config)
    for parameter in variant.parameters.values():
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in config:
            if name in variant.space.static_names and variant.compiled:
                continue  # compiled in
            source = repr(config[name])
        elif isinstance(signature.by_name[name], Default):
            source = _literal(f"_default_{variant.name}_{name}", parameter.default, constants)
        else:
            source = name
        # Compiled code takes keyword-only parameters by position too, and faster (133 against 172 ns).
        if parameter.kind is parameter.KEYWORD_ONLY and not variant.compiled:
            named.append(f"{name}={source}")
        else:
            positional.append(source)
    return Invocation((*positional, *named), reference, constants)


def _literal(name: str, value: object, constants: dict[str, object]) -> str:
    if value is None or isinstance(value, bool | int | str):
        return repr(value)
    constants[name] = value
    return name


def _of_reference(kernel: Kernel, signature: Signature) -> tuple[str, ...]:
    """Exactly the arguments received; where the reference is plain Python its own defaults may be passed along."""
    arguments: list[str] = []
    by_keyword = False
    for name, parameter in kernel.parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        descriptor = signature.by_name[name]
        if isinstance(descriptor, Default):
            by_keyword = True
        elif by_keyword or parameter.kind is parameter.KEYWORD_ONLY or kernel.by_keyword(parameter):
            by_keyword = True
            arguments.append(f"{name}={name}")
        else:
            arguments.append(name)
    return tuple(arguments)


def constants_of(signature: Signature, kernel: Kernel) -> dict[str, object]:
    """Plain values that a signature fixes, for folding into size expressions."""
    folded: dict[str, object] = {}
    for name, descriptor in signature.entries:
        if isinstance(descriptor, Constant) and isinstance(descriptor.value, bool | int | str | None):
            folded[name] = descriptor.value
        elif isinstance(descriptor, Default):
            default = kernel.parameters[name].default
            if isinstance(default, bool | int | str | None):
                folded[name] = default
    return folded
