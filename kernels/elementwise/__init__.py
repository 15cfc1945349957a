"""Elementwise functions, drop-in for those of the same name."""

from kernels.elementwise.functions import cos, exp, log, sin, tanh

__all__ = ["cos", "exp", "log", "sin", "tanh"]
