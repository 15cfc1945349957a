"""Multivariate adaptive regression splines."""

from __future__ import annotations

import numpy as np
from numba import prange

import kernels
from tests.benchmarks.cells.bench import Bench, each


def _inputs(name):
    """The arguments of calibration: what a forward pass meets."""
    kernel = getattr(kernels, name).__autotune__.kernel
    return lambda dtype, n, m: kernel.inputs(np.random.default_rng(1), dtype=dtype, n=n, m=m)


def _hinge_basis_matrix(x, variables, knots, signs):
    basis = np.ones((len(x), len(variables)), x.dtype)
    for i in prange(len(x)):
        for j in range(len(variables)):
            for k in range(variables.shape[1]):
                if variables[j, k] >= 0:
                    basis[i, j] *= max(0, signs[j, k] * (x[i, variables[j, k]] - knots[j, k]))
    return basis


BENCHES = {
    "hinge_basis_matrix": Bench(
        each(
            _inputs("hinge_basis_matrix"),
            (100, 10), (1000, 10), (1000, 50), (10_000, 20), (10_000, 100), (100_000, 10), (100_000, 50),
            text="n={} m={}",
        ),
        plain=_hinge_basis_matrix,
        work=lambda x, variables, *rest: len(x) * len(variables),
        work_name="n·m",
    ),
    "candidate_rss": Bench(
        each(
            _inputs("candidate_rss"),
            (256, 10), (1000, 10), (1000, 50), (10_000, 10), (10_000, 50), (50_000, 20),
            text="n={} m={}",
        ),
        work=lambda q, *rest: q.size,
        work_name="n·m",
    ),
}  # fmt: skip
