"""A call of a candidate whose result is made the reference's, as source text.

One description serves the dispatcher's generated code and the tuner's timing loops, so that what is measured is what
is run. Knows nothing of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kernel.boxes import Handling, boxer
from ..kernel.invocation import Invocation
from .finite import all_finite


class Namespace(dict[str, Any]):
    """Globals of generated code. Names are only ever added, so that code that is running stays right."""

    def name(self, kind: str, value: object) -> str:
        """The name by which the code knows an object."""
        count = 0
        for name, known in self.items():
            if name.startswith(kind):
                if known is value:
                    return name
                count += 1
        self[f"{kind}{count}"] = value
        return f"{kind}{count}"


def handled(function: Callable[..., Any], call: Invocation, handling: Handling, namespace: Namespace) -> str:
    """The expression that calls `function`, boxes its result, and gives up one that is not finite where that is due.

    The namespace gets the objects that it names. The reference is known as ``_reference``, the arguments by the names
    of the parameters.
    """
    namespace.update(call.constants)
    source = f"{namespace.name('_variant_', function)}({', '.join(call.arguments)})"
    wrap = boxer(handling.boxing)
    box = "{}" if wrap is None else f"{namespace.name('_box_', wrap)}({{}})"
    if not handling.finite:
        return box.format(source)
    # A number minus itself is zero only if it is finite; that takes 20 ns.
    number = f"(_result := {source}) - _result == 0"
    arrays = f"{namespace.name('_finite_', all_finite)}(_result := {source})"
    test = number if handling.finite == "number" else arrays
    return f"{box.format('_result')} if {test} else {call.reference}"
