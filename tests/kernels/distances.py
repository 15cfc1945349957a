"""The manners of distances."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.spatial
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    AN_OUTPUT_OF_A_PAIR,
    OTHER,
    PAIR,
    TABLE,
    Calling,
    Manners,
    clouds,
    two_matrices,
)

#: Points for which distances are not finite, with centres or means.
LOUD = [
    ("overflow", lambda largest: [[[largest, 1]], [[-1, 1]]]),
    ("invalid value", lambda largest: [[[np.inf, 1]], [[np.inf, 1]]]),
]
_RADII: list[object] = [0.0, 0.5, 1.0, 2, 30.0, np.float32(1.5), np.float64(3), np.inf, np.nan, -1.0, 1e200]
_RADIUS: dict[str, Calling] = {
    "no radius": lambda f: f(TABLE, OTHER),
    "a negative radius": lambda f: f(TABLE, OTHER, -1.0),
    "a radius for each query": lambda f: f(TABLE, OTHER, np.ones(3)),
    "a radius that is a string": lambda f: f(TABLE, OTHER, "1"),
    "fewer columns": lambda f: f(TABLE, OTHER[:, :4], 1.0),
    "more columns": lambda f: f(TABLE[:, :4], OTHER, 1.0),
    "two precisions": lambda f: f(TABLE, OTHER.astype("f4"), 1.0),
    "a vector": lambda f: f(TABLE, OTHER[0], 1.0),
}


@st.composite
def neighborhoods(draw, dtype):
    """Points, queries and a radius."""
    call = draw(clouds(dtype))
    return Call((*call.args, draw(st.sampled_from(_RADII))))


def _squares_are_in_range(call):
    """Whether the kernel, which computes in the points' own precision, can square what SciPy can in float64."""
    x, c = call.args
    if x.shape[1] != c.shape[1]:
        return False
    squares, limits = scipy.spatial.distance.cdist(x, c, "sqeuclidean"), np.finfo(x.dtype)
    outside = (squares > limits.max) | ((squares > 0) & (squares < limits.tiny / limits.eps))
    return not outside.any()


def _two_matrices_and_a_radius(dtype, n, columns):
    return [Call((*call.args, float(np.sqrt(columns)))) for call in two_matrices(dtype, n, columns)]


MANNERS = {
    "squared_distances": Manners(
        calls=two_matrices,
        draw=partial(clouds, out=True),
        original=lambda x, c: scipy.spatial.distance.cdist(x, c, "sqeuclidean").astype(x.dtype),
        comparable=lambda call: call.args[0].shape[1] == call.args[1].shape[1],
        scales={"expand": lambda x, c: (x**2).sum(axis=1)[:, None] + (c**2).sum(axis=1)},
        loud=LOUD,
        more=(OTHER,),
        uncovered=PAIR | AN_OUTPUT_OF_A_PAIR,
    ),
    "euclidean": Manners(
        calls=two_matrices,
        draw=partial(clouds, out=True),
        original=lambda x, c: scipy.spatial.distance.cdist(x, c).astype(x.dtype),
        comparable=_squares_are_in_range,
        loud=LOUD,
        more=(OTHER,),
        uncovered=PAIR | AN_OUTPUT_OF_A_PAIR,
    ),
    "nearest_centroid": Manners(
        calls=two_matrices,
        draw=clouds,
        original=None,
        loud=LOUD,
        more=(OTHER,),
        uncovered=PAIR,
    ),
    "radius_neighbors": Manners(
        calls=_two_matrices_and_a_radius,
        draw=neighborhoods,
        original=None,
        loud=LOUD,
        keywords=({"radius": 1.0},),
        more=(OTHER, 1.0),
        uncovered=_RADIUS,
    ),
}
