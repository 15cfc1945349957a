"""The manners of t-SNE."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    OTHER,
    TABLE,
    Calling,
    Manners,
    arrays,
    layouts,
    mismatches,
    normal,
    pairs_of_layouts,
    sides,
    table_of,
)

#: More points make calls no more unusual, but those with NaN, for which no search ends, longer by their square.
_MOST_POINTS = 200

_AFFINITIES: dict[str, Calling] = {
    "no perplexity": lambda f: f(TABLE, 0.0),
    "a negative perplexity": lambda f: f(TABLE, -2.0),
    "an infinite perplexity": lambda f: f(TABLE, np.inf),
    "a perplexity that is a string": lambda f: f(TABLE, "30"),
    "one point": lambda f: f(TABLE[:1]),
    "no point": lambda f: f(TABLE[:0]),
    "no feature": lambda f: f(TABLE[:, :0]),
    "an unknown keyword": lambda f: f(TABLE, axis=0),
}
_SQUARE = TABLE[:5]
_GRADIENT: dict[str, Calling] = {
    "fewer points": lambda f: f(_SQUARE, OTHER),
    "one row of affinities for all": lambda f: f(_SQUARE[:1], _SQUARE),
    "affinities that are no matrix": lambda f: f(_SQUARE[0], _SQUARE),
    "two precisions": lambda f: f(_SQUARE, _SQUARE.astype("f4")),
    "a vector": lambda f: f(_SQUARE, _SQUARE[0]),
    "one point": lambda f: f(_SQUARE[:1, :1], _SQUARE[:1]),
    "one argument": lambda f: f(_SQUARE),
    "an unknown keyword": lambda f: f(_SQUARE, _SQUARE, axis=0),
}


@st.composite
def _points(draw, dtype):
    x = draw(arrays(dtype, draw(sides), draw(sides), layout=draw(layouts)))
    perplexity = draw(st.sampled_from([2.0, 5, 5.0, np.float32(3), 30.0, 1.0, 0.5, 0.0, -1.0, np.nan, np.inf]))
    return Call((x,), {"perplexity": perplexity})


@st.composite
def _embedding(draw, dtype):
    n, m = draw(sides), draw(st.sampled_from([2, 2, 1, 3, 5, 0]))
    left, right = draw(pairs_of_layouts)
    affinities = draw(arrays(dtype, n, n + draw(mismatches), layout=left))
    return Call((affinities, draw(arrays(dtype, n, m, layout=right))))


def _two_embeddings(dtype, n, columns):
    rows = min(n // columns, _MOST_POINTS)
    affinities = np.abs(normal(dtype, rows, rows))
    return [Call((affinities, normal(dtype, rows, m))) for m in (2, 3)]


MANNERS = {
    "tsne_affinities": Manners(
        calls=lambda dtype, n, columns: [Call((table_of(dtype, n, columns)[:_MOST_POINTS],))],
        draw=_points,
        original=None,
        loud=[
            ("overflow", lambda largest: [[[largest, 1], [-largest, 1]]]),
            ("invalid value", lambda largest: [[[np.inf, 1], [1, 1]]]),
        ],
        uncovered=_AFFINITIES,
    ),
    "tsne_gradient": Manners(
        calls=_two_embeddings,
        draw=_embedding,
        original=None,
        # |q / sum(q)| adds up to 1, and attraction and repulsion may be of one size
        scale=lambda p, y: 8 * (p.sum(axis=1) + 1)[:, None] * y.max(axis=0, initial=0),
        loud=[
            ("overflow", lambda largest: [[[0, 1], [1, 0]], [[largest, 1], [-largest, 1]]]),
            ("invalid value", lambda largest: [[[0, 1], [1, 0]], [[np.inf, 1], [1, 1]]]),
        ],
        more=(_SQUARE,),
        uncovered=_GRADIENT,
    ),
}
