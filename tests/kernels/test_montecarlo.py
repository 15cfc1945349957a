"""Monte-Carlo methods: streams that others know, and estimates that are right within their errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kernels.montecarlo.stream import draws
from tests.kernels.books import KERNELS

PI = KERNELS["pi_estimate"]


def test_the_stream_is_splitmix64():
    """Numbers that other implementations give: rosettacode.org, Pseudo-random numbers/Splitmix64."""
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]

    assert draws(np.uint64(1234567), 0, 5).tolist() == expected
    assert draws(np.uint64(1234567), 3, 2).tolist() == expected[3:]


@pytest.mark.parametrize("variant", PI.variants)
def test_every_setting_counts_the_same_points(variant):
    n = 300_007

    for setting in PI.variants[variant].space:
        for seed in (0, 1, 2**63, 2**64 - 1):
            assert PI.call(variant, n, seed, params=dict(setting)) == PI.reference(n, seed)


def test_estimates_of_pi_err_as_much_as_their_documentation_says():
    n, seeds = 10_000, 400
    errors = [(PI.call("in_registers", n, seed) - math.pi) / (1.64 / math.sqrt(n)) for seed in range(seeds)]

    assert abs(np.mean(errors)) < 4 / math.sqrt(seeds)
    assert abs(np.std(errors) - 1) < 4 / math.sqrt(2 * seeds)
