"""The manners of clustering."""

from __future__ import annotations

import numpy as np

from tests.kernels.manners import OTHER, PAIR, Manners, clouds, two_matrices

MANNERS = {
    "kmeans_step": Manners(
        calls=two_matrices,
        draw=clouds,
        original=None,
        scale=lambda x, centers: (None, np.full(centers.shape, x.max(initial=0)), None),
        loud=[
            ("overflow", lambda largest: [[[largest, 1]], [[-1, 1]]]),
            ("invalid value", lambda largest: [[[np.inf, 1]], [[np.inf, 1]]]),
        ],
        more=(OTHER,),
        uncovered=PAIR,
    ),
}
