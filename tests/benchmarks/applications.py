"""The work of some example applications, as programs of their own: ``python -m tests.benchmarks.applications mars``.

The examples themselves run everything twice, plain and tuned, and ask for tuning before; these programs only do the
work, over and over, as somebody would write them who only wants results. The last line tells the seconds of the work
and a sum of its results.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def mars() -> Callable[[], float]:
    """Three fits of a spline regression, and predictions."""
    import mars as example

    rng = np.random.default_rng(11)
    x, y = example.samples(rng, example.SAMPLES)
    new, _ = example.samples(rng, example.NEW_SAMPLES)

    def work() -> float:
        runs = [example.run(example.candidate_rss, example.hinge_basis_matrix, x, y, new) for _ in range(3)]
        return float(runs[-1][2].sum())

    return work


def image_pipeline() -> Callable[[], float]:
    """Five times eight photographs."""
    import image_pipeline as example

    rng = np.random.default_rng(3)
    images = [example.photograph(rng) for _ in range(example.FRAMES)]
    return lambda: sum(example.process(image, example.Tuned)[3] for _ in range(5) for image in images)


def filter_chain() -> Callable[[], float]:
    """Thirty times twelve channels."""
    import filter_chain as example

    rng, weights = np.random.default_rng(8), example.low_pass()
    signals = [example.channel(rng, hum)[0] for hum in np.linspace(48, 62, example.CHANNELS)]

    def work() -> float:
        cleaned = [example.clean(signal, weights, example.Tuned) for _ in range(30) for signal in signals]
        return float(sum(signal.std() for signal, _ in cleaned))

    return work


def gaussian_mixture() -> Callable[[], float]:
    """Forty iterations on 10,000 points."""
    import gaussian_mixture as example

    rng = np.random.default_rng(7)
    x = example.blobs(rng)
    start = x[rng.choice(example.POINTS, example.COMPONENTS, replace=False)].copy()
    return lambda: float(example.fit(example.gmm_responsibilities, x, start)[3][-1])


def angular_fit() -> Callable[[], float]:
    """Four times twelve patterns."""
    import angular_fit as example

    data = list(example.patterns(np.random.default_rng(4)))
    return lambda: float(sum(example.fit(*given, example.Tuned)[2] for _ in range(4) for *given, _ in data))


#: By name; they run for some seconds with the references.
APPLICATIONS = {made.__name__: made for made in (mars, image_pipeline, filter_chain, gaussian_mixture, angular_fit)}


def main(name: str) -> None:
    sys.path.insert(0, str(EXAMPLES))
    work = APPLICATIONS[name]()
    began = time.perf_counter()
    result = work()
    print(f"{time.perf_counter() - began:.4f} {result:.6g}")


if __name__ == "__main__":
    main(sys.argv[1])
