"""The expression language of sizes, conditions and constraints."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.errors import ExpressionError
from autotune.expression import Expression


def make(text: str, *names: str) -> Expression:
    return Expression(text, names=names or ("x", "n", "axis"), where="kernel k: size n")


def test_it_evaluates_over_the_given_names():
    assert make("x.shape[0] * n").evaluate({"x": np.ones((3, 2)), "n": 5}) == 15


@given(st.integers(0, 10**6))
def test_it_agrees_with_python(n: int):
    assert make("n & (n - 1) == 0 if n > 3 else min(n, 2)").evaluate({"n": n}) == (
        n & (n - 1) == 0 if n > 3 else min(n, 2)
    )


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x.size +", "is not a Python expression"),
        ("y.size", "unknown name 'y'"),
        ("[x for x in n]", "uses ListComp"),
        ("lambda: 1", "uses Lambda"),
        ("open(n)", "calls 'open'"),
        ("x.sum()", "calls 'x.sum'"),
        ("x.__class__", "private attribute"),
        ("(n := 3)", "uses NamedExpr"),
    ],
)
def test_what_it_may_not_be_is_refused_with_the_reason(text: str, part: str):
    with pytest.raises(ExpressionError, match="kernel k: size n") as caught:
        make(text)

    assert part in str(caught.value)


def test_it_must_be_text():
    with pytest.raises(ExpressionError, match="expected an expression string"):
        Expression(3, names=("n",), where="kernel k")  # type: ignore[arg-type]


def test_a_syntax_error_points_at_its_place():
    with pytest.raises(ExpressionError) as caught:
        make("n + + * 2")

    assert caught.value.args[0].splitlines()[-1].index("^") == 4 + len("n + + ")


def test_constants_are_folded_where_they_decide():
    expression = make("x.shape[axis] if axis is not None else x.size")

    assert ast.unparse(expression.specialize({"axis": None})) == "x.size"
    assert ast.unparse(expression.specialize({"axis": -1})) == "x.shape[-1]"


def test_comparing_none_is_not_giving_none():
    assert not make("n if axis is None else 0").may_be_none
    assert make("n if axis is None else None").may_be_none


def test_a_comparison_that_cannot_be_folded_is_left_for_the_call():
    assert ast.unparse(make("n if axis < 3 else 0").specialize({"axis": None})) == "n if None < 3 else 0"
