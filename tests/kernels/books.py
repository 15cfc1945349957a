"""The manners of every kernel of the library, joined from the books of the families."""

from __future__ import annotations

from importlib import import_module

import pytest

import kernels
from tests.kernels.calls import PRECISIONS, Call, taken
from tests.kernels.manners import Manners

KERNELS = {name: getattr(kernels, name) for name in kernels.__all__}
#: The families: the files and packages in which the kernels are declared.
FAMILIES = sorted({tuned.__autotune__.kernel.id.split(":")[0].split(".")[1] for tuned in KERNELS.values()})
MANNERS: dict[str, Manners] = {
    name: manners for family in FAMILIES for name, manners in import_module(f"tests.kernels.{family}").MANNERS.items()
}


def calls(name: str, dtype: str, *, n: int, columns: int) -> list[Call]:
    """Calls of a kernel, one or more for each of its variants: n elements, or about n / columns rows."""
    return MANNERS[name].calls(dtype, n, columns)


#: Each variant with each precision that it takes.
VARIANTS = [
    pytest.param(tuned, variant, dtype, id=f"{name}-{variant.name}-{dtype}")
    for name, tuned in KERNELS.items()
    for variant in tuned.variants.values()
    for dtype in PRECISIONS
    if taken(tuned, variant, calls(name, dtype, n=60, columns=6))
]
#: Each kernel with each precision.
EVERY = [pytest.param(name, dtype, id=f"{name}-{dtype}") for name in KERNELS for dtype in PRECISIONS]


def variants_of(*names: str) -> list:
    """The same, of these kernels alone."""
    return [param for param in VARIANTS if param.values[0].__name__ in names]
