"""A fit over many angles, plain and tuned: the direction of a flow from scattering patterns, by least chi-squared.

Each pattern is an intensity at many angles, with an uncertainty each. Of these, `kernels.angle_filter` keeps two
opposite sectors; a grid of models, finer from round to round, is compared with them by `kernels.chi_squared`, and
computed with `kernels.cos`. The patterns are fitted once with the references and once tuned.
"""

import time

import numpy as np

from kernels import angle_filter, chi_squared, cos

PATTERNS, ANGLES, ROUNDS = 12, 20_000, 4
DIRECTIONS, CONTRASTS = 9, 9  # models in a grid
SECTORS = np.array([(-60.0, 60.0), (120.0, 240.0)])  # degrees; the rest is hidden behind the beam stop


class Plain:
    """The references: plain NumPy."""

    angle_filter, chi_squared, cos = (staticmethod(kernel.reference) for kernel in (angle_filter, chi_squared, cos))


class Tuned:
    """The tuned kernels under the same names."""

    angle_filter, chi_squared, cos = map(staticmethod, (angle_filter, chi_squared, cos))


def patterns(rng):
    """Angles, intensities, uncertainties, and the direction and contrast behind each pattern."""
    for _ in range(PATTERNS):
        angles, sigma = rng.uniform(-180, 180, ANGLES), rng.uniform(0.2, 0.6, ANGLES)
        direction, contrast = rng.uniform(-40, 40), rng.uniform(0.1, 0.5)
        intensity = 1 + contrast * np.cos(2 * np.radians(angles - direction))
        yield angles, intensity + sigma * rng.standard_normal(ANGLES), sigma, (direction, contrast)


def models(angles, directions, contrasts, use):
    """1 + contrast·cos(2(angle - direction)) for each pair, (directions · contrasts) by angles."""
    waves = use.cos(np.radians(2 * (angles - directions[:, None])))
    return (1 + contrasts[:, None] * waves[:, None, :]).reshape(-1, angles.size)


def fit(angles, observed, sigma, use):
    """Direction, contrast and chi-squared of the best model of the finest grid."""
    kept = use.angle_filter(angles, SECTORS)
    angles, observed, sigma = angles[kept], observed[kept], sigma[kept]
    centre, width = np.array([0.0, 0.35]), np.array([50.0, 0.35])
    for _ in range(ROUNDS):
        directions, contrasts = (np.linspace(c - w, c + w, count) for c, w, count in
                                 zip(centre, width, (DIRECTIONS, CONTRASTS), strict=True))  # fmt: skip
        values = use.chi_squared(observed, models(angles, directions, contrasts, use), sigma)
        best = int(np.argmin(values))
        centre = np.array([directions[best // CONTRASTS], contrasts[best % CONTRASTS]])
        width = width / 4
    return *centre, float(values[best]), kept.size


def timed(data, use):
    began = time.perf_counter()
    results = [fit(*given, use) for *given, _ in data]
    return time.perf_counter() - began, np.array(results)


def main():
    data = list(patterns(np.random.default_rng(4)))
    angles, observed, sigma, _ = data[0]
    kept = angle_filter.reference(angles, SECTORS)
    angle = angles[kept]
    grid = models(angle, np.linspace(-50, 50, DIRECTIONS), np.linspace(0, 0.7, CONTRASTS), Plain)
    calls = [
        (angle_filter, (angles, SECTORS)),
        (cos, (np.radians(2 * (angle - np.linspace(-50, 50, DIRECTIONS)[:, None])),)),
        (chi_squared, (observed[kept], grid, sigma[kept])),
    ]
    began = time.perf_counter()
    for kernel, arguments in calls:
        if kernel.decision(*arguments).source == "none":
            kernel.tune(*arguments, budget=20)
    fit(angles, observed, sigma, Tuned)
    print(f"tuning, or looking up what was tuned: {time.perf_counter() - began:.2f} s")

    plain_s, plain = timed(data, Plain)
    tuned_s, tuned = timed(data, Tuned)

    print(f"\n{PATTERNS} patterns of {ANGLES:,} angles, {ROUNDS} rounds of {DIRECTIONS * CONTRASTS} models each")
    print("direction  found   contrast  found   chi-squared of each angle")
    for (*_, (direction, contrast)), row in list(zip(data, tuned, strict=True))[:4]:
        print(f"{direction:9.2f} {row[0]:6.2f} {contrast:10.3f} {row[1]:6.3f} {row[2] / row[3]:12.3f}")
    print(f"plain NumPy   {plain_s:7.3f} s")
    print(f"tuned         {tuned_s:7.3f} s")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    print(f"largest difference of a parameter: {np.abs(tuned - plain)[:, :2].max():.1e}; "
          f"of chi-squared: {(np.abs(tuned - plain)[:, 2] / plain[:, 2]).max():.1e} relative")  # fmt: skip
    print("\nwhat served:")
    for kernel, arguments in calls:
        chosen = kernel.decision(*arguments)
        print(f"  {kernel.__name__:15} {chosen.variant:20} ({chosen.source})")


if __name__ == "__main__":
    main()
