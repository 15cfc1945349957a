"""Squared Euclidean distances, from every point to every centre."""

import numpy as np

from autotune import tunable
from kernels.distances.pairwise import CALIBRATE, SIZE, add_variants, pair


@tunable(size=SIZE, inputs=pair, calibrate=CALIBRATE, mutates=("out",))
def squared_distances(x, c, out=None):
    """Squared Euclidean distance from each point to each centre, as `scipy.spatial.distance.cdist` of «sqeuclidean».

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
        Squared distances, in the units of the points squared and in their type (SciPy computes in float64); `out` if
        given.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    IndexError
        If `x` or `c` has fewer than two dimensions.
    """
    return np.sum((x[:, None, :] - c[None, :, :]) ** 2, axis=2, out=out)


add_variants(squared_distances, root=False)
