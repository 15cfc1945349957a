"""The manners of multivariate adaptive regression splines."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.kernels.calls import Call, strided
from tests.kernels.manners import TABLE, Manners, arrays, layouts, mismatches, normal, read_only, sides, table_of


def basis(dtype: str, p: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variables, knots and signs of m functions of p variables."""
    rng = np.random.default_rng(m)
    variables = rng.integers(-1, p, (m, 3)) if p else np.full((m, 3), -1)
    return variables, rng.standard_normal((m, 3)).astype(dtype), rng.choice([-1, 1], (m, 3))


def samples(dtype: str, n: int, columns: int) -> list[Call]:
    """Points as a table, with and without a mask."""
    table = table_of(dtype, n, columns)
    functions = basis(dtype, columns, 7)
    return [Call((table, *functions, mask)) for mask in (None, table > 1)]


@st.composite
def tables(draw, dtype):
    """Samples and basis functions; masks and outputs that fit and that do not; variables that do not exist."""
    n, p, m = draw(sides), draw(sides), draw(sides)
    x = draw(arrays(dtype, n, p, layout=draw(layouts)))
    variables, _, signs = basis(dtype, p + draw(mismatches), m)
    knots = draw(arrays(dtype, m, 3, layout="C"))
    masks = {"none": None, "mask": normal(dtype, n, p) > 1, "wrong": np.ones((n + 1, p), bool)}
    outputs = {
        "fits": np.full((m, n), 7, dtype).T,
        "wrong": np.full((m + 1, n), 7, dtype).T,
        "C": np.full((n, m), 7, dtype),
        "read-only": read_only(np.full((m, n), 7, dtype).T),
    }
    mask = masks[draw(st.sampled_from(["none", "none", "mask", "mask", "wrong"]))]
    output = draw(st.sampled_from(["none", "none", "fits", "fits", *outputs]))
    kwargs = {} if output == "none" else {"out": outputs[output]}
    return Call((x, variables, knots, signs[: m - draw(mismatches)], mask), kwargs)


def present(dtype: str, n: int, m: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """An orthonormal basis, a residual, a parent and a variable."""
    rng = np.random.default_rng([n, m, seed])
    q = np.linalg.qr(rng.standard_normal((n, min(m, n))))[0]
    return (*(array.astype(dtype) for array in (q, *rng.standard_normal((3, n)))),)


def knots(dtype: str, n: int, columns: int) -> list[Call]:
    """About n / columns samples and as many functions as columns, with and without the order."""
    given = present(dtype, n // columns, columns)
    return [Call((*given, order)) for order in (np.argsort(given[3]), None)]


@st.composite
def candidates(draw, dtype):
    """A basis that is orthonormal or was; lengths and orders that do not fit."""
    n, m = draw(sides), draw(sides)
    q, *_ = present(dtype, n, m, draw(st.integers(0, 2**16)))
    if draw(st.booleans()):
        q = np.where(normal(dtype, *q.shape) > 2, draw(arrays(dtype, *q.shape, layout="C")), q)
    residual, parent, x = (draw(arrays(dtype, n + draw(mismatches), layout="C")) for _ in range(3))
    orders = {
        "sorted": np.argsort(x),
        "none": None,
        "another": np.arange(n)[::-1].copy(),
        "not there": np.arange(n) + 1,
        "from the end": np.arange(n) - n,
        "shorter": np.argsort(x)[:-1],
    }
    layout = draw(st.sampled_from([np.copy, np.copy, np.copy, strided]))
    return Call((layout(q), residual, parent, x, orders[draw(st.sampled_from(["sorted", "sorted", *orders]))]))


FUNCTIONS = basis("float64", 5, 4)
PRESENT = present("float64", 20, 3)

MANNERS = {
    "hinge_basis_matrix": Manners(
        calls=samples,
        draw=tables,
        original=None,
        more=FUNCTIONS,
        uncovered={
            "knots of another precision": lambda f: f(TABLE, FUNCTIONS[0], FUNCTIONS[1].astype("f4"), FUNCTIONS[2]),
            "signs that are floats": lambda f: f(*map(np.copy, (TABLE, *FUNCTIONS[:2], FUNCTIONS[2] * 1.0))),
            "short variables": lambda f: f(TABLE, FUNCTIONS[0].astype("i2"), *FUNCTIONS[1:]),
            "a mask of numbers": lambda f: f(TABLE, *FUNCTIONS, np.ones(TABLE.shape)),
            "a mask that is a list": lambda f: f(TABLE, *FUNCTIONS, (TABLE > 1).tolist()),
            "a vector": lambda f: f(TABLE[0], *FUNCTIONS),
            "an output of another order": lambda f: f(TABLE, *FUNCTIONS, out=np.ones((20, 4))),
            "a narrower output": lambda f: f(TABLE, *FUNCTIONS, out=np.ones((4, 20), "f4").T),
            "one argument": lambda f: f(TABLE),
            "an unknown keyword": lambda f: f(TABLE, *FUNCTIONS, order="F"),
        },
    ),
    "candidate_rss": Manners(
        calls=knots,
        draw=candidates,
        original=None,
        # of what cancels, a hundredth is left
        scale=lambda q, residual, parent, x, order: np.full(len(x), 100 * (residual @ residual)),
        more=PRESENT[1:],
        uncovered={
            "two precisions": lambda f: f(PRESENT[0].astype("f4"), *PRESENT[1:]),
            "a basis of another order": lambda f: f(np.asfortranarray(PRESENT[0]), *PRESENT[1:]),
            "an order that is a list": lambda f: f(*PRESENT, np.argsort(PRESENT[3]).tolist()),
            "an order of short numbers": lambda f: f(*PRESENT, np.argsort(PRESENT[3]).astype("i2")),
            "fewer samples": lambda f: f(PRESENT[0][:-1], *PRESENT[1:]),
            "a table as variable": lambda f: f(*PRESENT[:3], TABLE),
            "one argument": lambda f: f(PRESENT[0]),
            "an unknown keyword": lambda f: f(*PRESENT, out=PRESENT[1]),
        },
    ),
}
