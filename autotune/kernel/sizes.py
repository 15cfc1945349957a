"""The size of a call: named whole numbers over which thresholds run.

Knows nothing of records or of the variants that a size chooses between.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..errors import DeclarationError
from ..expression import Expression

#: Reading one of these from a parameter says that it is an array.
ARRAY_ATTRIBUTES = frozenset({"size", "shape", "ndim", "dtype", "strides", "nbytes", "itemsize", "T", "flags", "len"})
TOTAL = "total elements"


class Size:
    """How the size of a call is computed.

    Parameters
    ----------
    declared : mapping of str to str, callable, or None
        Expressions by name (each may use the names before it), a callable that returns such a mapping of numbers, or
        None for the total number of elements of all arrays, as ``n``.
    parameters : iterable of str
        The reference's parameters.
    owner : str
        What it belongs to, for messages.
    writes : iterable of str
        Parameters that the kernel only writes; the total leaves them out.
    """

    def __init__(
        self,
        declared: Mapping[str, str] | Callable[..., Any] | None,
        *,
        parameters: Iterable[str],
        owner: str,
        writes: Iterable[str] = (),
    ) -> None:
        self.owner = owner
        self.writes = frozenset(writes)
        self.function: Callable[..., Any] | None = None
        self.expressions: dict[str, Expression] = {}
        self.total = declared is None
        if isinstance(declared, Mapping):
            if not declared:
                raise DeclarationError(f'{owner}: size={{}} names nothing; leave it out or write {{"n": "x.size"}}')
            known = list(parameters)
            for name, text in declared.items():
                if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
                    raise DeclarationError(f"{owner}: {name!r} cannot name a size; use an identifier such as n")
                if name in parameters:
                    raise DeclarationError(
                        f"{owner}: the size {name!r} has the name of an argument; give the size another name"
                    )
                self.expressions[name] = Expression(text, names=known, where=f"{owner}, size {name}")
                known.append(name)
        elif declared is not None:
            if not callable(declared):
                raise DeclarationError(
                    f"{owner}: size= must map names to expressions, or be a callable; found {declared!r}"
                )
            self.function = declared

    def texts(self) -> dict[str, str]:
        """The declaration, for records and `explain`."""
        if self.function is not None:
            return {"*": f"{getattr(self.function, '__qualname__', self.function)}()"}
        if self.total:
            return {"n": TOTAL}
        return {name: expression.text for name, expression in self.expressions.items()}

    def reads_as_array(self, parameter: str) -> bool:
        return any(expression.attributes_of(parameter) & ARRAY_ATTRIBUTES for expression in self.expressions.values())

    def uses(self, parameter: str) -> bool:
        return any(parameter in expression.names for expression in self.expressions.values())

    def evaluate(self, values: Mapping[str, object]) -> dict[str, int] | None:
        """The size of a call, or None where the declaration says that the call is not tunable.

        Raises
        ------
        Whatever an expression or the callable raises; the caller decides what that means.
        """
        if self.function is not None:
            computed = self.function(**values)
            return None if computed is None else _as_ints(computed)
        if self.total:
            arrays = [v for name, v in values.items() if type(v) is np.ndarray and name not in self.writes]
            return {"n": sum(array.size for array in arrays)}
        known = dict(values)
        for name, expression in self.expressions.items():
            value = expression.evaluate(known)
            if value is None:
                return None
            known[name] = value
        return _as_ints({name: known[name] for name in self.expressions})

    def checked(self, values: Mapping[str, object]) -> dict[str, int]:
        """As `evaluate`, but anything other than whole numbers of at least 0 is an error that names the mend."""
        try:
            size = self.evaluate(values)
        except Exception as error:  # the candidate boundary: a user's size
            raise DeclarationError(
                f"{self.owner}: computing the size {self.texts()} raised {type(error).__name__}: {error}; "
                "correct the expression or the inputs"
            ) from error
        if size is None:
            raise DeclarationError(f"{self.owner}: the size of a calibration input is None (not tunable)")
        for name, value in size.items():
            if not isinstance(value, int):
                raise DeclarationError(
                    f"{self.owner}: the size {name} is {value!r} ({type(value).__name__}); expected a whole number: "
                    "use // instead of /, or int(…)"
                )
            if value < 0:
                raise DeclarationError(f"{self.owner}: the size {name} is {value}; a size is at least 0")
        return size

    def sources(self, constants: Mapping[str, object], arrays: Iterable[str]) -> dict[str, ast.expr] | None:
        """Expressions for generated code, with `constants` folded in; None if the size is a callable.

        Parameters
        ----------
        constants : mapping
            Arguments whose value the signature fixes.
        arrays : iterable of str
            Array arguments of the signature, for the total.
        """
        if self.function is not None:
            return None
        if self.total:
            terms = [f"{name}.size" for name in arrays if name not in self.writes]
            return {"n": ast.parse(" + ".join(terms) or "0", mode="eval").body}
        return {name: expression.specialize(constants) for name, expression in self.expressions.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, where they are known before a call."""
        return ("n",) if self.total else tuple(self.expressions)


def _as_ints(size: Mapping[str, Any]) -> dict[str, int]:
    """NumPy's whole numbers and truth values as Python's, so that records can hold the size of any call."""
    whole = (bool, np.bool_, np.integer)
    return {name: int(value) if isinstance(value, whole) else value for name, value in size.items()}
