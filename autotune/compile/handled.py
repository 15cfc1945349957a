"""A call of a candidate whose result is made the reference's, as source text.

One description serves the dispatcher's generated code and the tuner's timing loops, so that what is measured is what
is run. Knows nothing of either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernel.boxes import Handling, boxed, boxer
from ..kernel.invocation import Invocation
from ..value import Value
from .finite import all_finite


class Namespace:
    """Globals of generated code. Names are only ever added, so that code that is running stays right.

    `globals` is a plain dict: CPython looks up globals three times faster in exactly that than in a subclass.
    """

    def __init__(self, existing: dict[str, Any] | None = None, **names: object) -> None:
        self.globals: dict[str, Any] = {"__builtins__": __builtins__} if existing is None else existing
        self.globals.update(names)

    def name(self, kind: str, value: object) -> str:
        """The name by which the code knows an object; equal numbers have one name, and equal tuples of plain items,
        because tests of the same are told by their text."""
        count = 0
        for name, known in self.globals.items():
            if name.startswith(kind):
                if known is value or _same(known, value):
                    return name
                count += 1
        self.globals[f"{kind}{count}"] = value
        return f"{kind}{count}"

    def define(self, source: str, name: str, filename: str) -> Any:
        """The function that `source` defines under `name`, which does not stay among the globals."""
        exec(compile(source, filename, "exec"), self.globals)  # noqa: S102
        return self.globals.pop(name)


def _same(one: object, other: object) -> bool:
    """Whether two plain values are equal in every respect: True is not 1, and 0.0 not -0.0."""
    if type(one) is not type(other) or not isinstance(one, float | np.integer | tuple):
        return False
    plain = not isinstance(one, tuple) or all(isinstance(item, int | float | str | type | None) for item in one)
    return plain and one == other and repr(one) == repr(other)


class Handled(Value):
    """A handled call as pieces of source."""

    #: The bare call.
    call: str
    #: The test that ``_result`` is finite; None where nothing is to be tested.
    test: str | None
    #: What is given: of ``_result`` where there is a test, of the call itself where there is none.
    given: str
    #: The call of the reference, for a result that is not finite.
    reference: str

    def statements(self) -> list[str]:
        """The call as statements whose result nobody takes, for timing."""
        if self.test is None:
            return [self.given]
        return [f"_result = {self.call}", f"if {self.test}: {self.given}", f"else: {self.reference}"]

    def returning(self) -> list[str]:
        """The call as statements that return its result."""
        if self.test is None:
            return [f"return {self.given}"]
        return [f"_result = {self.call}", f"if {self.test}: return {self.given}", f"return {self.reference}"]

    def function(self, name: str, parameters: str) -> str:
        """The source of a function that makes the call."""
        return f"def {name}({parameters}):\n" + "".join(f"    {line}\n" for line in self.returning())


def handled(
    function: Callable[..., Any], call: Invocation, handling: Handling, namespace: Namespace, *, named: bool = False
) -> Handled:
    """The call of `function` with its result boxed, and given up where it must be finite and is not.

    The namespace gets the objects that it names. The reference is known as ``_reference``, the arguments by the names
    of the parameters. With `named`, what is given is of ``_result`` even where there is no test.
    """
    namespace.globals.update(call.constants)
    source = f"{namespace.name('_variant_', function)}({', '.join(call.arguments)})"

    def given(value: str) -> str:
        if handling.boxing is None:
            return value
        if isinstance(handling.boxing, str):
            return boxed(handling.boxing, value, namespace.name)
        return f"{namespace.name('_box_', boxer(handling.boxing))}({value})"

    if not handling.finite:
        return Handled(source, None, given("_result" if named else source), call.reference)
    # A number minus itself is zero only if it is finite; that takes 20 ns.
    number = handling.finite == "number"
    test = "_result - _result == 0.0" if number else f"{namespace.name('_finite_', all_finite)}(_result)"
    return Handled(source, test, given("_result"), call.reference)
