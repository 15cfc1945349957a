"""The parameters of a generated function, and handing them on, as source text.

Knows nothing of plans or decisions.
"""

from __future__ import annotations

from ..kernel.model import Kernel


def parameter_list(kernel: Kernel) -> str:
    """The parameters as source; defaults are placeholders, which the function's own defaults replace."""
    parameters = list(kernel.parameters.values())
    last_positional_only = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
    parts, starred = [], False
    for index, parameter in enumerate(parameters):
        if parameter.kind is parameter.VAR_POSITIONAL:
            parts.append(f"*{parameter.name}")
            starred = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            parts.append(f"**{parameter.name}")
        else:
            if parameter.kind is parameter.KEYWORD_ONLY and not starred:
                parts.append("*")
                starred = True
            default = "" if parameter.default is parameter.empty else "=None"
            parts.append(parameter.name + default)
        if index + 1 == last_positional_only:
            parts.append("/")
    return ", ".join(parts)


def forward_list(kernel: Kernel) -> str:
    """Arguments that hand all parameters on."""
    parts = []
    for parameter in kernel.parameters.values():
        before = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": f"{parameter.name}="}
        parts.append(before.get(parameter.kind.name, "") + parameter.name)
    return ", ".join(parts)


def forwarder(kernel: Kernel) -> str | None:
    """Source of `_forward`, which calls an existing callable with exactly the arguments that were given.

    None where a positional-only parameter has a default, which takes `Kernel.call_reference`.
    """
    lines = [f"def _forward({', '.join(kernel.parameters)}):", "    _given = {}"]
    always, stars = [], []
    for name, parameter in kernel.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            always.append(f"*{name}")
        elif parameter.kind is parameter.VAR_KEYWORD:
            stars.append(f"**{name}")
        elif parameter.default is parameter.empty:
            always.append(f"{name}={name}" if parameter.kind is parameter.KEYWORD_ONLY else name)
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            return None
        else:
            lines.append(f"    if {name} is not _unset: _given[{name!r}] = {name}")
    lines.append(f"    return _reference({', '.join([*always, '**_given', *stars])})")
    return "\n".join(lines) + "\n"
