"""Calls made up from examples that were recorded, for signatures whose arguments no `inputs=` makes.

Shapes, dtypes, layouts and plain values are those of the program; what arrays hold is random. Knows nothing of
measuring.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import Parameter
from typing import Any

import numpy as np

from ..errors import CalibrationError
from ..kernel.signature import NotCovered, Signature, signature_of
from ..measure import arguments as make
from . import grid
from .hints import octaves

#: Integers of made-up arrays are below this: indices of most arrays, and labels.
MOST = 8
#: Plain types that a signature names.
PLAIN = {"bool": bool, "int": int, "float": float, "str": str}


@dataclass(frozen=True)
class Examples(grid.Problem):
    """One signature, with an example of a call at each of some sizes.

    Parameters
    ----------
    key : str
        `Signature.key`.
    examples : tuple of (size, example)
        An example maps parameters to mappings with ``shape``, or ``value``.
    """

    key: str = ""
    examples: tuple[tuple[Mapping[str, int], Mapping[str, Any]], ...] = field(default=())

    def as_data(self) -> dict[str, Any]:
        return {**super().as_data(), "key": self.key, "examples": [list(pair) for pair in self.examples]}

    def arguments(self, point: Mapping[str, int], *, fresh: int = 0) -> make.Arguments:
        """A call like the example of the nearest size; another `fresh` gives other data.

        Raises
        ------
        CalibrationError
            The example does not tell enough.
        """
        size, example = min(self.examples, key=lambda pair: octaves(pair[0], point))
        text = f"{self.kernel.id} {self.key} {sorted(size.items())} {fresh}"
        rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))
        described = {name: rest for name, *rest in json.loads(self.key)}
        return {
            name: self._argument(name, parameter, described.get(name, ["default"]), example.get(name, {}), rng)
            for name, parameter in self.kernel.parameters.items()
        }

    def _argument(
        self, name: str, parameter: Parameter, described: list[Any], example: Mapping[str, Any],
        rng: np.random.Generator,
    ) -> object:  # fmt: skip
        kind, *rest = described
        if kind == "array" and example.get("shape") is not None:
            dtype, _, layout = rest
            return make.as_layout(random_array(rng, np.dtype(dtype), tuple(example["shape"])), layout)
        if kind == "default":
            if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                return () if parameter.kind is Parameter.VAR_POSITIONAL else {}
            return self.kernel.defaults(name)
        value = example.get("value")
        if kind == "value" and (rest[0] is None or type(rest[0]) in (bool, int, float)):
            return rest[0]
        if kind == "value" and value is not None:
            value = tuple(value) if isinstance(value, list) else value
            if rest[0] in (value, repr(value)):
                return value
        if kind == "type" and isinstance(value, list) and len(value) == len(rest) - 1:
            items = [scalar_of(kind, item) for kind, item in zip(rest[1:], value, strict=True)]
            if None not in items:
                return tuple(items)
        elif kind == "type" and value is not None and len(rest) == 1:
            scalar = scalar_of(rest[0], value)
            if scalar is not None:
                return scalar
        raise CalibrationError(
            f"kernel {self.kernel.id}: the recorded example does not tell what {name} was, only "
            f"{' '.join(map(str, described))}"
        )

    def signature(self) -> Signature:
        """The signature of the examples.

        Raises
        ------
        CalibrationError
            What is made up has another one.
        """
        found = signature_of(self.kernel, self.arguments(self.examples[0][0]))
        if isinstance(found, NotCovered) or found.key != self.key:
            raise CalibrationError(
                f"kernel {self.kernel.id}: a call made up from the recorded example is another one: {found}"
            )
        return found


def scalar_of(kind: str, value: Any) -> object:
    """A scalar of a type that a signature names; None where that is not a plain one or one of NumPy's."""
    if kind in PLAIN:
        return PLAIN[kind](value)
    module, _, name = kind.rpartition(".")
    known = getattr(np, name, None) if module == "numpy" else None
    return known(value) if isinstance(known, type) and issubclass(known, np.number | np.bool_) else None


def random_array(rng: np.random.Generator, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Ordinary numbers of a dtype."""
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        return rng.integers(0, MOST, shape).astype(dtype)
    if dtype.kind == "c":
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(dtype)
    return rng.standard_normal(shape).astype(dtype)
