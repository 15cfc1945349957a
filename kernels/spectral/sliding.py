"""Sliding sums of products: the loop that convolutions, filters and correlations against lags share.

All compute ``out[k] = sum(weights[j] * x[k + j - shift] for all j with k + j - shift in x)``. Eight weights at a time
meet a block of outputs in vector lanes, which stays in cache; x is neither padded nor copied. Each sum adds its terms
in one order, wherever blocks begin: the same bits for any block and any number of threads. Where a result is not finite
the caller asks NumPy, because places that x does not have are left out here and are zeros there.

Knows nothing of what the sums mean.
"""

import numpy as np

from autotune import Choice, jitable, prange
from kernels.floats import FUSED

# Outputs that stay in cache while all weights meet them: a third of L1, or a part of L2 with fewer changes of loops.
BLOCKS = Choice(1024, 4096)

# For the gate of kernels of which one variant goes by transforms; what the others do is in proportion to each sum.
TOLERANCE = (64.0, "sums of up to 10^4 terms, rounding errors as a random walk: Higham 2002, section 4.2", "norm")


@jitable(fastmath=FUSED)
def _add_eight(x, weights, j, shift, out, first, last):
    """Add the terms j to j + 7 to the outputs first:last, for which x has all of them."""
    target = out[first:last]
    start, stop = first + j - shift, last + j - shift
    w_0, w_1, w_2, w_3 = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
    w_4, w_5, w_6, w_7 = weights[j + 4], weights[j + 5], weights[j + 6], weights[j + 7]
    x_0, x_1, x_2, x_3 = x[start:stop], x[start + 1 : stop + 1], x[start + 2 : stop + 2], x[start + 3 : stop + 3]
    x_4, x_5 = x[start + 4 : stop + 4], x[start + 5 : stop + 5]
    x_6, x_7 = x[start + 6 : stop + 6], x[start + 7 : stop + 7]
    for k in range(target.size):
        left = (w_0 * x_0[k] + w_1 * x_1[k]) + (w_2 * x_2[k] + w_3 * x_3[k])
        right = (w_4 * x_4[k] + w_5 * x_5[k]) + (w_6 * x_6[k] + w_7 * x_7[k])
        target[k] += left + right


@jitable(fastmath=FUSED)
def _add_single(x, weights, first_term, last_term, shift, out, first, last):
    """Add some terms to the outputs first:last, as far as x has them."""
    for j in range(first_term, last_term):
        begin, end = max(first, shift - j), min(last, x.size + shift - j)
        if begin < end:
            weight, source, target = weights[j], x[begin + j - shift : end + j - shift], out[begin:end]
            for k in range(target.size):
                target[k] += weight * source[k]


@jitable
def _sums(x, weights, shift, out, first, last):
    out[first:last] = 0
    # terms before and behind these have no place in x for any of the outputs
    first_term = max(0, shift - last + 1) // 8 * 8
    last_term = min(weights.size, x.size + shift - first)
    j = first_term
    while j + 8 <= weights.size and j < last_term:
        begin = min(max(first, shift - j), last)
        end = max(min(last, x.size - 7 + shift - j), begin)
        _add_single(x, weights, j, j + 8, shift, out, first, begin)
        _add_eight(x, weights, j, shift, out, begin, end)
        _add_single(x, weights, j, j + 8, shift, out, end, last)
        j += 8
    _add_single(x, weights, j, last_term, shift, out, first, last)


@jitable
def _block(x, weights, shift, out, first, last):
    """Fill out[first:last]; whether all of it is finite."""
    _sums(x, weights, shift, out, first, last)
    finite = True
    for k in range(first, last):
        out[k] += out.dtype.type(0)  # no -0.0, which a fused product that underflows leaves behind
        finite &= abs(out[k]) < np.inf
    return finite


@jitable
def by_blocks(x, weights, shift, out, block):
    """Fill out, `block` elements at a time; whether all of it is finite."""
    finite = True
    for first in range(0, out.size, block):
        finite &= _block(x, weights, shift, out, first, min(first + block, out.size))
    return finite


@jitable(parallel=True)
def on_threads(x, weights, shift, out, block):
    """Fill out, `block` elements a task on all cores; whether all of it is finite."""
    count = (out.size + block - 1) // block
    failed = 0
    for i in prange(count):
        b = i // 2 if i % 2 == 0 else count - 1 - i // 2  # those at the ends may have fewer terms: one of each in turn
        failed += not _block(x, weights, shift, out, b * block, min((b + 1) * block, out.size))
    return failed == 0


def by_transforms(x, weights, shift, out):
    """Fill out; whether all of it is finite, and nothing was lost below the normal numbers."""
    from scipy import fft

    smallest = np.sqrt(np.finfo(x.dtype).tiny)
    if not min(np.abs(x).max(), np.abs(weights).max()) > smallest:
        return False
    length = fft.next_fast_len(x.size + weights.size - 1, real=True)
    before = min(shift, out.size)
    with np.errstate(all="ignore"):
        spectrum = fft.rfft(x, length)
        spectrum *= np.conj(fft.rfft(weights, length))
        cyclic = fft.irfft(spectrum, length)  # element k is the sum that begins k places behind the first of x
        out[:before] = cyclic[length - shift : length - shift + before]
        out[before:] = cyclic[: out.size - before]
    return bool(np.isfinite(out).all())


def reversed_copy(weights):
    """Weights from last to first, contiguous."""
    return np.ascontiguousarray(weights[::-1])
