"""t-SNE of 1,000 handwritten digits, plain and tuned: `kernels.tsne_affinities` and `kernels.tsne_gradient`.

The digits are those of scikit-learn, or noisy blobs of the same shape where that is not installed. The same descent
(van der Maaten 2008: momentum, gains, early exaggeration) runs once with the NumPy references and once with the tuned
kernels. The number of iterations is an argument, 1,000 by default; the memory that each needs is measured in a short
run of its own. A descent is chaotic: rounding errors double every few steps. So places are compared early, and at the
end what the descent is for: the divergence, and whether neighbours are alike.
"""

import sys
import time
import tracemalloc

import numpy as np

from kernels import tsne_affinities, tsne_gradient

POINTS, ITERATIONS, PERPLEXITY = 1000, 1000, 30.0
#: Learning rate, steps of exaggeration, its factor, and momentum in and after these, as usual implementations have.
RATE, EARLY, EXAGGERATION, MOMENTUM = 200.0, 250, 12.0, (0.5, 0.8)
COMPARED = 25


def digits(rng):
    """Images as rows, and what they show."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        labels = rng.integers(10, size=POINTS)
        return 16 * (rng.random((10, 64))[labels] + 0.15 * rng.standard_normal((POINTS, 64))), labels
    images, labels = load_digits(return_X_y=True)
    return images[:POINTS].copy(), labels[:POINTS]


def embed(affinities, gradient, x, iterations):
    """Places in the plane after so many steps, after the first few, and the affinities that they follow."""
    p = affinities(x, PERPLEXITY)
    exaggerated = p * EXAGGERATION
    y = 1e-4 * np.random.default_rng(0).standard_normal((len(x), 2))
    velocity, gains, early = np.zeros_like(y), np.ones_like(y), y
    for step in range(iterations):
        slope = gradient(exaggerated if step < EARLY else p, y)
        gains = np.maximum(np.where(slope * velocity < 0, gains + 0.2, gains * 0.8), 0.01)
        velocity = MOMENTUM[step >= EARLY] * velocity - RATE * gains * slope
        y = y + velocity
        early = y if step < COMPARED else early
    return y, early, p


def divergence(p, y):
    """Kullback-Leibler divergence of the embedding from the affinities."""
    kernel = 1 / (1 + ((y[:, None] - y) ** 2).sum(axis=2))
    np.fill_diagonal(kernel, 0)
    pairs = p > 0
    return (p[pairs] * np.log(p[pairs] / (kernel / kernel.sum())[pairs])).sum()


def alike(y, labels):
    """How many have a nearest neighbour of their own kind."""
    squares = ((y[:, None] - y) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    return (labels[squares.argmin(axis=1)] == labels).mean()


def timed(affinities, gradient, x, iterations):
    began = time.perf_counter()
    result = embed(affinities, gradient, x, iterations)
    return time.perf_counter() - began, *result


def peak_bytes(affinities, gradient, x):
    tracemalloc.start()
    embed(affinities, gradient, x, 2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def main():
    iterations = int(sys.argv[1]) if len(sys.argv) > 1 else ITERATIONS
    x, labels = digits(np.random.default_rng(7))

    began = time.perf_counter()
    embed(tsne_affinities, tsne_gradient, x, 1)  # the first calls find, or look up, the winners
    print(f"first calls of the tuned kernels: {time.perf_counter() - began:.2f} s")

    plain = tsne_affinities.reference, tsne_gradient.reference
    tuned = tsne_affinities, tsne_gradient
    plain_s, plain_y, plain_early, p = timed(*plain, x, iterations)
    tuned_s, y, early, _ = timed(*tuned, x, iterations)
    chosen = tsne_gradient.decision(p, y)

    print(f"\n{len(x):,} digits, {iterations:,} iterations")
    print(f"plain NumPy   {plain_s:7.2f} s   peak memory {peak_bytes(*plain, x) / 1e6:6.1f} MB")
    print(f"tuned         {tuned_s:7.2f} s   peak memory {peak_bytes(*tuned, x) / 1e6:6.1f} MB"
          f"   ({chosen.variant}, from the {chosen.source})")  # fmt: skip
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    print(
        f"divergence {divergence(p, plain_y):.4f} and {divergence(p, y):.4f}; "
        f"nearest neighbours alike {alike(plain_y, labels):.1%} and {alike(y, labels):.1%}"
    )
    print(
        f"largest difference of a place after {min(iterations, COMPARED)} iterations: "
        f"{np.abs(early - plain_early).max() / np.abs(plain_early).max():.1e} of the embedding's size"
    )


if __name__ == "__main__":
    main()
