"""clip: drop-in for `numpy.clip`, between two numbers."""

import inspect

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels import vecmath
from kernels.elementwise.loops import BLOCKS, answers, conditions

clip = tunable(
    np.clip,
    size={"n": "a.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype), -1.0, 1.0),
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
    mutates=("out",),
    elementwise=True,
)


def _as_numpys(function):
    """With the defaults of the installed NumPy: since 2.1, bounds need not be given."""
    parameters = inspect.signature(np.clip).parameters
    names = function.__code__.co_varnames[1 : function.__code__.co_argcount]
    defaults = [parameters[name].default for name in names]
    function.__defaults__ = tuple(default for default in defaults if default is not inspect.Parameter.empty)
    return function


# Larger whole numbers may round, or not fit at all: NumPy decides.
_EXACT = 2**53


def _bound(value, missing, largest):
    """A bound as the loops take it, or None where NumPy must decide."""
    if value is None:
        return missing
    if type(value) is float and (abs(value) <= largest or abs(value) == np.inf):
        return value
    return float(value) if type(value) is int and abs(value) <= _EXACT else None


def _add_variants(number, precision, char):
    largest = float(np.finfo(number).max)
    infinity = float(np.inf)

    @jitable
    def between(value, low, high):
        lowest, highest = number(low), number(high)
        value = lowest if value < lowest else value  # a comparison with NaN is false: NaN stays
        return highest if value > highest else value

    one_thread, all_cores, copied = answers(
        vecmath.FastFunction(between, number(-np.inf), number(np.inf), number(-np.inf), number(0))
    )
    contiguous, strided = conditions("a", char)

    def answered(answer, a, a_min, a_max, out, *block):
        low, high = _bound(a_min, -infinity, largest), _bound(a_max, infinity, largest)
        if low is None or high is None or (a_min is None and a_max is None):
            return np.clip(a, a_min, a_max, out)
        return answer(a, out, lambda a, out: np.clip(a, a_min, a_max, out), low, high, *block)

    @clip.variant(kind="vectorized", name=f"one_pass_{precision}", when=contiguous)
    @_as_numpys
    def one_pass(a, a_min, a_max, out):
        """Two comparisons for each element, in one thread."""
        return answered(one_thread, a, a_min, a_max, out)

    @clip.variant(kind="parallel", name=f"threads_{precision}", when=contiguous, params=BLOCKS, threads=True)
    @_as_numpys
    def threads(a, a_min, a_max, out, *, block):
        """The same on all cores, `block` elements a task: pays off once the work outweighs waking the threads."""
        return answered(all_cores, a, a_min, a_max, out, block)

    @clip.variant(kind="vectorized", name=f"compact_{precision}", when=strided)
    @_as_numpys
    def compact(a, a_min, a_max):
        """Strided input is copied first, in memory order, and overwritten."""
        return answered(copied, a, a_min, a_max, None)


_add_variants(np.float32, "f32", "f")
_add_variants(np.float64, "f64", "d")
