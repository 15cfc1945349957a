"""Elementwise functions, drop-in for those of the same name."""

from kernels.elementwise.activations import relu, sigmoid
from kernels.elementwise.clip import clip
from kernels.elementwise.functions import (
    arccos,
    arcsin,
    arctan,
    cos,
    cosh,
    exp,
    log,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from kernels.elementwise.power import power

__all__ = [
    "arccos",
    "arcsin",
    "arctan",
    "clip",
    "cos",
    "cosh",
    "exp",
    "log",
    "power",
    "relu",
    "sigmoid",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]
