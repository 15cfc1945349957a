"""The manners of linear algebra."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    OTHER,
    PAIR,
    SINGLE,
    TABLE,
    Calling,
    Manners,
    arrays,
    layouts,
    mismatches,
    normal,
    one_behind,
    out,
    outputs,
    pairs_of_layouts,
    read_only,
    sides,
    table_of,
)


@st.composite
def product(draw, dtype):
    m, k, n = draw(sides), draw(sides), draw(sides)
    left, right = draw(pairs_of_layouts)
    x1 = draw(arrays(dtype, m, k, layout=left))
    x2 = draw(arrays(dtype, k + draw(mismatches), n, layout=right))
    return Call((x1, x2), draw(outputs(dtype, m, n)))


@st.composite
def transposition(draw, dtype):
    m, n = draw(sides), draw(sides)
    return Call((draw(arrays(dtype, m, n, layout=draw(layouts))),), draw(outputs(dtype, n, m)))


_MATMUL: dict[str, Calling] = {
    "a stack": lambda f: f(normal("float64", 4, 3, 5), TABLE.T),
    "stacks that do not fit": lambda f: f(normal("float64", 4, 3, 5), normal("float64", 3, 5, 2)),
    "axes": lambda f: f(TABLE, OTHER, axes=[(0, 1), (1, 0), (0, 1)]),
    "dtype": lambda f: f(TABLE, OTHER.T, dtype="float32", casting="same_kind"),
    "an output in a tuple": lambda f: f(TABLE, OTHER.T, out=(out(20, 3),)),
    "a narrower output": lambda f: f(TABLE, OTHER.T, out=out(20, 3, dtype="f4")),
    "a read-only output": lambda f: f(TABLE, OTHER.T, out=read_only(out(20, 3))),
    "an output of another order": lambda f: f(TABLE, OTHER.T, out=out(3, 20).T),
    "an output that overlaps": lambda f: one_behind(f, np.eye(5)),
}
_TRANSPOSE_COPY: dict[str, Calling] = {
    "a vector": lambda f: f(TABLE[0]),
    "three axes": lambda f: f(normal("float64", 2, 3, 4)),
    "a wider output": lambda f: f(SINGLE, out(5, 20)),
    "a narrower output": lambda f: f(TABLE, out(5, 20, dtype="f4")),
    "an output of whole numbers": lambda f: f(TABLE, out(5, 20, dtype="i8")),
    "a larger output": lambda f: f(TABLE, out=out(2, 5, 20)),
    "a read-only output": lambda f: f(TABLE, out=read_only(out(5, 20))),
    "an output of another order": lambda f: f(TABLE, out=out(20, 5).T),
    "an output that is a list": lambda f: f(TABLE, [[0.0]]),
    "no argument": lambda f: f(),
}

MANNERS = {
    "matmul": Manners(
        calls=lambda dtype, n, columns: [Call((table_of(dtype, n, columns), normal(dtype, columns, 19)))],
        draw=product,
        original=np.matmul,
        scale=lambda a, b: a @ b if a.shape[1] == len(b) else None,
        loud=[
            ("overflow", lambda largest: [[[largest, 1]], [[2], [1]]]),
            ("invalid value", lambda largest: [[[np.inf, 1]], [[0], [1]]]),
        ],
        more=(OTHER.T,),
        uncovered=PAIR | _MATMUL,
    ),
    "transpose_copy": Manners(
        calls=lambda dtype, n, columns: [Call((table_of(dtype, n, columns),))],
        draw=transposition,
        original=lambda x: np.ascontiguousarray(x.T),
        uncovered=_TRANSPOSE_COPY,
    ),
}
