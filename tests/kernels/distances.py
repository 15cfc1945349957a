"""The manners of distances."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.spatial

from tests.kernels.manners import AN_OUTPUT_OF_A_PAIR, OTHER, PAIR, Manners, clouds, two_matrices

MANNERS = {
    "squared_distances": Manners(
        calls=two_matrices,
        draw=partial(clouds, out=True),
        original=lambda x, c: scipy.spatial.distance.cdist(x, c, "sqeuclidean").astype(x.dtype),
        comparable=lambda call: call.args[0].shape[1] == call.args[1].shape[1],
        scales={"expand": lambda x, c: (x**2).sum(axis=1)[:, None] + (c**2).sum(axis=1)},
        loud=[
            ("overflow", lambda largest: [[[largest, 1]], [[-1, 1]]]),
            ("invalid value", lambda largest: [[[np.inf, 1]], [[np.inf, 1]]]),
        ],
        more=(OTHER,),
        uncovered=PAIR | AN_OUTPUT_OF_A_PAIR,
    ),
}
