"""Fused chains."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, each, normal, numexpr, of, read_once


def _gelu(x):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = 0.5 * x[i] * (1 + np.tanh(0.7978845608028654 * (x[i] + 0.044715 * x[i] ** 3)))
    return out


def _relu_multiply(x, y):
    out = np.empty_like(x)
    for i in prange(x.size):
        out[i] = max(x[i], 0) * y[i]
    return out


def _multiply_add(a, b, c):
    out = np.empty_like(a)
    for i in prange(a.size):
        out[i] = a[i] * b[i] + c[i]
    return out


def _softmax(logarithmic):
    """The loop of softmax, or of its logarithm."""

    def loop(x, axis):
        out = np.empty_like(x)
        for i in prange(x.shape[0]):
            top = x[i].max()
            total = 0.0
            for j in range(x.shape[1]):
                power = np.exp(x[i, j] - top)
                out[i, j] = x[i, j] - top if logarithmic else power
                total += power
            logarithm = np.log(total)
            for j in range(x.shape[1]):
                out[i, j] = out[i, j] - logarithm if logarithmic else out[i, j] / total
        return out

    return loop


def _logsumexp(a, axis):
    out = np.empty(a.shape[0], a.dtype)
    for i in prange(a.shape[0]):
        top = a[i].max()
        total = 0.0
        for j in range(a.shape[1]):
            total += np.exp(a[i, j] - top)
        out[i] = np.log(total) + top
    return out


def _layer_norm(x, gamma, beta):
    out = np.empty_like(x)
    for i in prange(x.shape[0]):
        mean = x[i].mean()
        inverse = 1 / np.sqrt(x[i].var() + 1e-5)
        for j in range(x.shape[1]):
            out[i, j] = (x[i, j] - mean) * inverse * gamma[j] + beta[j]
    return out


def _vectors(count):
    """So many arrays of 10 to 10^7 elements."""
    return {f"1e{e}": lambda dtype, n=10**e: tuple(normal(dtype, count, n)) for e in range(1, 8)}


def _and_one_written(*arguments):
    """Bytes that an elementwise function must move: its operands, and a result of the size of the first."""
    return read_once(*arguments) + arguments[0].nbytes


SHAPES = ((1, 10), (10, 10), (100, 10), (10, 1000), (1000, 256), (10_000, 100), (100, 10_000))
#: Tables of which each row is worked on.
ROWS = each(lambda dtype, rows, columns: (normal(dtype, rows, columns), -1), *SHAPES, text="{}x{}")
ROWS_AND_COLUMNS = each(
    lambda dtype, rows, columns: (normal(dtype, rows, columns), *normal(dtype, 2, columns)), *SHAPES, text="{}x{}"
)
BENCHES = {
    "gelu": Bench(
        VECTORS,
        rivals={"numexpr": numexpr("0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))")},
        plain=_gelu,
    ),
    "relu_multiply": Bench(
        _vectors(2),
        rivals={"numexpr": numexpr("where(x > 0, x, 0) * y")},
        plain=_relu_multiply,
        traffic=_and_one_written,
    ),
    "multiply_add": Bench(
        _vectors(3),
        rivals={"numexpr": numexpr("x * y + z")},
        plain=_multiply_add,
        traffic=_and_one_written,
    ),
    "softmax": Bench(
        ROWS,
        original=("SciPy", of("scipy.special", "softmax")),
        plain=_softmax(logarithmic=False),
    ),
    "log_softmax": Bench(
        ROWS,
        original=("SciPy", of("scipy.special", "log_softmax")),
        plain=_softmax(logarithmic=True),
    ),
    "logsumexp": Bench(
        ROWS,
        original=("SciPy", of("scipy.special", "logsumexp")),
        plain=_logsumexp,
    ),
    "layer_norm": Bench(ROWS_AND_COLUMNS, plain=_layer_norm),
}
