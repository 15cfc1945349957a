"""Elementwise expressions of two or three arrays, computed in one pass: the loops and the calls that they share.

An expression must be NumPy's to the last bit. A call with a result that NumPy may report (one that is not finite; an
underflow that somebody watches) is handed to NumPy. Where `out` is an operand, every block is looked at before it is
overwritten; from the first that NumPy may report, NumPy computes the rest.

Knows nothing of any one expression.
"""

import numpy as np

from autotune import jitable, prange
from kernels.floats import ASK, PLAIN, UNDERFLOW, underflows_are_watched

# Elements of an array that are looked at before they are overwritten: those of three arrays of float64 fit into L1.
_BLOCK = 1024


def loops(evaluate, operands):
    """Compiled loops over two or three C-contiguous arrays of one size.

    Parameters
    ----------
    evaluate : jitable function
        ``evaluate(arrays, i, zero, smallest)``: the result of the elements `i`, and whether it may have underflowed;
        given zero and the smallest normal number in their type.
    operands : int
        Two or three.

    Returns
    -------
    whole, blocks : jitable functions
        ``whole(*arrays, out)`` in one thread and ``blocks(*arrays, out, block)`` on all cores: what was found.
    """

    @jitable(forceinline=True)
    def fill(arrays, target):
        kind = target.dtype.type
        zero, smallest, infinity = kind(0), kind(np.finfo(target.dtype).tiny), kind(np.inf)
        loud = False
        small = False
        for i in range(target.size):
            value, underflow = evaluate(arrays, i, zero, smallest)
            target[i] = value
            loud |= not abs(value) < infinity
            small |= underflow
        return max(loud * ASK, small * UNDERFLOW)

    @jitable
    def two(a, b, out):
        return fill((a.reshape(a.size), b.reshape(b.size)), out.reshape(out.size))

    @jitable
    def three(a, b, c, out):
        return fill((a.reshape(a.size), b.reshape(b.size), c.reshape(c.size)), out.reshape(out.size))

    @jitable(parallel=True)
    def two_in_blocks(a, b, out, block):
        a, b, out = a.reshape(a.size), b.reshape(b.size), out.reshape(out.size)
        worst = PLAIN
        for p in prange((out.size + block - 1) // block):
            part = slice(p * block, (p + 1) * block)
            worst = max(worst, fill((a[part], b[part]), out[part]))
        return worst

    @jitable(parallel=True)
    def three_in_blocks(a, b, c, out, block):
        a, b, c, out = a.reshape(a.size), b.reshape(b.size), c.reshape(c.size), out.reshape(out.size)
        worst = PLAIN
        for p in prange((out.size + block - 1) // block):
            part = slice(p * block, (p + 1) * block)
            worst = max(worst, fill((a[part], b[part], c[part]), out[part]))
        return worst

    return {2: (two, two_in_blocks), 3: (three, three_in_blocks)}[operands]


def overwriting(evaluate, arrange):
    """A compiled loop that overwrites an operand.

    Parameters
    ----------
    evaluate : jitable function
        As for `loops`.
    arrange : jitable function
        ``arrange(out, b, c)``: the operands in their order.

    Returns
    -------
    jitable function
        ``overwrite(out, b, c, start, most)``: computes from the element `start` up to the first block in which more
        than `most` is found, and tells where that begins.
    """

    @jitable
    def overwrite(out, b, c, start, most):
        kind = out.dtype.type
        zero, smallest, infinity = kind(0), kind(np.finfo(out.dtype).tiny), kind(np.inf)
        out, b, c = out.reshape(out.size), b.reshape(b.size), c.reshape(c.size)
        while start < out.size:
            part = slice(start, start + _BLOCK)
            target = out[part]
            arrays = arrange(target, b[part], c[part])
            loud = False
            small = False
            for i in range(target.size):
                value, underflow = evaluate(arrays, i, zero, smallest)
                loud |= not abs(value) < infinity
                small |= underflow
            if max(loud * ASK, small * UNDERFLOW) > most:
                return start
            for i in range(target.size):  # nothing but this: LLVM does not vectorise it with the tests
                target[i] = evaluate(arrays, i, zero, smallest)[0]
            start += _BLOCK
        return out.size

    return overwrite


def overwritten_by(overwrite, out, b, c, reference, arrays):
    """Compute an expression into its operand `out`; what NumPy may report, by ``reference(*arrays, out)``."""
    start = overwrite(out, b, c, 0, PLAIN)
    if start < out.size and not underflows_are_watched():
        start = overwrite(out, b, c, start, UNDERFLOW)
    if start < out.size:
        reference(*(array.reshape(-1)[start:] for array in (*arrays, out)))
    return out
