"""Calls that no variant of the kernel library covers: they go to the reference, exactly as they were made."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kernel_calls import KERNELS, PRECISIONS, Call, calls, normal, outcome, taken
from tests.records import decide, leaf

TABLE = normal("float64", 20, 5)
SINGLE = TABLE.astype("float32")
OTHER = normal("float64", 3, 5)


def out(*shape, dtype="float64"):
    return np.full(shape, 7, dtype)


def misaligned(array):
    """A copy that begins one byte after a place where its elements may begin."""
    copy = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def read_only(array):
    array.flags.writeable = False
    return array


def one_behind(function, *more):
    """What a function leaves in a buffer if its output begins one row behind its input."""
    buffer = TABLE.copy()
    function(buffer[:-1], *more, out=buffer[1:])
    return buffer


class Subclass(np.ndarray):
    """An array in all but its type."""


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

FUNCTION_OF_NUMBERS = {
    "where": lambda f: f(TABLE, where=TABLE > 0, out=out(20, 5)),
    "dtype": lambda f: f(TABLE, dtype="float32", casting="same_kind"),
    "a dtype that cannot be": lambda f: f(TABLE, dtype="int64"),
    "order": lambda f: f(TABLE, order="F"),
    "subok": lambda f: f(TABLE.view(Subclass), subok=False),
    "signature": lambda f: f(SINGLE, signature="d->d"),
    "an output in a tuple": lambda f: f(TABLE, out=(out(20, 5),)),
    "None for an output in a tuple": lambda f: f(TABLE, out=(None,)),
    "a wider output": lambda f: f(SINGLE, out(20, 5)),
    "a narrower output": lambda f: f(TABLE, out(20, 5, dtype="f4")),
    "an output of whole numbers": lambda f: f(TABLE, out=out(20, 5, dtype="i8")),
    "a larger output": lambda f: f(TABLE, out(2, 20, 5)),
    "a smaller output": lambda f: f(TABLE, out(20, 4)),
    "a read-only output": lambda f: f(TABLE, out=read_only(out(20, 5))),
    "a strided output": lambda f: f(TABLE, out=out(20, 10)[:, ::2]),
    "an output of another order": lambda f: f(TABLE, out=out(5, 20).T),
    "an output that overlaps": one_behind,
    "an output that is a list": lambda f: f(TABLE, out=TABLE.tolist()),
    "no argument": lambda f: f(),
    "too many arguments": lambda f: f(TABLE, None, None),
    "an unknown keyword": lambda f: f(TABLE, axis=0),
    "a keyword for what goes by position": lambda f: f(x=TABLE),
}
REDUCTION = {
    "axis": lambda f: f(TABLE, axis=0),
    "axis by position": lambda f: f(TABLE, 0),
    "the last axis": lambda f: f(TABLE, axis=-1),
    "an axis that is a NumPy number": lambda f: f(TABLE, axis=np.int64(1)),
    "two axes": lambda f: f(TABLE, axis=(0, 1)),
    "no axes": lambda f: f(TABLE, axis=()),
    "an axis that is not there": lambda f: f(TABLE, axis=5),
    "an axis that is no whole number": lambda f: f(TABLE, axis=1.0),
    "keepdims": lambda f: f(TABLE, keepdims=True),
    "keepdims, not": lambda f: f(TABLE, keepdims=False),
    "dtype": lambda f: f(TABLE, dtype="float32"),
    "where": lambda f: f(TABLE, where=TABLE > 0),
    "an output": lambda f: f(TABLE, axis=0, out=out(5)),
    "an output without axes": lambda f: f(TABLE, out=out()),
    "a wrong output": lambda f: f(TABLE, out=out(3)),
    "no argument": lambda f: f(),
    "an unknown keyword": lambda f: f(TABLE, order="F"),
}
PAIR = {
    "two precisions": lambda f: f(TABLE, OTHER.astype("f4")),
    "a vector": lambda f: f(TABLE, OTHER[0]),
    "vectors": lambda f: f(TABLE[0], OTHER[0]),
    "a number": lambda f: f(TABLE, 2.0),
    "one argument": lambda f: f(TABLE),
    "one column": lambda f: f(TABLE, OTHER[:, :1]),
    "fewer columns": lambda f: f(TABLE, OTHER[:, :4]),
    "more columns": lambda f: f(TABLE[:, :4], OTHER),
    "too many arguments": lambda f: f(TABLE, OTHER, None, None),
    "an unknown keyword": lambda f: f(TABLE, OTHER, axis=0),
}
OTHER_CALLS = {
    "sin": FUNCTION_OF_NUMBERS,
    "cos": FUNCTION_OF_NUMBERS,
    "exp": FUNCTION_OF_NUMBERS,
    "sum": REDUCTION | {"initial": lambda f: f(TABLE, initial=5.0)},
    "mean": REDUCTION,
    "std": REDUCTION,
    "var": REDUCTION
    | {
        "ddof that is a NumPy number": lambda f: f(TABLE, ddof=np.int64(1)),
        "ddof that is no number": lambda f: f(TABLE, ddof="1"),
        "correction": lambda f: f(TABLE, correction=1),
        "correction and ddof": lambda f: f(TABLE, ddof=1, correction=1),
        "mean": lambda f: f(TABLE, mean=TABLE.mean(keepdims=True)),
    },
    "median": REDUCTION | {"overwrite_input": lambda f: f(TABLE.copy(), overwrite_input=True)},
    "matmul": PAIR
    | {
        "a stack": lambda f: f(normal("float64", 4, 3, 5), TABLE.T),
        "stacks that do not fit": lambda f: f(normal("float64", 4, 3, 5), normal("float64", 3, 5, 2)),
        "axes": lambda f: f(TABLE, OTHER, axes=[(0, 1), (1, 0), (0, 1)]),
        "dtype": lambda f: f(TABLE, OTHER.T, dtype="float32", casting="same_kind"),
        "an output in a tuple": lambda f: f(TABLE, OTHER.T, out=(out(20, 3),)),
        "a narrower output": lambda f: f(TABLE, OTHER.T, out=out(20, 3, dtype="f4")),
        "a read-only output": lambda f: f(TABLE, OTHER.T, out=read_only(out(20, 3))),
        "an output of another order": lambda f: f(TABLE, OTHER.T, out=out(3, 20).T),
        "an output that overlaps": lambda f: one_behind(f, np.eye(5)),
    },
    "transpose_copy": {
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
    },
    "softmax": {
        "the first axis": lambda f: f(TABLE, axis=0),
        "two axes": lambda f: f(TABLE, (0, 1)),
        "an axis that is not there": lambda f: f(TABLE, axis=5),
        "an axis that is no whole number": lambda f: f(TABLE, axis=1.0),
        "an axis that is a truth value": lambda f: f(TABLE, axis=True),
        "axes in a list": lambda f: f(TABLE, axis=[0, 1]),
        "an axis that is a string": lambda f: f(TABLE, axis="last"),
        "an unknown keyword": lambda f: f(TABLE, out=out(20, 5)),
    },
    "squared_distances": PAIR
    | {
        "a narrower output": lambda f: f(TABLE, OTHER, out=out(20, 3, dtype="f4")),
        "a read-only output": lambda f: f(TABLE, OTHER, out=read_only(out(20, 3))),
        "an output of another order": lambda f: f(TABLE, OTHER, out(3, 20).T),
    },
    "kmeans_step": PAIR,
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
    more = {"matmul": [OTHER.T], "squared_distances": [OTHER], "kmeans_step": [OTHER]}.get(name, [])

    for what, array in ARRAYS.items():
        assert_same_outcome(lambda f, array=array: f(array, *more), tuned, what)


def test_arguments_that_no_variant_takes_go_to_the_reference(name, tuned):
    for what, make in OTHER_CALLS[name].items():
        assert_same_outcome(make, tuned, what)
