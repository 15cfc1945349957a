"""The headline figures of the five plans that this project comes from, as calls that can be timed.

A baseline is written as its plan describes it. Beside it stands the best NumPy or SciPy one-liner, where that is
something else: the ratio to this is the one to quote.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import kernels
from tests.benchmarks.cells.bench import normal

Call = Callable[[], Any]
TENSORLOGIC, NUMPY_RUST, HOMODYNE, ECLIPSERA, MARS = "TensorLogic", "NumPy-Rust", "Homodyne", "Eclipsera", "mars"
#: The share of perfect scaling that counts as scaling with the cores.
EFFICIENCY = 0.8


@dataclass(frozen=True)
class Headline:
    """One figure of a plan: a ratio of times, a time, or a share of memory saved."""

    plan: str
    figure: str
    ours: Call
    #: What the plan starts from; without it the figure is a time.
    baseline: Call | None = None
    #: The ratio that the plan promises, at least …
    ratio: float | None = None
    #: … or the seconds, at most …
    seconds: float | None = None
    #: … or the share of the peak of memory that is saved, at least.
    saved: float | None = None
    #: The best one-liner, where it is not the baseline.
    one_liner: Call | None = None


#: Figures that are not the library's.
LATER = (
    (TENSORLOGIC, "pooling 2.5 x faster with a quarter of the memory"),
    (NUMPY_RUST, "regressions above 5 % are noticed"),
    (ECLIPSERA, "grid search 3.85 x on 4 cores"),
)


def _at_its_best(kernel: Any, variant: str, *arguments: Any) -> Call:
    """Calls of one variant in the settings that are fastest for these arguments, as a tuner would choose them."""

    def seconds(call: Call) -> float:
        call()
        started = time.perf_counter()
        call()
        return time.perf_counter() - started

    settings = kernel.variants[variant].space
    return min((partial(kernel.call, variant, *arguments, params=dict(each)) for each in settings), key=seconds)


def _tensorlogic() -> Iterator[Headline]:
    row = partial(Headline, TENSORLOGIC)
    a, b, x = normal("float32", 1000, 1000), normal("float32", 1000, 1000), normal("float32", 10**6)
    yield row("matmul 1000x1000 < 10 ms", partial(kernels.matmul, a, b), seconds=10e-3, one_liner=lambda: a @ b)
    yield row("elementwise 1e6 < 1 ms (exp)", partial(kernels.exp, x), seconds=1e-3, one_liner=lambda: np.exp(x))
    yield row("reduction 1e6 < 2 ms (sum)", partial(kernels.sum, x), seconds=2e-3, one_liner=lambda: np.sum(x))
    naive = partial(kernels.matmul.call, "loops", a, b)
    for name, ratio in (("dot", 20), ("blocked", 33), ("blocked_threads", 100)):
        ours = _at_its_best(kernels.matmul, name, a, b)
        yield row(f"matmul 1000x1000, {name}: {ratio} x naive", ours, naive, ratio=ratio, one_liner=lambda: a @ b)


def _numpy_rust() -> Iterator[Headline]:
    row = partial(Headline, NUMPY_RUST)
    x, large, square = normal("float64", 10**4), normal("float64", 10**7), normal("float64", 4096, 4096)
    for name in ("sin", "cos", "exp", "log", "tanh"):
        positive = np.abs(x)
        yield row(f"{name} at 1e4: 2 x", partial(getattr(kernels, name), positive),
                  partial(getattr(np, name), positive), ratio=2)  # fmt: skip
    cores = 2
    yield row(f"var at 1e7 scales with the cores: {cores * EFFICIENCY:.1f} x on {cores}", partial(kernels.var, large),
              partial(kernels.var.call, "one_pass", large), ratio=cores * EFFICIENCY,
              one_liner=lambda: np.var(large))  # fmt: skip
    transposed = partial(kernels.transpose_copy, square)
    yield row("transpose 4096x4096: 4 x", transposed, lambda: np.ascontiguousarray(square.T), ratio=4)
    out = large.copy()
    yield row("in place at 1e7: 1.5 x (relu)", lambda: kernels.relu(out, out=out), lambda: np.maximum(out, 0),
              ratio=1.5, one_liner=lambda: np.maximum(out, 0, out=out))  # fmt: skip
    million = large[: 10**6].copy()
    for name, ratio in (("median", 3), ("var", 1.5), ("std", 1.5)):
        ours = partial(getattr(kernels, name), million)
        yield row(f"{name} at 1e6: {ratio} x", ours, partial(getattr(np, name), million), ratio=ratio)
    small = normal("float64", 4, 4)
    yield row("matmul 4x4: 5 x", partial(kernels.matmul, small, small), lambda: small @ small, ratio=5)
    wave = normal("float64", 1 << 16).astype(np.complex128)
    yield row("fft of 2^16: 5 x", partial(kernels.fft, wave), lambda: np.fft.fft(wave), ratio=5)
    a = normal("float64", 512, 512)
    yield row("matmul 512x512, blocked: 2 x naive", _at_its_best(kernels.matmul, "blocked", a, a),
              partial(kernels.matmul.call, "loops", a, a), ratio=2, one_liner=lambda: a @ a)  # fmt: skip


def _homodyne() -> Iterator[Headline]:
    row = partial(Headline, HOMODYNE)
    rng = np.random.default_rng(1)
    ranges = np.array([(-10.0, 10.0), (170.0, -170.0)])
    for exponent, ratio in ((3, 2.0), (4, 4.9), (5, 10.1)):
        angles = rng.uniform(-180, 180, 10**exponent)
        yield row(f"angle filter at 1e{exponent}: {ratio} x", partial(kernels.angle_filter, angles, ranges),
                  partial(kernels.angle_filter.reference, angles, ranges), ratio=ratio)  # fmt: skip
    for exponent, ratio in ((2, 3.0), (3, 6.3), (4, 15.6)):
        x, y = rng.standard_normal((2, 10**exponent))
        yield row(f"correlation at 1e{exponent}: {ratio} x", partial(kernels.correlation, x, y),
                  lambda x=x, y=y: np.corrcoef(x, y)[0, 1], ratio=ratio)  # fmt: skip
    angles = rng.uniform(-180, 180, 10**5)
    yield row("angle filter at 1e5: 72 % less memory", partial(kernels.angle_filter, angles, ranges),
              partial(kernels.angle_filter.reference, angles, ranges), saved=0.72)  # fmt: skip
    x, y = rng.standard_normal((2, 10**5))
    yield row("correlation at 1e5: 61 % less memory", partial(kernels.correlation, x, y),
              lambda: np.corrcoef(x, y)[0, 1], saved=0.61)  # fmt: skip


def _iterated(gradient: Callable[..., Any], p: np.ndarray, start: np.ndarray, iterations: int) -> np.ndarray:
    """Gradient descent with momentum (van der Maaten & Hinton 2008, section 3.4), at a fixed rate."""
    y, step = start.copy(), np.zeros_like(start)
    for _ in range(iterations):
        step = 0.8 * step - 100 * gradient(p, y)
        y += step
    return y


def _clustered(step: Callable[..., Any], points: np.ndarray, start: np.ndarray, iterations: int) -> np.ndarray:
    centres = start
    for _ in range(iterations):
        _, centres, _ = step(points, centres)
    return centres


def _broadcast_step(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """A step of Lloyd's algorithm as it is written with broadcasting: an array of points × centres × features."""
    distances = ((points[:, None] - centres) ** 2).sum(axis=2)
    labels = distances.argmin(axis=1)
    counts = np.maximum(np.bincount(labels, minlength=len(centres)), 1)[:, None]
    sums = np.stack([np.bincount(labels, weights=column, minlength=len(centres)) for column in points.T], axis=1)
    return labels, sums / counts, distances.min(axis=1).sum()


def _eclipsera() -> Iterator[Headline]:
    row = partial(Headline, ECLIPSERA)
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((1000, 64)), rng.standard_normal((1000, 2)) * 1e-4
    p = kernels.tsne_affinities(x)
    plain = partial(_iterated, kernels.tsne_gradient.reference, p, y, 50)
    ours = partial(_iterated, kernels.tsne_gradient, p, y, 50)
    yield row("t-SNE, 1000 samples: 1.29 x (50 of 1000 iterations)", ours, plain, ratio=1.29)
    yield row("t-SNE: 44 % less memory (850 to 480 MB)", ours, plain, saved=1 - 480 / 850)
    points = rng.standard_normal((10_000, 16)) + rng.integers(0, 8, (10_000, 1))
    start = points[:16].copy()
    yield row("k-means, 10,000 samples: 1.21 x (30 of 300 iterations)",
              partial(_clustered, kernels.kmeans_step, points, start, 30),
              partial(_clustered, _broadcast_step, points, start, 30), ratio=1.21,
              one_liner=partial(_clustered, kernels.kmeans_step.reference, points, start, 30))  # fmt: skip


def _mars() -> Iterator[Headline]:
    row = partial(Headline, MARS)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((10_000, 8))
    variables = np.column_stack([rng.integers(0, 8, 32), rng.integers(-1, 8, 32)])
    basis = (x, variables, rng.standard_normal((32, 2)), rng.choice([-1, 1], (32, 2)))
    ours, plain = partial(kernels.hinge_basis_matrix, *basis), partial(kernels.hinge_basis_matrix.reference, *basis)
    yield row("basis matrix 10,000 x 32: 1.5 x", ours, plain, ratio=1.5)
    yield row("basis matrix: 30 % less memory", ours, plain, saved=0.3)
    q = np.linalg.qr(np.maximum(rng.standard_normal((10_000, 16)), 0))[0]
    response, parent = rng.standard_normal(10_000), np.maximum(rng.standard_normal(10_000), 0)
    scan = (q, response - q @ (q.T @ response), parent, x[:, 0], np.argsort(x[:, 0]))
    ours, plain = partial(kernels.candidate_rss, *scan), partial(kernels.candidate_rss.reference, *scan)
    yield row("all knots of a variable, forward pass: 1.5 x", ours, plain, ratio=1.5)
    yield row("forward pass: 30 % less memory", ours, plain, saved=0.3)


PLANS = (_tensorlogic, _numpy_rust, _homodyne, _eclipsera, _mars)
