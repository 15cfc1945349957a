"""A clustering run, plain and tuned: Lloyd's algorithm on 20,000 points with `kernels.kmeans_step`.

The same loop runs once with the NumPy reference of the step and once with the tuned kernel. Both must find the same
clusters.
"""

import time

import numpy as np

from kernels import kmeans_step

POINTS, DIMENSIONS, CLUSTERS, ITERATIONS = 20_000, 16, 16, 40


def blobs(rng):
    """Points around random centres."""
    centres = rng.uniform(-10, 10, (CLUSTERS, DIMENSIONS))
    return centres[rng.integers(CLUSTERS, size=POINTS)] + rng.standard_normal((POINTS, DIMENSIONS))


def cluster(step, points, start):
    """Lloyd's algorithm with a given step: labels, centres, and the inertia of every iteration."""
    centres, history = start, []
    for _ in range(ITERATIONS):
        labels, centres, inertia = step(points, centres)
        history.append(float(inertia))
    return labels, centres, history


def timed(step, points, start):
    began = time.perf_counter()
    result = cluster(step, points, start)
    return time.perf_counter() - began, *result


def main():
    rng = np.random.default_rng(7)
    points = blobs(rng)
    start = points[rng.choice(POINTS, CLUSTERS, replace=False)].copy()

    began = time.perf_counter()
    kmeans_step(points, start)  # the first call finds, or looks up, the winner for this size
    print(f"first call of the tuned step: {time.perf_counter() - began:.2f} s")

    plain_s, plain_labels, plain_centres, plain_history = timed(kmeans_step.reference, points, start)
    tuned_s, labels, centres, history = timed(kmeans_step, points, start)
    chosen = kmeans_step.decision(points, start)

    print(f"\n{POINTS:,} points, {DIMENSIONS} dimensions, {CLUSTERS} clusters, {ITERATIONS} iterations")
    print("inertia by iteration:", " ".join(f"{value:,.0f}" for value in history[:: ITERATIONS // 8]))
    print(f"plain NumPy   {plain_s:7.2f} s")
    print(f"tuned         {tuned_s:7.2f} s   ({chosen.variant}, from the {chosen.source})")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    print(
        f"same labels: {np.array_equal(labels, plain_labels)}; "
        f"largest difference of a centre: {np.abs(centres - plain_centres).max():.1e}, "
        f"of the inertia: {max(abs(a - b) / b for a, b in zip(history, plain_history, strict=True)):.1e} relative"
    )


if __name__ == "__main__":
    main()
