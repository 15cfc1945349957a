"""Elementwise functions: sin, cos and exp, drop-in for the NumPy functions of the same name.

The fast variants evaluate the polynomials of `vecmath`. They cover float32 and float64 with the keyword `out` at
most. A call with an argument beyond the fast range (for sine and cosine of float64, |x| > 2^20), and one that NumPy
would answer with a floating-point warning, is handed to NumPy whole, before anything that it needs is overwritten.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels import vecmath

# what `inspect` found in the input, the worse the greater
_USUAL = 0
_UNDERFLOW = 1  # an argument for which NumPy may report an underflow
_OUTSIDE = 2  # an argument outside the fast range


def _reference_decides(seen):
    """Whether NumPy must answer: for an argument outside the fast range, or for an underflow that somebody watches."""
    return seen == _OUTSIDE or (seen == _UNDERFLOW and np.geterr()["under"] != "ignore")


def _loops(fast):
    """Compiled loops that evaluate a `vecmath.FastFunction` over a C-contiguous array, in one thread."""
    evaluate, low, high, subnormal, tiny = fast
    usual_low = max(low, subnormal)

    @jitable
    def write(x, out):
        """Fill out; whether an argument was out of the ordinary, so that `inspect` must look."""
        source = x.reshape(x.size)
        target = out.reshape(out.size)
        unusual = False
        for i in range(source.size):
            value = source[i]
            target[i] = evaluate(value)
            unusual |= (value < usual_low) | (value > high) | (abs(value) < tiny)  # all false for NaN
        return unusual

    @jitable
    def inspect(x):
        source = x.reshape(x.size)
        outside = False
        underflow = False
        for i in range(source.size):
            value = source[i]
            outside |= (value < low) | (value > high)
            underflow |= (value < subnormal) | ((abs(value) < tiny) & (value != 0))
        return max(outside * _OUTSIDE, underflow * _UNDERFLOW)

    @jitable
    def overwrite(x):
        """`write` in place: a loop of its own, because LLVM does not vectorise one whose arrays may overlap."""
        target = x.reshape(x.size)
        for i in range(target.size):
            target[i] = evaluate(target[i])

    return write, inspect, overwrite


def _threaded(write, inspect, overwrite):
    """The same loops on all cores, `block` elements a task."""

    @jitable(parallel=True)
    def write_blocks(x, out, block):
        source = x.reshape(x.size)
        target = out.reshape(out.size)
        unusual = 0
        for b in prange((source.size + block - 1) // block):
            part = slice(b * block, (b + 1) * block)
            unusual += write(source[part], target[part])
        return unusual

    @jitable(parallel=True)
    def inspect_blocks(x, block):
        source = x.reshape(x.size)
        worst = _USUAL
        for b in prange((source.size + block - 1) // block):
            worst = max(worst, inspect(source[b * block : (b + 1) * block]))
        return worst

    @jitable(parallel=True)
    def overwrite_blocks(x, block):
        target = x.reshape(x.size)
        for b in prange((target.size + block - 1) // block):
            overwrite(target[b * block : (b + 1) * block])

    return write_blocks, inspect_blocks, overwrite_blocks


def _add_variants(kernel, fast, precision, char):
    """Give an elementwise kernel its variants for one precision."""
    reference = kernel.reference
    write, inspect, overwrite = _loops(fast)
    write_blocks, inspect_blocks, overwrite_blocks = _threaded(write, inspect, overwrite)
    array = f"x.ndim > 0 and x.dtype.char == {char!r}"
    contiguous = (
        f"{array} and x.flags.c_contiguous and (out is None or (out.dtype == x.dtype and out.flags.c_contiguous))"
    )

    @kernel.variant(kind="vectorized", name=f"polynomial_{precision}", when=contiguous)
    def polynomial(x, out=None):
        """One polynomial for all, in one thread: no table, no branch; a second look where an argument is unusual."""
        if out is None:
            out = np.empty(x.shape, x.dtype)
        elif out is x or out.shape != x.shape or not out.flags.writeable:
            if out is not x or not out.flags.writeable or _reference_decides(inspect(x)):
                return reference(x, out)
            overwrite(x)
            return x
        if write(x, out) and _reference_decides(inspect(x)):
            return reference(x, out)
        return out

    @kernel.variant(
        kind="parallel",
        name=f"threads_{precision}",
        when=contiguous,
        params={"block": Choice(4096, 16384, 65536)},
        threads=True,
    )
    def threads(x, out=None, *, block):
        """The polynomial on all cores, `block` elements a task: pays off once the work outweighs waking the threads."""
        if out is None:
            out = np.empty(x.shape, x.dtype)
        elif out is x or out.shape != x.shape or not out.flags.writeable:
            if out is not x or not out.flags.writeable or _reference_decides(inspect_blocks(x, block)):
                return reference(x, out)
            overwrite_blocks(x, block)
            return x
        if write_blocks(x, out, block) and _reference_decides(inspect_blocks(x, block)):
            return reference(x, out)
        return out

    @kernel.variant(
        kind="vectorized", name=f"compact_{precision}", when=f"{array} and not x.flags.c_contiguous and out is None"
    )
    def compact(x):
        """Strided input is copied first, in memory order, and overwritten: costs one copy, gains contiguous vectors."""
        if 0 in x.strides:  # such axes have no place in memory: NumPy's functions choose an order of their own
            return reference(x)
        out = x.copy(order="K")
        flat = out.ravel(order="K")
        if _reference_decides(inspect(flat)):
            return reference(x)
        overwrite(flat)
        return out


def _declare(function, fast_f32, fast_f64):
    kernel = tunable(
        function,
        size={"n": "x.size"},
        inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
        calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
        mutates=("out",),
        elementwise=True,
    )
    _add_variants(kernel, fast_f32, "f32", "f")
    _add_variants(kernel, fast_f64, "f64", "d")
    return kernel


sin = _declare(np.sin, vecmath.SIN_F32, vecmath.SIN_F64)
cos = _declare(np.cos, vecmath.COS_F32, vecmath.COS_F64)
exp = _declare(np.exp, vecmath.EXP_F32, vecmath.EXP_F64)
