"""The manners of fused chains."""

from __future__ import annotations

from functools import partial

import numpy as np
import scipy.special
from hypothesis import strategies as st

from tests.kernels.calls import Call
from tests.kernels.manners import (
    FUNCTION_OF_NUMBERS,
    SINGLE,
    TABLE,
    Calling,
    Manners,
    arrays,
    elementwise,
    layouts,
    mismatches,
    normal,
    one_array,
    out,
    outputs,
    read_only,
    reduction,
    shapes,
    table_of,
)


@st.composite
def operands(draw, dtype, *, count):
    """Arrays of one shape, or nearly; the result goes nowhere, elsewhere, or over one of them."""
    shape = draw(shapes)
    layout = draw(st.one_of(st.just(("C",) * count), st.tuples(*[layouts] * count)))
    given = [draw(arrays(dtype, *shape[:-1], shape[-1] + draw(mismatches), layout=one)) for one in layout]
    if len({array.shape for array in given}) > 1 or set(layout) != {"C"}:
        return Call(tuple(given))
    over_one = st.sampled_from(given).map(lambda array: {"out": array})
    return Call(tuple(given), draw(st.one_of(outputs(dtype, *shape), over_one)))


def _operands(count):
    """Usual calls: rows of a table, and tables."""

    def calls(dtype, n, columns):
        flat = tuple(normal(dtype, count, n))
        return [Call(flat), Call(tuple(array[: n // columns * columns].reshape(-1, columns) for array in flat))]

    return calls


def _uncovered(*more) -> dict[str, Calling]:
    """Calls of a function of several arrays that it leaves to its reference."""
    rest = more[1:]
    return {
        "two precisions": lambda f: f(SINGLE, *more),
        "one row for all": lambda f: f(TABLE, TABLE[0], *rest),
        "one column for all": lambda f: f(TABLE, TABLE[:, :1], *rest),
        "a number": lambda f: f(TABLE, 2.0, *rest),
        "a number first": lambda f: f(2, *more),
        "shapes that do not fit": lambda f: f(TABLE, TABLE.T, *rest),
        "too few": lambda f: f(TABLE, *rest),
        "a larger output": lambda f: f(TABLE, *more, out(2, 20, 5)),
        "a smaller output": lambda f: f(TABLE, *more, out(20, 4)),
        "a narrower output": lambda f: f(TABLE, *more, out(20, 5, dtype="f4")),
        "an output of whole numbers": lambda f: f(TABLE, *more, out(20, 5, dtype="i8")),
        "a read-only output": lambda f: f(TABLE, *more, out=read_only(out(20, 5))),
        "an output of another order": lambda f: f(TABLE, *more, out=out(5, 20).T),
        "an output that is a list": lambda f: f(TABLE, *more, out=TABLE.tolist()),
        "an output that overlaps": lambda f: _one_behind(f, *more),
        "an unknown keyword": lambda f: f(TABLE, *more, where=TABLE > 0),
    }


def _one_behind(function, *more):
    """What a function leaves in a buffer if its output begins one row behind its first operand."""
    buffer = TABLE.copy()
    function(buffer[:-1], *(array[:-1] for array in more), out=buffer[1:])
    return buffer


_LOUD = [
    ("overflow", lambda largest: [[largest, 1], [2, 1]]),
    ("invalid value", lambda largest: [[np.inf, 1], [0, 1]]),
    ("underflow", lambda largest: [[1 / largest, 1], [0.3, 1]]),
]


@st.composite
def normalizations(draw, dtype):
    """An array, factors and terms of its columns, or none, and what is added to the variance."""
    x = draw(arrays(dtype, *draw(shapes), layout=draw(layouts)))
    columns = [
        draw(st.one_of(st.none(), arrays(dtype, x.shape[-1] + draw(mismatches), layout=draw(layouts))))
        for _ in range(2)
    ]
    return Call((x, *columns), draw(st.sampled_from([{}, {}, {"eps": 0.5}, {"eps": 1}, {"eps": np.float64(0.1)}])))


def _layer_norm(x, gamma=None, beta=None, eps=1e-5):
    """The definition, term by term."""
    normalized = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return normalized * (1 if gamma is None else gamma) + (-0.0 if beta is None else beta)


def _layer_norm_scale(x, gamma=None, beta=None, eps=1e-5):
    """A row that varies by nothing but rounding is divided by the root of eps."""
    largest = np.max(x, axis=-1, keepdims=True, initial=0) / np.sqrt(eps) + np.zeros_like(x)
    return largest * (1 if gamma is None else gamma) + (0 if beta is None else beta)


_LAYER_NORM: dict[str, Calling] = {
    "a factor": lambda f: f(TABLE, 2.0, 1.0),
    "factors in a list": lambda f: f(TABLE, [1.0] * 5),
    "factors of another precision": lambda f: f(SINGLE, TABLE[0], SINGLE[0]),
    "terms of another precision": lambda f: f(TABLE, TABLE[0], SINGLE[0]),
    "factors of whole numbers": lambda f: f(TABLE, np.arange(5)),
    "a table of factors": lambda f: f(TABLE, TABLE),
    "too few factors": lambda f: f(TABLE, TABLE[0, :4]),
    "too many terms": lambda f: f(TABLE, None, TABLE[:, 0]),
    "one term": lambda f: f(TABLE, beta=TABLE[0, :1]),
    "terms of every second column": lambda f: f(TABLE, None, np.arange(10.0)[::2]),
    "eps in an array": lambda f: f(TABLE, eps=np.full(1, 1e-5)),
    "eps less than nothing": lambda f: f(TABLE, eps=-10.0),
    "eps of each row": lambda f: f(TABLE, eps=TABLE[:, :1] ** 2),
    "an unknown keyword": lambda f: f(TABLE, axis=0),
}
_AXES = st.sampled_from([None, None, -1, -1, np.int64(-1), 1, 0, (0,)])


def _rows_and_all(dtype, n, columns):
    """Usual calls: each row of a table, and everything."""
    return [Call((table_of(dtype, n, columns),), {"axis": -1}), Call((normal(dtype, n),))]


def _largest(a, axis=None, keepdims=False):
    """The largest finite element, and at least the logarithm of a few thousand elements."""
    return np.max(np.where(np.isfinite(a), a, 0), axis=axis, keepdims=keepdims, initial=8)


_AXIS: dict[str, Calling] = {
    "the first axis": lambda f: f(TABLE, axis=0),
    "two axes": lambda f: f(TABLE, (0, 1)),
    "an axis that is not there": lambda f: f(TABLE, axis=5),
    "an axis that is no whole number": lambda f: f(TABLE, axis=1.0),
    "an axis that is a truth value": lambda f: f(TABLE, axis=True),
    "axes in a list": lambda f: f(TABLE, axis=[0, 1]),
    "an axis that is a string": lambda f: f(TABLE, axis="last"),
    "an unknown keyword": lambda f: f(TABLE, out=out(20, 5)),
}

_LOGSUMEXP: dict[str, Calling] = {
    "weights": lambda f: f(TABLE, b=np.abs(TABLE)),
    "weights of either sign": lambda f: f(TABLE, -1, TABLE),
    "weights of no sign": lambda f: f(TABLE, b=0),
    "the sign": lambda f: f(TABLE, return_sign=True),
    "weights and the sign": lambda f: f(TABLE, 1, TABLE, True, True),
    "weights that do not fit": lambda f: f(TABLE, b=TABLE[:3]),
}
_LOUD_ROWS = [
    ("invalid value", lambda largest: [[[1, np.inf]]]),
    ("overflow", lambda largest: [[[largest, -largest]]]),
]


def _gelu(x):
    """The definition, in longer precision."""
    wide = x.astype(np.longdouble)
    inner = np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)
    return (wide * (0.5 * (1 + np.tanh(inner)))).astype(x.dtype)


MANNERS = {
    "gelu": Manners(
        calls=one_array,
        draw=elementwise,
        original=_gelu,
        factor=8,
        scale=lambda x: x,
        unusual=-np.inf,
        loud=[
            ("invalid value", lambda largest: [[1, -np.inf]]),
            ("overflow", lambda largest: [[1, largest]]),
            ("underflow", lambda largest: [[1, 1 / largest]]),
        ],
        uncovered={what: call for what, call in FUNCTION_OF_NUMBERS.items() if "by position" not in what},
        comparable=lambda call: np.all(np.abs(call.args[0]) < 1e12),  # beyond, cubes of float32 overflow
    ),
    "relu_multiply": Manners(
        calls=_operands(2),
        draw=partial(operands, count=2),
        original=lambda x, y: np.where(np.isnan(x), x, np.where(x > 0, x, x.dtype.type(0))) * y,
        loud=_LOUD,
        more=(TABLE,),
        uncovered=_uncovered(TABLE),
    ),
    "multiply_add": Manners(
        calls=_operands(3),
        draw=partial(operands, count=3),
        original=lambda a, b, c: a * b + c,
        loud=[(condition, lambda largest, of=of: [*of(largest), [1, 1]]) for condition, of in _LOUD],
        more=(TABLE, TABLE),
        uncovered=_uncovered(TABLE, TABLE),
    ),
    "softmax": Manners(
        calls=_rows_and_all,
        draw=partial(reduction, axis=_AXES),
        original=scipy.special.softmax,
        loud=_LOUD_ROWS,
        keywords=({"axis": -1}, {}),
        uncovered=_AXIS,
    ),
    "log_softmax": Manners(
        calls=_rows_and_all,
        draw=partial(reduction, axis=_AXES),
        original=scipy.special.log_softmax,
        scale=lambda x, axis=None: np.full_like(x, _largest(x)),
        loud=_LOUD_ROWS,
        keywords=({"axis": -1}, {}),
        uncovered=_AXIS,
    ),
    "logsumexp": Manners(
        calls=lambda dtype, n, columns: [
            *_rows_and_all(dtype, n, columns),
            Call((table_of(dtype, n, columns),), {"axis": 1, "keepdims": True}),
            Call((table_of(dtype, n, columns),), {"keepdims": True}),
            Call((normal(dtype, n),), {"axis": 0}),
        ],
        draw=partial(reduction, axis=_AXES, keepdims=st.sampled_from([False, False, True])),
        original=scipy.special.logsumexp,
        scale=_largest,
        loud=[("overflow", lambda largest: [[[largest, -largest]]])],
        keywords=({"axis": -1}, {}),
        uncovered=_AXIS | _LOGSUMEXP,
        comparable=lambda call: call.args[0].size > 0,  # of nothing with two axes, SciPy raises an IndexError
    ),
    "layer_norm": Manners(
        calls=lambda dtype, n, columns: [
            Call((table_of(dtype, n, columns), *normal(dtype, 2, columns))),
            Call((table_of(dtype, n, columns),)),
        ],
        draw=normalizations,
        original=_layer_norm,
        scale=_layer_norm_scale,
        loud=[_LOUD_ROWS[0], ("overflow", lambda largest: [[[largest, -largest]]])],
        uncovered=_LAYER_NORM,
    ),
}
