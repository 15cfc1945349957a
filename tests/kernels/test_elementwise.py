"""Elementwise functions: the ends of their fast ranges, and work in place. Their accuracy is that of `vecmath`."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from autotune.measure.compare import Bounds, compare
from kernels import vecmath
from tests.kernels.books import MANNERS, calls, variants_of
from tests.kernels.calls import Call, bits, outcome, strided
from tests.kernels.elementwise import MANNERS as FAMILY
from tests.records import decide, leaf


def limits(name, dtype):
    """The ends of the fast range that are not the ends of the numbers."""
    fast = getattr(vecmath, f"{name}_{'F32' if dtype == 'float32' else 'F64'}".upper(), None)
    return [end for end in (fast and fast.low, fast and fast.high) if end is not None and np.isfinite(end)]


LIMITED = [param for param in variants_of(*FAMILY) if limits(param.values[0].__name__, param.values[2])]
IN_PLACE = [param for param in variants_of(*FAMILY) if not param.values[1].name.startswith("compact")]


@pytest.mark.parametrize(("tuned", "variant", "dtype"), LIMITED)
def test_beyond_the_fast_range_numpy_answers(tuned, variant, dtype):
    for limit in limits(tuned.__name__, dtype):
        beyond = limit + np.sign(limit) * np.spacing(abs(limit)) if abs(limit) >= 1 else -limit
        x = np.random.default_rng(0).uniform(0.25, 0.5, 100).astype(dtype)
        x[-1] = beyond
        x = strided(x) if variant.name.startswith("compact") else x
        with np.errstate(all="ignore"):
            assert bits(tuned.call(variant.name, x)) == bits(tuned.reference(x))


@pytest.mark.parametrize(("tuned", "variant", "dtype"), IN_PLACE)
def test_elementwise_kernels_overwrite_their_input(tuned, variant, dtype):
    x, *more = calls(tuned.__name__, dtype, n=300_001, columns=1)[0].args
    expected = tuned.reference(x, *more)
    decide(tuned, (x, *more, x), leaf(variant.name, **dict(variant.space.default)))

    assert tuned(x, *more, out=x) is x
    compare(expected, x, Bounds(variant.numerics, MANNERS[tuned.__name__].factor))


@pytest.mark.parametrize(("tuned", "variant", "dtype"), IN_PLACE)
def test_in_place_what_only_numpy_can_answer_is_met_wherever_it_is_and_no_element_changed_twice(tuned, variant, dtype):
    manners, largest = MANNERS[tuned.__name__], np.finfo(dtype).max
    in_one_block = partial(variant.function, **dict(next(iter(variant.space))))

    for values in [values for _, values in manners.loud] or [lambda _: [[manners.unusual]]]:
        for place in (0, 299_000, -1):
            x, *more = calls(tuned.__name__, dtype, n=300_001, columns=1)[0].args
            x[place] = values(largest)[0][-1]
            before = x.copy()
            expected = outcome(tuned.reference, Call((before, *more), {"out": before}), all="raise")
            found = outcome(in_one_block, Call((x, *more), {"out": x}), all="raise")
            assert found.raised == expected.raised
            compare(before, x, Bounds(variant.numerics, manners.factor))
