"""The discrete Fourier transform of 2^k numbers: radix 4, in the order of Stockham, without bit reversal.

Every stage reads four stretches of one array and writes four of another, in vector lanes; real and imaginary parts are
kept apart (Van Loan 1992, Computational Frameworks for the Fast Fourier Transform, section 1.7). A real signal is the
real and imaginary part, by turns, of a complex one of half the length, whose transform is untangled (ibid., section
4.3.1). The inverse goes with exchanged parts.

Knows nothing of NumPy's functions. All functions tell whether the result can be trusted (`sound`).
"""

from functools import lru_cache

import numpy as np

from autotune import jitable, prange
from kernels.floats import ANY_ORDER, FUSED


@jitable(fastmath=ANY_ORDER)
def sound(x, parts=1):
    """Whether a transform can neither overflow nor underflow: then NumPy's would report nothing. Or whether x may be
    one of so many parts of such numbers.

    No intermediate result is larger than the sum of all magnitudes. One that is not zero is a multiple of the last
    place of the smallest element, times products of roots of unity, of which the smallest is about eps.
    """
    limits = np.finfo(x.real.dtype)
    smallest = np.sqrt(limits.tiny)
    total = x.real.dtype.type(0)
    small = False
    flat = x.reshape(x.size)
    for i in range(flat.size):
        real, imaginary = abs(flat[i].real), abs(flat[i].imag)
        total += real + imaginary
        small |= ((real < smallest) & (real != 0)) | ((imaginary < smallest) & (imaginary != 0))
    return (total < limits.max / 4 / parts) & (not small)


# ---- tables ----


@lru_cache(maxsize=64)
def tables(n, char):
    """Roots of unity for the stages of a transform of n numbers, stage by stage, and for untangling 2·n real ones."""
    stages = [np.zeros(0, np.intp)]
    length = n
    while length >= 4:
        stages.append((np.arange(length // 4)[:, None] * [1, 2, 3]).ravel() * (n // length))
        length //= 4
    angles = -2 * np.pi / n * np.concatenate(stages)
    untangling = -np.pi / n * np.arange(n)
    return tuple(function(angle).astype(char) for angle in (angles, untangling) for function in (np.cos, np.sin))


# ---- stages: from parts (x_r, x_i) to parts (y_r, y_i) ----


@jitable(fastmath=FUSED, forceinline=True)
def butterfly(a_r, a_i, b_r, b_i, c_r, c_i, d_r, d_i):
    """The transform of four numbers."""
    ac_r, ac_i, bd_r, bd_i = a_r + c_r, a_i + c_i, b_r + d_r, b_i + d_i
    s_r, s_i, t_r, t_i = a_r - c_r, a_i - c_i, b_i - d_i, d_r - b_r
    return ac_r + bd_r, ac_i + bd_i, s_r + t_r, s_i + t_i, ac_r - bd_r, ac_i - bd_i, s_r - t_r, s_i - t_i


@jitable(fastmath=FUSED, forceinline=True)
def turned(real, imaginary, cosine, sine):
    return real * cosine - imaginary * sine, real * sine + imaginary * cosine


@jitable(fastmath=FUSED)
def _first_stage(x_r, x_i, y_r, y_i, cosines, sines):
    m = x_r.size // 4
    for p in range(m):
        e_r, e_i, f_r, f_i, g_r, g_i, h_r, h_i = butterfly(
            x_r[p], x_i[p], x_r[p + m], x_i[p + m], x_r[p + 2 * m], x_i[p + 2 * m], x_r[p + 3 * m], x_i[p + 3 * m]
        )
        y_r[4 * p], y_i[4 * p] = e_r, e_i
        y_r[4 * p + 1], y_i[4 * p + 1] = turned(f_r, f_i, cosines[3 * p], sines[3 * p])
        y_r[4 * p + 2], y_i[4 * p + 2] = turned(g_r, g_i, cosines[3 * p + 1], sines[3 * p + 1])
        y_r[4 * p + 3], y_i[4 * p + 3] = turned(h_r, h_i, cosines[3 * p + 2], sines[3 * p + 2])


@jitable(forceinline=True)
def _four_stretches(real, imaginary, first, step, length):
    """Four stretches of both parts, `step` stretches apart."""
    a, b = slice(first * length, (first + 1) * length), slice((first + step) * length, (first + step + 1) * length)
    third, fourth = first + 2 * step, first + 3 * step
    c, d = slice(third * length, (third + 1) * length), slice(fourth * length, (fourth + 1) * length)
    return real[a], imaginary[a], real[b], imaginary[b], real[c], imaginary[c], real[d], imaginary[d]


@jitable(fastmath=FUSED)
def _stage(x_r, x_i, y_r, y_i, stride, cosines, sines):
    m = x_r.size // (4 * stride)
    for p in range(m):
        a_r, a_i, b_r, b_i, c_r, c_i, d_r, d_i = _four_stretches(x_r, x_i, p, m, stride)
        e_r, e_i, f_r, f_i, g_r, g_i, h_r, h_i = _four_stretches(y_r, y_i, 4 * p, 1, stride)
        cos_1, cos_2, cos_3 = cosines[3 * p], cosines[3 * p + 1], cosines[3 * p + 2]
        sin_1, sin_2, sin_3 = sines[3 * p], sines[3 * p + 1], sines[3 * p + 2]
        for q in range(stride):
            e_r[q], e_i[q], s_r, s_i, t_r, t_i, u_r, u_i = butterfly(
                a_r[q], a_i[q], b_r[q], b_i[q], c_r[q], c_i[q], d_r[q], d_i[q]
            )
            f_r[q], f_i[q] = turned(s_r, s_i, cos_1, sin_1)
            g_r[q], g_i[q] = turned(t_r, t_i, cos_2, sin_2)
            h_r[q], h_i[q] = turned(u_r, u_i, cos_3, sin_3)


@jitable
def _last_pair(x_r, x_i, y_r, y_i):
    half = x_r.size // 2
    for q in range(half):
        y_r[q], y_i[q] = x_r[q] + x_r[q + half], x_i[q] + x_i[q + half]
        y_r[q + half], y_i[q + half] = x_r[q] - x_r[q + half], x_i[q] - x_i[q + half]


@jitable
def _parts(work, cosines, sines):
    """Transform the first two rows of `work`, with room in the others; the rows where the result is."""
    x_r, x_i, y_r, y_i = work[0], work[1], work[2], work[3]
    stride, used, length = 1, 0, x_r.size
    while length >= 4:
        if stride == 1:
            _first_stage(x_r, x_i, y_r, y_i, cosines, sines)
        else:
            _stage(x_r, x_i, y_r, y_i, stride, cosines[used:], sines[used:])
        used += 3 * (length // 4)
        x_r, x_i, y_r, y_i = y_r, y_i, x_r, x_i
        stride *= 4
        length //= 4
    if length == 2:
        _last_pair(x_r, x_i, y_r, y_i)
        return y_r, y_i
    return x_r, x_i


# ---- transforms ----


@jitable
def of_complex(x, out, work, cosines, sines, inverse):
    """The transform of 2^k complex numbers, or its inverse; whether it is sound."""
    first, second = (1, 0) if inverse else (0, 1)
    real, imaginary = work[first], work[second]
    for i in range(x.size):
        real[i] = x[i].real
        imaginary[i] = x[i].imag
    y_r, y_i = _parts(work, cosines, sines)
    if inverse:
        factor = work.dtype.type(1) / work.dtype.type(x.size)
        for i in range(x.size):
            out[i] = complex(y_i[i] * factor, y_r[i] * factor)
    else:
        for i in range(x.size):
            out[i] = complex(y_r[i], y_i[i])
    return sound(x)


@jitable(fastmath=FUSED)
def _untangle(y_r, y_i, cosines, sines, factor, sign, out):
    """The transform of real numbers, for frequencies from 0 to half of them, from that of pairs."""
    n = y_r.size
    half = y_r.dtype.type(0.5)
    out[0] = complex((y_r[0] + y_i[0]) * factor, y_r.dtype.type(0))
    out[n] = complex((y_r[0] - y_i[0]) * factor, y_r.dtype.type(0))
    for k in range(1, n):
        even_r, even_i = half * (y_r[k] + y_r[n - k]), half * (y_i[k] - y_i[n - k])
        odd_r, odd_i = half * (y_i[k] + y_i[n - k]), half * (y_r[n - k] - y_r[k])
        turned_r, turned_i = turned(odd_r, odd_i, cosines[k], sines[k])
        out[k] = complex((even_r + turned_r) * factor, (even_i + turned_i) * (sign * factor))


@jitable
def of_real(x, out, work, tables, inverse):
    """The transform of 2^k real numbers, k > 0, or its inverse, as far as `out` goes; whether it is sound."""
    half = x.size // 2
    for i in range(half):
        work[0, i] = x[2 * i]
        work[1, i] = x[2 * i + 1]
    y_r, y_i = _parts(work, tables[0], tables[1])
    one = work.dtype.type(1)
    factor, sign = (one / work.dtype.type(x.size), -one) if inverse else (one, one)
    _untangle(y_r, y_i, tables[2], tables[3], factor, sign, out)
    for k in range(half + 1, out.size):
        mirrored = out[x.size - k]
        out[k] = complex(mirrored.real, -mirrored.imag)
    return sound(x)


@jitable(parallel=True)
def of_real_rows(x, out, work, tables, inverse):
    """The transform of each row as `of_real`, in as many parts as `work` has; whether all are sound."""
    rows, parts = x.shape[0], work.shape[0]
    unsound = 0
    for part in prange(parts):
        found = 0
        for row in range(part * rows // parts, (part + 1) * rows // parts):
            found = max(found, 0 if of_real(x[row], out[row], work[part], tables, inverse) else 1)
        unsound = max(unsound, found)
    return unsound == 0
