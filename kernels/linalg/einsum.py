"""einsum, drop-in for `numpy.einsum`.

The variant is for the product of two matrices, "ik,kj->ij", which NumPy computes without BLAS unless it is told to
optimise. NumPy does not warn here.
"""

import numpy as np

from autotune import Choice, Range, tunable
from kernels.linalg.matmul import matmul

_PRODUCT = (
    "subscripts == 'ik,kj->ij' and x1.ndim == 2 and x2.ndim == 2 and x1.dtype.char in 'fd' and x2.dtype == x1.dtype"
)


def _matrices(rng, dtype, m, k, n):
    return "ik,kj->ij", rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)


@tunable(
    size={"m": "x1.shape[0]", "k": "x1.shape[1]", "n": "x2.shape[1]"},
    inputs=_matrices,
    calibrate={"m": Range(2, 300), "k": Range(2, 300), "n": Range(2, 300), "dtype": Choice("float32", "float64")},
    tolerance=(64.0, "sums of up to 10^3 terms, rounding errors as a random walk: Higham 2002, section 4.2"),
)
def einsum(subscripts=None, x1=None, x2=None, *operands, **kwargs):
    """`numpy.einsum` with its first two operands by name; see there.

    Parameters
    ----------
    subscripts : str
        Which axes are multiplied and summed; or an operand, in the other form of the call.
    x1, x2 : array_like
        The first operands; fewer where they are not given.
    *operands, **kwargs
        Further operands, and the options of `numpy.einsum`.

    Returns
    -------
    ndarray or scalar
        What `numpy.einsum` returns.

    Raises
    ------
    ValueError
        If subscripts and operands do not fit together, or there are none.
    """
    given = (subscripts, x1, x2)
    while given and given[-1] is None and not operands:
        given = given[:-1]
    return np.einsum(*given, *operands, **kwargs)


# not marked as threaded, because `matmul` is measured with the threads it uses
@einsum.variant(kind="library", when=_PRODUCT)
def product(subscripts, x1, x2):
    """The tuned `matmul`: BLAS instead of a loop over all three axes."""
    if x1.shape[1] != x2.shape[0]:
        return einsum.reference(subscripts, x1, x2)
    with np.errstate(all="ignore"):
        out = matmul(x1, x2)
    return out if np.isfinite(out).all() else einsum.reference(subscripts, x1, x2)
