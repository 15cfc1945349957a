"""Signals: every length beside every other, blocks of every kind, transforms that are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.kernels.books import variants_of
from tests.kernels.calls import Call, taken, wider_than

LENGTHS = (*range(1, 12), 15, 16, 17, 24, 25, 33)


@pytest.mark.parametrize(("tuned", "variant", "dtype"), variants_of("convolve", "fir_filter", "autocorrelation"))
def test_sums_of_whole_numbers_are_exact_for_all_lengths(tuned, variant, dtype):
    """Eight weights at a time, fewer at the ends of the signal and of the weights."""
    rng = np.random.default_rng(0)
    modes = ({"mode": "full"}, {"mode": "same"}, {"mode": "valid"}) if tuned.__name__ == "convolve" else ({},)
    arguments = 1 if tuned.__name__ == "autocorrelation" else 2

    for sizes in itertools.product(LENGTHS, repeat=arguments):
        signals = [rng.integers(-4, 5, size).astype(dtype) for size in sizes]
        for kwargs in modes:
            found = tuned.call(variant.name, *signals, **kwargs)
            exact = np.round(found) if variant.numerics == "approximate" else found

            np.testing.assert_array_equal(exact, tuned.reference(*signals, **kwargs), strict=True)


BLOCKED = [param for param in variants_of("convolve") if "block" in dict(param.values[1].space.default)]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), BLOCKED)
def test_where_blocks_begin_changes_no_bit(tuned, variant, dtype):
    rng = np.random.default_rng(0)
    x, h = (rng.standard_normal(n).astype(dtype) for n in (200, 21))
    whole = variant.function(x, h, block=1024)

    for block in (1, 3, 8, 50):
        assert variant.function(x, h, block=block).tobytes() == whole.tobytes()


TRANSFORMS = variants_of("fft", "ifft", "rfft")


@pytest.mark.parametrize(("tuned", "variant", "dtype"), TRANSFORMS)
def test_transforms_are_accurate_for_every_power_of_two(tuned, variant, dtype):
    wider = wider_than(dtype)
    rng = np.random.default_rng(0)
    for exponent in range(16):
        signal = rng.standard_normal(2**exponent).astype(dtype)
        whole = signal + 1j * rng.standard_normal(2**exponent).astype(dtype)
        given = (signal, np.stack([signal, -signal]), *(() if tuned.__name__ == "rfft" else (whole,)))
        for (x,) in (call.args for call in taken(tuned, variant, [Call((x,)) for x in given])):
            found = tuned.call(variant.name, x)

            true = tuned.reference(x.astype(np.result_type(wider, x)))
            assert found.dtype == tuned.reference(x).dtype
            assert np.abs(found - true).max() <= 4 * np.finfo(dtype).eps * np.abs(true).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wave_has_one_frequency_and_comes_back(dtype):
    waves = np.exp(2j * np.pi * 5 * np.arange(64) / 64).astype(f"c{2 * np.dtype(dtype).itemsize}")
    line = np.eye(64)[5] * 64

    for tuned, variant, precision in (param.values for param in TRANSFORMS):
        if precision == dtype:
            x, expected = {
                "fft": (waves, line), "ifft": (waves.conj(), line / 64), "rfft": (waves.real.copy(), line[:33] / 2)
            }[tuned.__name__]  # fmt: skip
            for call in taken(tuned, variant, [Call((x,)), Call((np.stack([x, x]),))]):
                found = tuned.call(variant.name, *call.args)

                np.testing.assert_allclose(
                    found, np.broadcast_to(expected, found.shape), atol=64 * 64 * np.finfo(dtype).eps
                )
