"""rgb_to_gray: the luma of an image of red, green and blue.

NumPy's product with a vector of three goes through BLAS, which is made for longer ones. The variants cover images of
float32 and float64 in C order. A result that is not finite is left to NumPy, which warns; so is every call while
somebody watches for underflows.
"""

import numpy as np

from autotune import Choice, Range, jitable, prange, tunable
from kernels.floats import FUSED, underflows_are_watched

_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114

_IMAGE = "image.ndim == 3 and image.dtype.char in 'fd' and image.flags.c_contiguous"


@tunable(
    size={"rows": "image.shape[0]", "columns": "image.shape[1]"},
    inputs=lambda rng, dtype, rows, columns: (rng.random((rows, columns, 3)).astype(dtype),),
    calibrate={"rows": Range(8, 4000), "columns": Range(8, 4000), "dtype": Choice("float32", "float64")},
)
def rgb_to_gray(image):
    """Luma of an image: 0.299 red + 0.587 green + 0.114 blue.

    Parameters
    ----------
    image : array_like, shape (..., 3)
        Red, green and blue, in any unit.

    Returns
    -------
    ndarray, shape (...)
        In the unit of `image`: of its type if that is a floating one, else float64.

    Raises
    ------
    ValueError
        If the last axis is not of length 3.

    Notes
    -----
    Recommendation ITU-R BT.601-7, Studio encoding parameters of digital television, section 2.5.1.
    """
    image = np.asarray(image)
    return np.matmul(image, np.array([_RED, _GREEN, _BLUE], np.result_type(image, np.float16)))


@jitable(fastmath=FUSED)
def _weigh(image, out):
    """Fill out; whether it is finite."""
    source, target = image.reshape(image.size), out.reshape(out.size)
    kind = image.dtype.type
    red, green, blue, infinity = kind(_RED), kind(_GREEN), kind(_BLUE), kind(np.inf)
    finite = True
    for i in range(target.size):
        value = source[3 * i] * red + source[3 * i + 1] * green + source[3 * i + 2] * blue
        target[i] = value
        finite &= abs(value) < infinity
    return finite


@jitable(parallel=True)
def _weigh_on_threads(image, out, count):
    failed = 0
    for p in prange((out.shape[0] + count - 1) // count):
        part = slice(p * count, min((p + 1) * count, out.shape[0]))
        failed += not _weigh(image[part], out[part])
    return failed == 0


def _compute(core, image, *count):
    """Allocate, compute by `core`, and give the call to the reference where it raises or warns."""
    rows, columns, channels = image.shape
    if channels == 3 and not underflows_are_watched():
        out = np.empty((rows, columns), image.dtype)
        if core(image, out, *count):
            return out
    return rgb_to_gray.reference(image)


@rgb_to_gray.variant(kind="vectorized", when=_IMAGE)
def one_pass(image):
    """One loop over the elements, in one thread."""
    return _compute(_weigh, image)


@rgb_to_gray.variant(kind="parallel", when=_IMAGE, params={"count": Choice(16, 128)}, threads=True)
def rows_on_threads(image, *, count):
    """`count` rows a task on all cores: pays off once the image outweighs waking the threads."""
    return _compute(_weigh_on_threads, image, count)
