"""Euclidean distances, from every point to every centre: the loops of `squared_distances`, and a root."""

import numpy as np

from autotune import tunable
from kernels.distances.pairwise import CALIBRATE, SIZE, add_variants, pair


@tunable(size=SIZE, inputs=pair, calibrate=CALIBRATE, mutates=("out",))
def euclidean(x, c, out=None):
    """Euclidean distance from each point to each centre, as `scipy.spatial.distance.cdist`.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        Points.
    c : ndarray, shape (k, d)
        Centres, in the units of the points.
    out : ndarray, shape (n, k), optional
        Where to put the result.

    Returns
    -------
    ndarray, shape (n, k)
        Distances, in the units of the points and in their type (SciPy computes in float64); `out` if given.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    IndexError
        If `x` or `c` has fewer than two dimensions.
    """
    squares = np.sum((x[:, None, :] - c[None, :, :]) ** 2, axis=2, out=out)
    return np.sqrt(squares, out=out, order="C")


add_variants(euclidean, root=True)
