"""A chain of filters, plain and tuned: band limit, spectrum, and removal of hum from the channels of a sensor.

Each channel goes through a low-pass filter (`kernels.fir_filter`), a spectrum (`kernels.rfft`) that tells where the
hum is, and a notch in the frequency domain (`kernels.fft`, `kernels.ifft`). The chain runs once with the references and
once tuned.
"""

import time

import numpy as np

from kernels import fft, fir_filter, ifft, rfft

CHANNELS, SAMPLES, RATE = 12, 1 << 16, 8192.0  # samples a second
TAPS, BAND = 127, 400.0  # Hz
NOTCH = 4  # lines of the spectrum to either side of the hum


class Plain:
    """The references: NumPy's functions."""

    fft, fir_filter, ifft, rfft = (staticmethod(kernel.reference) for kernel in (fft, fir_filter, ifft, rfft))


class Tuned:
    """The tuned kernels under the same names."""

    fft, fir_filter, ifft, rfft = map(staticmethod, (fft, fir_filter, ifft, rfft))


def low_pass():
    """A windowed sinc (Oppenheim & Schafer 2010, Discrete-Time Signal Processing, section 7.5)."""
    t = np.arange(TAPS) - TAPS // 2
    weights = np.sinc(2 * BAND / RATE * t) * np.hamming(TAPS)
    return weights / weights.sum()


def channel(rng, hum):
    """A slow signal, hum, and noise; and the slow signal alone."""
    t = np.arange(SAMPLES) / RATE
    slow = np.sin(2 * np.pi * 3 * t + rng.uniform(0, 6)) + 0.5 * np.sin(2 * np.pi * 7.5 * t)
    return slow + 0.8 * np.sin(2 * np.pi * hum * t) + 0.3 * rng.standard_normal(SAMPLES), slow


def clean(signal, weights, use):
    """The signal without what is above the band and without its hum, and the frequency of that."""
    smooth = use.fir_filter(weights, signal)
    spectrum = np.abs(use.rfft(smooth))
    lowest = int(40 * SAMPLES / RATE)  # hum is looked for from 40 Hz on
    line = lowest + int(np.argmax(spectrum[lowest:]))
    transformed = use.fft(smooth)
    for centre in (line, SAMPLES - line):
        transformed[centre - NOTCH : centre + NOTCH + 1] = 0
    return np.ascontiguousarray(use.ifft(transformed).real), line * RATE / SAMPLES


def timed(signals, weights, use):
    began = time.perf_counter()
    results = [clean(signal, weights, use) for signal in signals]
    return time.perf_counter() - began, results


def main():
    rng, weights = np.random.default_rng(8), low_pass()
    channels = [channel(rng, hum) for hum in np.linspace(48, 62, CHANNELS)]
    signals = [signal for signal, _ in channels]
    calls = [
        (fir_filter, (weights, signals[0])),
        (rfft, (signals[0],)),
        (fft, (signals[0],)),
        (ifft, (np.fft.fft(signals[0]),)),
    ]
    began = time.perf_counter()
    for kernel, arguments in calls:
        if kernel.decision(*arguments).source == "none":
            kernel.tune(*arguments, budget=20)
    clean(signals[0], weights, Tuned)
    print(f"tuning, or looking up what was tuned: {time.perf_counter() - began:.2f} s")

    plain_s, plain = timed(signals, weights, Plain)
    tuned_s, tuned = timed(signals, weights, Tuned)

    delay = TAPS // 2
    errors = [np.std((found[2 * delay :] - slow[delay:-delay])[SAMPLES // 8 : -SAMPLES // 8])
              for (found, _), (_, slow) in zip(tuned, channels, strict=True)]  # fmt: skip
    print(f"\n{CHANNELS} channels of {SAMPLES:,} samples, {TAPS} weights")
    print("hum found at " + ", ".join(f"{hum:.1f}" for _, hum in tuned) + " Hz")
    print(f"plain NumPy   {plain_s / CHANNELS * 1e3:7.2f} ms a channel")
    print(f"tuned         {tuned_s / CHANNELS * 1e3:7.2f} ms a channel")
    print(f"speed-up      {plain_s / tuned_s:7.1f} x")
    worst = max(np.abs(a - b).max() for (a, _), (b, _) in zip(plain, tuned, strict=True))
    print(f"largest difference of a sample: {worst:.1e}; left beside the signal: {max(errors):.3f}")
    print("\nwhat served:")
    for kernel, arguments in calls:
        chosen = kernel.decision(*arguments)
        print(f"  {kernel.__name__:12} {chosen.variant:20} ({chosen.source})")


if __name__ == "__main__":
    main()
