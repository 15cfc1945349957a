"""A Gaussian mixture fitted to 10,000 points, plain and tuned, by expectation and maximisation.

The same loop runs once with the NumPy reference of the expectation step and once with `kernels.gmm_responsibilities`.
The maximisation step is the same in both: three matrix products.
"""

import time

import numpy as np

from kernels import gmm_responsibilities

POINTS, DIMENSIONS, COMPONENTS, ITERATIONS = 10_000, 16, 16, 40


def blobs(rng):
    """Points about random places, wider in some directions than in others."""
    places = rng.uniform(-10, 10, (COMPONENTS, DIMENSIONS))
    widths = rng.uniform(0.5, 2, (COMPONENTS, DIMENSIONS))
    labels = rng.integers(COMPONENTS, size=POINTS)
    return places[labels] + widths[labels] * rng.standard_normal((POINTS, DIMENSIONS))


def fit(expect, x, means):
    """Weights, means and variances, and the mean log-density of every iteration."""
    weights, variances, history = np.full(COMPONENTS, 1 / COMPONENTS), np.full(means.shape, x.var()), []
    for _ in range(ITERATIONS):
        densities, shares = expect(x, weights, means, variances)
        history.append(densities.mean())
        counts = shares.sum(axis=0) + 1e-10
        weights, means = counts / counts.sum(), shares.T @ x / counts[:, None]
        variances = np.maximum(shares.T @ x**2 / counts[:, None] - means**2, 1e-6)
    return weights, means, variances, history


def timed(expect, x, start):
    began = time.perf_counter()
    result = fit(expect, x, start)
    return time.perf_counter() - began, *result


def main():
    rng = np.random.default_rng(7)
    x = blobs(rng)
    start = x[rng.choice(POINTS, COMPONENTS, replace=False)].copy()
    usual = np.full(COMPONENTS, 1 / COMPONENTS), start, np.full(start.shape, x.var())

    began = time.perf_counter()
    gmm_responsibilities(x, *usual)  # the first call finds, or looks up, the winner for this size
    print(f"first call of the tuned step: {time.perf_counter() - began:.2f} s")

    plain_s, _, plain_means, _, plain_history = timed(gmm_responsibilities.reference, x, start)
    tuned_s, _, means, _, history = timed(gmm_responsibilities, x, start)
    chosen = gmm_responsibilities.decision(x, *usual)

    print(f"\n{POINTS:,} points, {DIMENSIONS} dimensions, {COMPONENTS} components, {ITERATIONS} iterations")
    print("mean log-density by iteration:", " ".join(f"{value:.2f}" for value in history[:: ITERATIONS // 8]))
    print(f"plain NumPy   {plain_s:7.2f} s")
    print(f"tuned         {tuned_s:7.2f} s   ({chosen.variant}, from the {chosen.source})")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    print(
        f"largest difference of a mean: {np.abs(means - plain_means).max():.1e}, "
        f"of the log-density: {max(abs(a - b) for a, b in zip(history, plain_history, strict=True)):.1e}"
    )


if __name__ == "__main__":
    main()
