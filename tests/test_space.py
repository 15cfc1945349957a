"""Parameters, constraints and spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.errors import SpaceError
from autotune.space import Choice, IntRange, Pow2, Range, Space, Static, as_parameter


def declare(where=None, **params) -> Space:
    return Space.declare(params, where=where, owner="kernel k, variant v")


@given(st.integers(0, 12), st.integers(0, 12))
def test_pow2_lists_every_power_between_its_bounds(a: int, b: int):
    lo, hi = sorted((a, b))

    assert Pow2(1 << lo, 1 << hi).values() == tuple(1 << e for e in range(lo, hi + 1))


def test_a_space_is_the_product_under_its_constraint():
    space = declare("rows * cols <= 64", rows=Pow2(4, 32), cols=Pow2(4, 32))

    assert len(list(space)) == space.size == 6
    assert all(dict(c)["rows"] * dict(c)["cols"] <= 64 for c in space)


def test_a_constraint_may_be_a_predicate():
    assert declare(lambda a, b: a < b, a=range(3), b=range(3)).size == 3


def test_the_empty_space_has_one_config():
    assert list(declare()) == [()]
    assert declare().default == ()


@given(st.data())
def test_neighbours_are_legal_and_one_step_away(data):
    space = declare("a + b < 9", a=IntRange(0, 6), b=IntRange(0, 6, 2))
    config = data.draw(st.sampled_from(list(space)))

    for neighbour in space.neighbours(config):
        assert neighbour in space
        assert sum(x != y for x, y in zip(config, neighbour, strict=True)) == 1


def test_the_default_is_in_the_middle_and_legal():
    assert declare(a=Pow2(1, 16)).default == (("a", 4),)
    space = declare("a != 4", a=Pow2(1, 16))
    assert space.default in space


@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 14))
def test_the_default_is_as_near_to_the_middle_as_any(a: int, b: int, bound: int):
    space = Space({"a": IntRange(1, a), "b": Pow2(1, 1 << b)}, lambda a, b: a + b >= bound)

    def distance(config):
        parts = [(space.parameters[name].values(), value) for name, value in config]
        return sum(abs(v.index(value) - (len(v) - 1) / 2) / len(v) for v, value in parts)

    legal = list(space)
    if legal:
        assert space.default in legal
        assert distance(space.default) == pytest.approx(min(map(distance, legal)))
    else:
        with pytest.raises(SpaceError, match="no setting is legal"):
            _ = space.default


def test_the_default_of_a_huge_space_is_found_without_listing_it():
    space = declare("a + b <= 1000", **dict.fromkeys("abcdef", IntRange(1, 1000)))

    assert dict(space.default) == dict.fromkeys("abcdef", 500)
    assert space.count(70) == 70


def test_values_of_another_type_are_not_legal():
    space = declare(block=Pow2(8, 64))

    assert space.config({"block": 16}) == (("block", 16),)
    for wrong in ({"block": "16"}, {"block": 16.0}, {"block": True}, {"block": 0}, {"block": -1}, {"block": 10**9}, {}):
        assert space.config(wrong) is None


def test_static_parameters_are_named():
    assert declare(tile=Static(Pow2(8, 32)), rows=Pow2(1, 2)).static_names == ("tile",)


def test_a_plain_sequence_is_a_choice():
    assert as_parameter([1, 2], "p") == Choice(1, 2)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: Pow2(3, 8), "two powers of two"),
        (lambda: Pow2(16, 8), "swap the bounds"),
        (lambda: IntRange(1, 5, 0), "step of at least 1"),
        (lambda: IntRange(5, 1), "swap the bounds"),
        (lambda: Choice(), "empty"),
        (lambda: Choice(1, 1), "twice"),
        (lambda: Choice(object()), "expected a number"),
        (lambda: Range(5, 1), "0 <= lo <= hi"),
        (lambda: declare(block=[]), "the space is empty"),
        (lambda: declare(block=3), "expected Pow2"),
        (lambda: declare("block > 10", block=[1, 2]), "no setting satisfies"),
        (lambda: declare("blok > 1", block=[1, 2]), "unknown name 'blok'"),
        (lambda: declare("block > 1"), "add params="),
        (lambda: declare(3, block=[1]), "must be an expression or a callable"),
        (lambda: declare(lambda a, b, c, d: True, **{n: range(40) for n in "abcd"}).size, "too many to count"),
    ],
)
def test_a_malformed_space_is_refused_with_the_mend(make, part: str):
    with pytest.raises(SpaceError if "unknown" not in part else TypeError, match=part.replace("(", r"\(")):
        make()
