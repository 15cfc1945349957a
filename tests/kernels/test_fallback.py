"""Calls that no variant of the kernel library covers: they go to the reference, exactly as they were made."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernels.books import KERNELS, MANNERS, calls
from tests.kernels.calls import PRECISIONS, Call, outcome, taken
from tests.kernels.manners import TABLE, Subclass, misaligned
from tests.records import decide, leaf

ARRAYS = {
    "a list": TABLE.tolist(),
    "a tuple": tuple(TABLE[0]),
    "lists of unequal length": [[1.0, 2.0], [3.0]],
    "nothing in a list": [],
    "whole numbers": np.arange(20).reshape(4, 5),
    "truth values": TABLE > 0,
    "half precision": TABLE.astype("f2"),
    "extended precision": TABLE.astype(np.longdouble),
    "complex numbers": TABLE + 1j,
    "objects": TABLE.astype(object),
    "text": np.array(["a", "b"]),
    "records": np.zeros(3, [("value", "f8")]),
    "a matrix": np.matrix(TABLE),
    "a masked array": np.ma.masked_greater(TABLE, 0.5),
    "a subclass": TABLE.view(Subclass),
    "the other byte order": TABLE.astype(TABLE.dtype.newbyteorder()),
    "a misaligned array": misaligned(TABLE),
    "an array without axes": np.array(0.5),
    "a number": 0.5,
    "a NumPy number": np.float64(0.5),
    "a string": "0.5",
    "None": None,
}


@pytest.fixture(params=KERNELS)
def name(request):
    return request.param


@pytest.fixture(params=["the reference", "a variant"])
def tuned(request, name, monkeypatch):
    """A kernel that has made up its mind about the usual calls, for the reference or for a variant."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    tuned = KERNELS[name]
    tuned.cache_clear()
    for call in [call for dtype in PRECISIONS for call in calls(name, dtype, n=60, columns=5)]:
        variants = [variant.name for variant in tuned.variants.values() if taken(tuned, variant, [call])]
        decide(tuned, call.args, leaf("reference" if request.param == "the reference" else variants[0]), **call.kwargs)
    yield tuned
    tuned.cache_clear()


def assert_same_outcome(make, tuned, what):
    """Twice, because the second call meets code that knows of the first."""
    expected = outcome(make, Call((tuned.reference,)))
    for _ in range(2):
        found = outcome(make, Call((tuned,)))

        assert (what, *found[1:]) == (what, *expected[1:])
        assert_same(found.result, expected.result)


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, tuple):
        for part, expected_part in zip(found, expected, strict=True):
            assert_same(part, expected_part)
    elif expected is not None:
        np.testing.assert_array_equal(found, expected, strict=True)


def test_what_is_no_plain_array_of_floats_goes_to_the_reference(name, tuned):
    more = MANNERS[name].more

    for what, array in ARRAYS.items():
        assert_same_outcome(lambda f, array=array: f(array, *more), tuned, what)


def test_arguments_that_no_variant_takes_go_to_the_reference(name, tuned):
    for what, make in MANNERS[name].uncovered.items():
        assert_same_outcome(make, tuned, what)
