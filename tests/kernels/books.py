"""The manners of every kernel of the library, joined from the books of the families."""

from __future__ import annotations

from importlib import import_module

import pytest

import kernels
from tests.kernels.calls import PRECISIONS, Call, taken
from tests.kernels.manners import Manners

KERNELS = {name: getattr(kernels, name) for name in kernels.__all__}


def family_of(name: str) -> str:
    """The file or package in which a kernel is declared."""
    return KERNELS[name].__autotune__.kernel.id.split(":")[0].split(".")[1]


FAMILIES = sorted(set(map(family_of, KERNELS)))
MANNERS: dict[str, Manners] = {
    name: manners for family in FAMILIES for name, manners in import_module(f"tests.kernels.{family}").MANNERS.items()
}


def calls(name: str, dtype: str, *, n: int, columns: int) -> list[Call]:
    """Calls of a kernel, one or more for each of its variants: n elements, or about n / columns rows."""
    return MANNERS[name].calls(dtype, n, columns)


#: Kernels that share the loops of another one. Compiling is what takes the time: in the normal run their variants are
#: left to the tests of the other, and of their family; `make soak` runs all, in both precisions.
SIBLINGS = {
    **dict.fromkeys(("cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh"), "sin"),
    "max": "min", "std": "var", "mean": "sum", "quantile": "percentile", "ifft": "fft", "rfft": "fft",
    "corrcoef": "cov", "log_softmax": "softmax", "euclidean": "squared_distances", "fir_filter": "convolve",
    "autocorrelation": "convolve", "relu_multiply": "multiply_add", "einsum": "matmul",
}  # fmt: skip


def marks(name: str, dtype: str) -> list:
    """When the variants of a kernel are tested in a precision."""
    return [pytest.mark.soak] if dtype == "float32" or name in SIBLINGS else []


#: Each variant with each precision that it takes.
VARIANTS = [
    pytest.param(tuned, variant, dtype, id=f"{name}-{variant.name}-{dtype}", marks=marks(name, dtype))
    for name, tuned in KERNELS.items()
    for variant in tuned.variants.values()
    for dtype in PRECISIONS
    if taken(tuned, variant, calls(name, dtype, n=60, columns=6))
]
#: Each kernel with each precision; what is called then is the reference.
EVERY = [pytest.param(name, dtype, id=f"{name}-{dtype}") for name in KERNELS for dtype in PRECISIONS]
#: The same, where variants are called.
EVERY_COMPILED = [
    pytest.param(name, dtype, id=f"{name}-{dtype}", marks=marks(name, dtype))
    for name in KERNELS
    for dtype in PRECISIONS
]


def variants_of(*names: str) -> list:
    """The same, of these kernels alone."""
    return [param for param in VARIANTS if param.values[0].__name__ in names]
