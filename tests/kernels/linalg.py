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
def product_or_stack(draw, dtype):
    """Two matrices, or two stacks of small ones."""
    if draw(st.booleans()):
        return draw(product(dtype))
    m, k, n = draw(sides), draw(sides), draw(sides)
    count = draw(st.sampled_from([0, 1, 2, 5, 300]))
    left, right = draw(pairs_of_layouts)
    x1 = draw(arrays(dtype, count, m, k, layout=left))
    x2 = draw(arrays(dtype, count + draw(mismatches), k + draw(mismatches), n, layout=right))
    return Call((x1, x2), draw(outputs(dtype, count, m, n)))


@st.composite
def transposition(draw, dtype):
    m, n = draw(sides), draw(sides)
    return Call((draw(arrays(dtype, m, n, layout=draw(layouts))),), draw(outputs(dtype, n, m)))


@st.composite
def variables(draw, dtype):
    """Several variables, whose covariances overflow now and then, and do not depend on how their means are rounded."""
    m = draw(arrays(dtype, draw(sides), draw(st.sampled_from([0, 1, 2, 3, 7, 8, 30, 97])), layout=draw(layouts)))
    return Call((m,))


@st.composite
def sum_of_products(draw, dtype):
    call = draw(product(dtype))
    return Call((draw(st.sampled_from(["ik,kj->ij", "ik,kj->ij", "ij,jk->ik", "ik,kj"])), *call.args))


def _spread(m):
    """What errors of covariances scale with: squares, because means are taken from large numbers as well."""
    largest = m.max(axis=1, initial=0)
    return np.multiply.outer(largest, largest) * m.shape[1] / max(1, m.shape[1] - 1)


_VARIABLES: dict[str, Calling] = {
    "a vector": lambda f: f(TABLE[0]),
    "three axes": lambda f: f(TABLE[None]),
    "a second set": lambda f: f(TABLE, TABLE[:1]),
    "variables in columns": lambda f: f(TABLE, rowvar=False),
    "dtype": lambda f: f(TABLE, dtype="f4"),
    "a list": lambda f: f(TABLE.tolist()),
    "no argument": lambda f: f(),
    "an unknown keyword": lambda f: f(TABLE, axis=0),
}
_COV: dict[str, Calling] = {
    "bias": lambda f: f(TABLE, bias=True),
    "ddof": lambda f: f(TABLE, ddof=0),
    "weights": lambda f: f(TABLE, aweights=np.arange(5.0)),
    "frequencies": lambda f: f(TABLE, fweights=np.arange(5)),
}
_EINSUM: dict[str, Calling] = {
    "other subscripts": lambda f: f("ij,kj->ik", TABLE, OTHER),
    "one operand": lambda f: f("ij->ji", TABLE),
    "three operands": lambda f: f("ik,kj,jl->il", TABLE, OTHER.T, OTHER),
    "operands and axes": lambda f: f(TABLE, [0, 1], OTHER.T, [1, 2], [0, 2]),
    "an output": lambda f: f("ik,kj->ij", TABLE, OTHER.T, out=out(20, 3)),
    "optimize": lambda f: f("ik,kj->ij", TABLE, OTHER.T, optimize=True),
    "two precisions": lambda f: f("ik,kj->ij", SINGLE, OTHER.T),
    "lists": lambda f: f("ik,kj->ij", TABLE.tolist(), OTHER.T.tolist()),
    "subscripts that do not fit": lambda f: f("ik,kj->ij", TABLE, OTHER[0]),
    "no operand": lambda f: f("ik,kj->ij"),
}
_MATMUL: dict[str, Calling] = {
    "a stack and a matrix": lambda f: f(normal("float64", 4, 3, 5), TABLE),
    "a stack of one": lambda f: f(normal("float64", 4, 3, 5), TABLE[None]),
    "stacks of stacks": lambda f: f(normal("float64", 2, 4, 3, 5), normal("float64", 2, 4, 5, 3)),
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
    "cov": Manners(
        calls=lambda dtype, n, columns: [Call((normal(dtype, max(2, min(columns // 20, 7)), max(n // 7, 10)),))],
        draw=variables,
        original=np.cov,
        scale=_spread,
        loud=[("invalid value", lambda largest: [[[1.0, np.inf, 1.0], [1.0, 2.0, 4.0]]])],
        uncovered=_VARIABLES | _COV,
    ),
    "corrcoef": Manners(
        calls=lambda dtype, n, columns: [Call((normal(dtype, max(2, min(columns // 20, 7)), max(n // 7, 10)),))],
        draw=variables,
        original=np.corrcoef,
        scale=lambda m: np.ones((len(m), len(m)), np.longdouble),
        loud=[("invalid value", lambda largest: [[[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]]])],
        uncovered=_VARIABLES,
    ),
    "einsum": Manners(
        calls=lambda dtype, n, columns: [Call(("ik,kj->ij", table_of(dtype, n, columns), normal(dtype, columns, 19)))],
        draw=sum_of_products,
        original=np.einsum,
        scale=lambda subscripts, a, b: a @ b if a.shape[1] == len(b) else None,
        unusual=None,
        more=(TABLE,),
        uncovered=_EINSUM,
    ),
    "matmul": Manners(
        calls=lambda dtype, n, columns: [
            Call((table_of(dtype, n, columns), normal(dtype, columns, 19))),
            Call((normal(dtype, max(n // 12, 1), 4, 3), normal(dtype, max(n // 12, 1), 3, 5))),
            Call((normal(dtype, max(n // 9, 1), 3, 3), normal(dtype, max(n // 9, 1), 3, 3))),
        ],
        draw=product_or_stack,
        original=np.matmul,
        scale=lambda a, b: a @ b if a.shape[-1] == b.shape[-2] and a.shape[:-2] == b.shape[:-2] else None,
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
