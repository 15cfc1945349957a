"""Discrete Fourier transforms: the variants that fft, ifft and rfft share.

NumPy transforms real numbers as complex ones, and float32 with a detour; SciPy does neither. Both spend five
microseconds on the way to the first number, which a compiled transform does not. The error of every element is in
proportion to the norm of the result (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 24.1):
what is nearly zero, or the sign of a zero, means nothing.
"""

from functools import lru_cache

import numpy as np

from autotune import Choice, Range, tunable, workspace
from kernels.spectral import four_steps
from kernels.spectral.radix4 import of_complex, of_real, of_real_rows, sound, tables

# By character of the type: those of its parts and of its transform.
_PART = {"f": "f", "d": "d", "F": "f", "D": "d"}
_RESULT = {"f": "F", "d": "D", "F": "F", "D": "D"}


@lru_cache(maxsize=1)
def _scipy_fft():
    from scipy import fft

    return fft


_MOST = 1 << 20  # numbers in all rows


def _signal(rng, dtype, twos, factor, rows=None):
    """A signal, or one in each of some rows; its length is a power of two, for odd factors times that."""
    odd = factor if factor % 2 else 1
    room = max(1, _MOST // (odd * (rows or 1)))
    n = odd * min(2 ** round(np.log2(max(twos, 1))), 1 << (room.bit_length() - 1))
    shape = n if rows is None else (rows, n)
    signal = rng.standard_normal(shape)
    return ((signal + 1j * rng.standard_normal(shape) if dtype.startswith("complex") else signal).astype(dtype),)


def declare(function, *dtypes):
    """A kernel of one of NumPy's transforms."""
    types = Choice(*dtypes)
    return tunable(
        function,
        size={
            "power": "a.shape[-1] & -a.shape[-1]",
            "odd": "a.shape[-1] // max(1, a.shape[-1] & -a.shape[-1])",
            "rows": "a.size // max(1, a.shape[-1])",
        },
        inputs=_signal,
        calibrate=(
            {"twos": Range(2, 1 << 16), "factor": Range(1, 1000), "dtype": types},
            {"twos": Range(2, 1 << 12), "factor": Range(1, 30), "rows": Range(2, 1000), "dtype": types},
        ),
        tolerance=(16.0, "log2(n) roundings of the norm: Higham 2002, theorem 24.2", "norm"),
    )


def _length(kind, n):
    return n // 2 + 1 if kind == "rfft" else n


def add_variants(kernel, kind, chars):
    """Give a kernel its variants; `kind` is the name of NumPy's and SciPy's function, `chars` the types it takes."""
    reference = kernel.reference
    inverse = kind == "ifft"
    contiguous = f"a.ndim > 0 and a.dtype.char in {chars!r} and a.flags.c_contiguous"

    @kernel.variant(kind="vectorized", when=f"{contiguous} and a.ndim == 1")
    def radix4(a):
        """One signal of 2^k numbers in compiled code, without the way through NumPy; any other goes to NumPy."""
        n = a.size
        char = a.dtype.char
        if n < 2 or n & (n - 1):
            return reference(a)
        out = np.empty(_length(kind, n), _RESULT[char])
        if char in "FD":
            cosines, sines, _, _ = tables(n, _PART[char])
            done = of_complex(a, out, np.empty((4, n), _PART[char]), cosines, sines, inverse)
        else:
            done = of_real(a, out, np.empty((4, n // 2), char), tables(n // 2, char), inverse)
        return out if done else reference(a)

    def in_four_steps(core, a, parts):
        n, part = a.size, _PART[a.dtype.char]
        if n < four_steps.SHORTEST or n & (n - 1):
            return radix4(a)
        out, (room, between) = np.empty(n, a.dtype), four_steps.scratch(n, parts)
        work, middle = workspace.take(room, part), workspace.take(between, part)
        done = core(a, out, work, middle, four_steps.roots(n, part), inverse)
        workspace.give(work)
        workspace.give(middle)
        return out if done else reference(a)

    if kind != "rfft":
        of_complex_numbers = f"{contiguous} and a.ndim == 1 and a.dtype.char in 'FD'"

        @kernel.variant(kind="blocked", when=of_complex_numbers)
        def columns_and_rows(a):
            """One signal of 2^k numbers as a matrix, to and from memory twice; a shorter or other one as `radix4`."""
            return in_four_steps(four_steps.one_by_one, a, 1)

        @kernel.variant(kind="parallel", when=of_complex_numbers, params={"parts": Choice(2, 8)}, threads=True)
        def columns_and_rows_on_threads(a, *, parts):
            """The same, columns and then rows in `parts` on all cores: always the same bits."""
            return in_four_steps(four_steps.on_threads, a, parts)

    of_many_real = f"{contiguous} and a.ndim > 1 and a.dtype.char in 'fd'"

    @kernel.variant(kind="parallel", when=of_many_real, params={"parts": Choice(2, 8)}, threads=True)
    def rows_on_threads(a, *, parts):
        """Real signals of 2^k numbers each as `radix4`, in `parts` on all cores; any other go to NumPy."""
        n, char = a.shape[-1], a.dtype.char
        if n < 2 or n & (n - 1) or not a.size:
            return reference(a)
        out = np.empty((a.size // n, _length(kind, n)), _RESULT[char])
        work = workspace.take((parts, 4, n // 2), char)
        done = of_real_rows(a.reshape(-1, n), out, work, tables(n // 2, char), inverse)
        workspace.give(work)
        return out.reshape(*a.shape[:-1], -1) if done else reference(a)

    @kernel.variant(kind="library", when=contiguous, requires=("scipy",))
    def scipy(a):
        """SciPy's transform: real numbers take half of the steps, and float32 is no detour."""
        return getattr(_scipy_fft(), kind)(a) if a.size and sound(a) else reference(a)

    @kernel.variant(
        kind="library",
        when=f"{contiguous} and a.ndim > 1",
        requires=("scipy",),
        params={"workers": Choice(2, 4, 8)},
        threads=True,
    )
    def scipy_threads(a, *, workers):
        """SciPy's transforms of many signals, shared out among some threads."""
        return getattr(_scipy_fft(), kind)(a, workers=workers) if a.size and sound(a) else reference(a)
