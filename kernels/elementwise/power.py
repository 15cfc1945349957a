"""power: drop-in for `numpy.power`, of arrays of positive numbers to the power of one number.

Squares and cubes, of numbers of either sign, are products. Arrays of exponents are NumPy's.
"""

import math

import numpy as np

from autotune import Choice, Range, jitable, tunable
from kernels import vecmath
from kernels.elementwise.loops import BLOCKS, answers, conditions, of_one_number

power = tunable(
    np.power,
    size={"n": "x1.size"},
    inputs=lambda rng, dtype, n: (rng.lognormal(size=n).astype(dtype), 1.7),
    calibrate={"n": Range(10, 10_000_000), "dtype": Choice("float32", "float64")},
    mutates=("out",),
    elementwise=True,
)

# The formula needs normal numbers, and the next power of two above its result.
_OCTAVES = {"f": 124, "d": 1020}


@jitable
def _square(value):
    return value * value


@jitable
def _cube(value):
    return value * value * value


def _product(evaluate, number, exponent, char):
    """A small whole power by multiplication; NumPy may report an underflow where it is nearly denormal."""
    reach = number(2.0 ** (_OCTAVES[char] // exponent))
    fast = vecmath.FastFunction(of_one_number(evaluate), -reach, reach, number(-np.inf), number(1) / reach)
    return answers(fast)


def _general(evaluate, number):
    @jitable(forceinline=True)
    def to_the(value, exponent, reach):
        return evaluate(value, exponent)

    @jitable
    def beyond(value, exponent, reach):
        return (value > number(reach)) | (value < number(1 / reach))  # false for NaN

    return answers(vecmath.FastFunction(to_the, number(-np.inf), number(np.inf), number(-np.inf), number(0)), beyond)


def _add_variants(evaluate, number, precision, char):
    general = _general(evaluate, number)
    products = {2.0: _product(_square, number, 2, char), 3.0: _product(_cube, number, 3, char)}
    octaves = _OCTAVES[char]
    contiguous, strided = conditions("x1", char)

    def answered(place, x1, x2, out, *block):
        if type(x2) is not float and type(x2) is not int:
            return power.reference(x1, x2, out)

        def reference(x, out):
            return power.reference(x, x2, out)

        if x2 in products:
            return products[x2][place](x1, out, reference, 0.0, 0.0, *block)
        exponent = float(number(x2)) if abs(x2) <= octaves else 0.0
        if exponent == 0:
            return reference(x1, out)
        reach = 2.0 ** math.floor(min(octaves / abs(exponent), octaves))
        return general[place](x1, out, reference, exponent, reach, *block)

    @power.variant(kind="vectorized", name=f"polynomial_{precision}", when=contiguous)
    def polynomial(x1, x2, out=None):
        """One formula for all elements, in one thread: logarithm and exponential, or products."""
        return answered(0, x1, x2, out)

    @power.variant(kind="parallel", name=f"threads_{precision}", when=contiguous, params=BLOCKS, threads=True)
    def threads(x1, x2, out=None, *, block):
        """The same on all cores, `block` elements a task: pays off once the work outweighs waking the threads."""
        return answered(1, x1, x2, out, block)

    @power.variant(kind="vectorized", name=f"compact_{precision}", when=strided)
    def compact(x1, x2):
        """Strided input is copied first, in memory order, and overwritten."""
        return answered(2, x1, x2, None)


_add_variants(vecmath.power_f32, np.float32, "f32", "f")
_add_variants(vecmath.power_f64, np.float64, "f64", "d")
