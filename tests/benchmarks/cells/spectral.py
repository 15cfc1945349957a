"""Signals."""

from __future__ import annotations

import numpy as np
from numba import prange

from tests.benchmarks.cells.bench import VECTORS, Bench, each, normal, of


def _convolve(x, h):
    out = np.zeros(x.size + h.size - 1, x.dtype)
    for k in prange(out.size):
        for j in range(max(0, k - x.size + 1), min(h.size, k + 1)):
            out[k] += h[j] * x[k - j]
    return out


def _fir_filter(b, x):
    out = np.zeros(x.size, x.dtype)
    for t in prange(x.size):
        for j in range(min(b.size, t + 1)):
            out[t] += b[j] * x[t - j]
    return out


def _autocorrelation(x):
    out = np.zeros(x.size, x.dtype)
    for k in prange(x.size):
        for t in range(x.size - k):
            out[k] += x[t + k] * x[t]
    return out


def _scipy_lfilter():
    from scipy.signal import lfilter

    return lambda b, x: lfilter(b, x.dtype.type(1), x)


def _scipy_autocorrelation():
    from scipy.signal import correlate

    return lambda x: correlate(x, x)[x.size - 1 :]


def _products(a, b):
    return 2 * a.size * b.size


_LENGTHS = [(100, 5), (1000, 5), (1000, 32), (10_000, 100), (10_000, 1000), (100_000, 100), (10**6, 31)]


def _real(dtype, rows, n):
    return (normal(dtype, n) if rows == 1 else normal(dtype, rows, n),)


def _whole(dtype, rows, n):
    (real,) = _real(dtype, rows, n)
    return ((real + 1j * real[..., ::-1]).astype(f"c{2 * real.itemsize}"),)


_SHAPES = [*((1, n) for n in (16, 64, 256, 1000, 1021, 1024, 4096, 65536, 1 << 20)), (100, 1024), (1000, 256)]
BENCHES = {
    "fft": Bench(each(_real, *_SHAPES, text="{}x{}"), rivals={"SciPy": of("scipy.fft", "fft")}),
    "ifft": Bench(each(_whole, *_SHAPES, text="{}x{}"), rivals={"SciPy": of("scipy.fft", "ifft")}),
    "rfft": Bench(each(_real, *_SHAPES, text="{}x{}"), rivals={"SciPy": of("scipy.fft", "rfft")}),
    "convolve": Bench(
        each(lambda dtype, n, m: (normal(dtype, n), normal(dtype, m)), *_LENGTHS, text="{}x{}"),
        rivals={"SciPy": of("scipy.signal", "convolve"), "SciPy, overlap-add": of("scipy.signal", "oaconvolve")},
        plain=_convolve,
        work=lambda a, v: a.size * v.size,
        work_name="n·m",
        operations=_products,
    ),
    "fir_filter": Bench(
        each(lambda dtype, n, m: (normal(dtype, m), normal(dtype, n)), *_LENGTHS, text="{}x{}"),
        rivals={"SciPy": _scipy_lfilter},
        plain=_fir_filter,
        work=lambda b, x: b.size * x.size,
        work_name="n·m",
        operations=_products,
    ),
    "autocorrelation": Bench(
        {size: VECTORS[size] for size in ("1e1", "1e2", "1e3", "1e4")},
        rivals={"SciPy": _scipy_autocorrelation},
        plain=_autocorrelation,
        work=lambda x: x.size**2,
        work_name="n²",
        operations=lambda x: x.size**2,
    ),
}
