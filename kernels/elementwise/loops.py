"""What the elementwise kernels share: loops over an array, in one thread and on all cores, and what they do not answer.

A loop writes f(x, first, second) for every element, and tells whether NumPy's own function must answer: an argument
was outside the fast range, or such that NumPy may report an underflow and somebody watches for that. Then the call is
handed to the reference whole. In place, the loop writes into scratch memory piece by piece, and what is handed over
is the array from the first piece that it cannot answer on: each element is overwritten once.

This module knows no function by name.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, workspace
from kernels.floats import ASK, PLAIN, UNDERFLOW, reference_decides

# Pieces of an array that is overwritten. In one thread the scratch memory stays in the cache of the core (512 KiB or
# more since 2017); with threads each piece must keep all of them at work, so that it outweighs waking them.
_PIECE = 1 << 14
_PIECE_OF_THREADS = 1 << 18

# What a loop notes beside its vectors of floats is as wide as they are: no lane is repacked (sin: 13 % of the time).
_WORDS = {4: np.int32, 8: np.int64}


def of_one_number(evaluate):
    """A function of one number as the loops call it."""

    @jitable(forceinline=True)
    def alone(value, first, second):
        return evaluate(value)

    return alone


def _compiled(fast, beyond):
    """The loop over a `vecmath.FastFunction`, in one thread and on all cores; arrays with one axis, apart in memory.

    It notes only whether there was anything odd; what it was, is looked up in a second loop, which few calls need.
    """
    evaluate, low, high, subnormal, tiny = fast
    word = _WORDS[low.itemsize]

    @jitable
    def outside_the_range(value, first, second):
        return (value < low) | (value > high)  # false for NaN

    is_outside = beyond or outside_the_range

    @jitable
    def may_underflow(value):
        return (value < subnormal) | (abs(value) < tiny)

    @jitable
    def worst(x, first, second):
        outside = False
        underflow = False
        for i in range(x.size):
            outside |= is_outside(x[i], first, second)
            underflow |= may_underflow(x[i])
        return max(outside * ASK, underflow * UNDERFLOW)

    @jitable
    def write(x, out, first, second):
        odd = word(0)
        for i in range(x.size):
            value = x[i]
            out[i] = evaluate(value, first, second)
            odd = word(odd | word(is_outside(value, first, second) | may_underflow(value)))
        return worst(x, first, second) if odd else PLAIN

    @jitable(parallel=True)
    def write_blocks(x, out, first, second, block):
        worst = 0
        for b in prange((x.size + block - 1) // block):
            part = slice(b * block, (b + 1) * block)
            worst = max(worst, write(x[part], out[part], first, second))
        return worst

    return write, write_blocks


def _overwrite(write, x, piece, *more):
    """Replace the elements of an array with one axis; how many were, before one piece needed the reference."""
    scratch = workspace.take((min(piece, x.size),), x.dtype)
    for start in range(0, x.size, piece):
        part = x[start : start + piece]
        written = scratch[: part.size]
        if reference_decides(write(part, written, *more)):
            break
        part[...] = written
    else:
        start = x.size
    workspace.give(scratch)
    return start


def _answering(loop, piece):
    """A function that answers a call by a loop, or hands it to ``reference(x, out)``."""

    def answer(x, out, reference, first=0.0, second=0.0, *block):
        if out is None:
            out = np.empty(x.shape, x.dtype)
        elif out.shape != x.shape or not out.flags.writeable:
            return reference(x, out)
        elif out is x:
            flat = x.reshape(-1)
            done = _overwrite(loop, flat, piece, first, second, *block)
            if done < flat.size:
                reference(flat[done:], flat[done:])
            return x
        if x.ndim == 1:
            seen = loop(x, out, first, second, *block)
        else:
            seen = loop(x.reshape(-1), out.reshape(-1), first, second, *block)
        return reference(x, out) if seen and reference_decides(seen) else out

    return answer


def answers(fast, beyond=None):
    """Functions that answer a call: in one thread; on all cores, with a block; in one thread, for strided x.

    `beyond` tells of which elements the reference must answer, where the range depends on the other arguments.
    """
    write, write_blocks = _compiled(fast, beyond)

    def copied(x, out, reference, first=0.0, second=0.0):
        if 0 in x.strides:  # such axes have no place in memory: NumPy's functions choose an order of their own
            return reference(x, out)
        copy = x.copy(order="K")
        flat = copy.ravel(order="K")
        return copy if _overwrite(write, flat, _PIECE, first, second) == flat.size else reference(x, out)

    return _answering(write, _PIECE), _answering(write_blocks, _PIECE_OF_THREADS), copied


def conditions(name, char):
    """When the fast loops serve: an array that is contiguous, with an output like it; one that is not."""
    array = f"{name}.ndim > 0 and {name}.dtype.char == {char!r}"
    output = f"(out is None or (out.dtype == {name}.dtype and out.flags.c_contiguous))"
    return (
        f"{array} and {name}.flags.c_contiguous and {output}",
        f"{array} and not {name}.flags.c_contiguous and out is None",
    )


#: How kernels of one array named x are declared.
DECLARATION = {
    "size": {"n": "x.size"},
    "calibrate": {"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
    "mutates": ("out",),
    "elementwise": True,
}
BLOCKS = {"block": Choice(4096, 16384, 65536)}


def add_variants(kernel, fast, precision, char):
    """Give a kernel ``f(x, out=None)`` its variants for one precision."""
    reference = kernel.reference
    one_thread, all_cores, copied = answers(fast._replace(evaluate=of_one_number(fast.evaluate)))
    contiguous, strided = conditions("x", char)

    @kernel.variant(kind="vectorized", name=f"polynomial_{precision}", when=contiguous)
    def polynomial(x, out=None):
        """One formula for all elements, in one thread: no table, no branch."""
        return one_thread(x, out, reference)

    @kernel.variant(kind="parallel", name=f"threads_{precision}", when=contiguous, params=BLOCKS, threads=True)
    def threads(x, out=None, *, block):
        """The same on all cores, `block` elements a task: pays off once the work outweighs waking the threads."""
        return all_cores(x, out, reference, 0.0, 0.0, block)

    @kernel.variant(kind="vectorized", name=f"compact_{precision}", when=strided)
    def compact(x):
        """Strided input is copied first, in memory order, and overwritten: costs one copy, gains contiguous vectors."""
        return copied(x, None, reference)
