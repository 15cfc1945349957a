"""The manners of clustering."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.distances import LOUD
from tests.kernels.manners import (
    OTHER,
    PAIR,
    TABLE,
    Calling,
    Manners,
    arrays,
    clouds,
    layouts,
    mismatches,
    normal,
    pairs_of_layouts,
    sides,
    table_of,
    two_matrices,
)

#: The neighbourhoods of more points are found in the same way, and take longer by their square.
_MOST_POINTS = 300

_WEIGHTS = np.full(3, 1 / 3)
_MIXTURE: dict[str, Calling] = {
    "no covariances": lambda f: f(TABLE, _WEIGHTS, OTHER),
    "one variance for each component": lambda f: f(TABLE, _WEIGHTS, OTHER, np.ones(3)),
    "fewer weights": lambda f: f(TABLE, _WEIGHTS[:2], OTHER, np.ones((3, 5))),
    "weights in a list": lambda f: f(TABLE, _WEIGHTS.tolist(), OTHER, np.ones((3, 5))),
    "a weight of zero": lambda f: f(TABLE, np.array([0.0, 0.5, 0.5]), OTHER, np.ones((3, 5))),
    "fewer variances": lambda f: f(TABLE, _WEIGHTS, OTHER, np.ones((3, 4))),
    "a variance of zero": lambda f: f(TABLE, _WEIGHTS, OTHER, np.zeros((3, 5))),
    "a matrix that is not positive": lambda f: f(TABLE, _WEIGHTS, OTHER, -np.ones((3, 5, 5))),
    "two precisions": lambda f: f(TABLE, _WEIGHTS, OTHER, np.ones((3, 5), "f4")),
    "more columns": lambda f: f(TABLE[:, :4], _WEIGHTS, OTHER, np.ones((3, 5))),
}
_DENSITY: dict[str, Calling] = {
    "no radius": lambda f: f(TABLE),
    "a negative radius": lambda f: f(TABLE, -1.0),
    "an infinite radius": lambda f: f(TABLE, np.inf),
    "a radius that is a string": lambda f: f(TABLE, "1"),
    "an unknown keyword": lambda f: f(TABLE, 1.0, algorithm="brute"),
}
_SHIFT: dict[str, Calling] = {
    "no bandwidth": lambda f: f(TABLE, OTHER),
    "a bandwidth of zero": lambda f: f(TABLE, OTHER, 0.0),
    "a negative bandwidth": lambda f: f(TABLE, OTHER, -1.0),
    "a bandwidth that is not a number": lambda f: f(TABLE, OTHER, np.nan),
    "an infinite bandwidth": lambda f: f(TABLE, OTHER, np.inf),
    "means out of reach of every point": lambda f: f(TABLE, OTHER + 1e3, 1e-3),
    "fewer columns": lambda f: f(TABLE, OTHER[:, :4], 1.0),
    "two precisions": lambda f: f(TABLE, OTHER.astype("f4"), 1.0),
    "a vector": lambda f: f(TABLE, OTHER[0], 1.0),
}
_ROW = np.abs(TABLE[0])
_LINKAGE: dict[str, Calling] = {
    "single": lambda f: f(_ROW, _ROW[::-1], _ROW, method="single"),
    "complete": lambda f: f(_ROW, _ROW[::-1], _ROW, method="complete"),
    "a method that is not there": lambda f: f(_ROW, _ROW, _ROW, method="centroid"),
    "shorter distances": lambda f: f(_ROW, _ROW[:3], _ROW),
    "shorter sizes": lambda f: f(_ROW, _ROW, _ROW[:3]),
    "one size for all": lambda f: f(_ROW, _ROW, 2.0),
    "whole numbers for sizes": lambda f: f(_ROW, _ROW, np.arange(1, 6)),
    "two precisions": lambda f: f(_ROW, _ROW.astype("f4"), _ROW),
    "matrices": lambda f: f(TABLE, TABLE, TABLE),
    "nothing merged": lambda f: f(_ROW, _ROW, _ROW, merged=(0, 0), method="average"),
    "three merged": lambda f: f(_ROW, _ROW, _ROW, merged=(1, 2, 3)),
    "a distance further than Ward's can be": lambda f: f(_ROW, _ROW, _ROW, 1e3),
}


def _whole_covariances(k, d):
    """Matrices that are positive definite, and no diagonal ones."""
    return np.eye(d) + 0.1 * np.ones((d, d)) * np.arange(1, k + 1)[:, None, None] / k


def _mixtures(dtype, n, columns):
    """Of two components: more need no other code, and whole matrices of many features much time."""
    x = table_of(dtype, n, columns)
    few = x[:, :30]
    weights, means = np.array([0.25, 0.75], dtype), normal(dtype, 2, columns)
    variances, matrices = np.abs(normal(dtype, 2, columns)) + 1, _whole_covariances(2, few.shape[1]).astype(dtype)
    return [Call((x, weights, means, variances)), Call((few.copy(), weights, means[:, :30].copy(), matrices))]


@st.composite
def _mixture(draw, dtype):
    n, k, d = draw(sides), draw(st.integers(0, 5)), draw(sides)
    left, right = draw(pairs_of_layouts)
    x, means = draw(arrays(dtype, n, d, layout=left)), draw(arrays(dtype, k, d + draw(mismatches), layout=right))
    weights = np.full(k, 1 / max(k, 1), dtype)
    if draw(st.booleans()):
        return Call((x, weights, means, _whole_covariances(k, d).astype(dtype)))
    factor = draw(st.sampled_from([1, 1, 1, 30, 1e-3, 0, np.nan, -1, 1e-30]))
    return Call((x, weights, means, np.asarray((1 + np.arange(k * d).reshape(k, d) % 3) * factor, dtype)))


def _exponents(x, weights, means, covariances):
    """At most so large are the exponents, with whose error those of their exponentials grow; twice for both results."""
    smallest = covariances.min(initial=1) if covariances.ndim == 2 else 1
    exponents = 1 + (x.sum(axis=1) + means.sum()) ** 2 / smallest
    return exponents, np.broadcast_to(exponents[:, None], (len(x), len(means)))


@st.composite
def _crowd(draw, dtype):
    x = draw(arrays(dtype, draw(sides), draw(sides), layout=draw(layouts)))
    eps = draw(st.sampled_from([0.0, 0.5, 1.0, 2, 30.0, np.float32(1.5), np.inf, np.nan, -1.0, 1e200]))
    return Call((x, eps), {"min_samples": draw(st.integers(0, 4))})


@st.composite
def _shift(draw, dtype):
    call = draw(clouds(dtype))
    bandwidth = draw(st.sampled_from([1.0, 1.0, 0.5, 2, 30.0, np.float32(1.5), 0.0, -1.0, np.nan, np.inf, 1e-200]))
    return Call((*call.args, bandwidth))


@st.composite
def _clusters(draw, dtype):
    n = draw(st.sampled_from([0, 1, 2, 7, 16, 33]))
    first, second = (draw(arrays(dtype, n, layout=layout)) for layout in draw(pairs_of_layouts))
    sizes = (1 + np.arange(n) % 5).astype(dtype)
    keywords = {
        "between": draw(st.sampled_from([0.0, 0.5, 1, np.float32(2), 1e30, np.nan])),
        "merged": draw(st.sampled_from([(1, 1), (3, 4), (0, 0), (1.0, 2.0)])),
        "method": draw(st.sampled_from(["ward", "ward", "average", "single", "complete", "median"])),
    }
    return Call((first, second[: n - draw(mismatches)] if n else second, sizes), keywords)


def _merges(dtype, n, columns):
    first, second = np.abs(normal(dtype, n)) + 1, np.abs(normal(dtype, n))[::-1].copy() + 1
    sizes = (1 + np.arange(n) % 7).astype(dtype)
    ward, average = {"between": 0.5, "merged": (3, 4)}, {"merged": (3, 4), "method": "average"}
    return [Call((first, second, sizes), ward), Call((first, second, sizes), average)]


MANNERS = {
    "kmeans_step": Manners(
        calls=two_matrices,
        draw=clouds,
        original=None,
        scale=lambda x, centers: (None, np.full(centers.shape, x.max(initial=0)), None),
        loud=LOUD,
        more=(OTHER,),
        uncovered=PAIR,
    ),
    "gmm_responsibilities": Manners(
        calls=_mixtures,
        draw=_mixture,
        original=None,
        scale=_exponents,
        loud=[
            ("overflow", lambda largest: [[[largest, 1]], [1], [[-1, 1]], [[1, 1]]]),
            ("invalid value", lambda largest: [[[np.inf, 1]], [1], [[np.inf, 1]], [[1, 1]]]),
            ("divide by zero", lambda largest: [[[1, 1]], [0], [[-1, 1]], [[1, 1]]]),
        ],
        more=(_WEIGHTS, OTHER, np.ones((3, 5))),
        uncovered=_MIXTURE,
    ),
    "dbscan_neighborhoods": Manners(
        calls=lambda dtype, n, columns: [Call((table_of(dtype, n, columns)[:_MOST_POINTS], float(np.sqrt(columns))))],
        draw=_crowd,
        original=None,
        loud=[
            ("overflow", lambda largest: [[[largest, 1], [-largest, 1]]]),
            ("invalid value", lambda largest: [[[np.inf, 1]]]),
        ],
        keywords=({"eps": 1.0},),
        more=(1.0,),
        uncovered=_DENSITY,
    ),
    "mean_shift_step": Manners(
        calls=lambda dtype, n, columns: [
            Call((*call.args, float(np.sqrt(columns)))) for call in two_matrices(dtype, n, columns)
        ],
        draw=_shift,
        original=None,
        scale=lambda x, means, bandwidth: np.broadcast_to(8 * x.max(axis=0, initial=0), means.shape),
        loud=LOUD,
        keywords=({"bandwidth": 1.0},),
        more=(OTHER, 1.0),
        uncovered=_SHIFT,
    ),
    "linkage_update": Manners(
        calls=_merges,
        draw=_clusters,
        original=None,
        loud=[
            ("overflow", lambda largest: [[largest], [1], [1]]),
            ("invalid value", lambda largest: [[1], [1], [-1.5]]),
        ],
        keywords=({},),
        more=(_ROW, _ROW),
        uncovered=_LINKAGE,
    ),
}
