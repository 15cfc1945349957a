"""Signatures, sizes and source hashes of calls."""

from __future__ import annotations

import enum
import functools
import pickle
import types

import numpy as np
import pytest

from autotune import DeclarationError, jitable, tunable
from autotune.kernel.signature import NotCovered, Signature, describe_key, signature_of
from autotune.kernel.source import source_hash
from tests import helpers


class Rank(enum.IntEnum):
    FIRST = 1


class Side(enum.Enum):
    LEFT = 1


def declared(**options):
    @tunable(**options)
    def work(x, y=None, mode="fast", k=1, scale=1.0, out=None):
        return x

    @work.variant(kind="scalar")
    def same(x, y=None, mode="fast", k=1, scale=1.0, out=None):
        return x

    return work.__autotune__.kernel


def key(kernel, *args, **kwargs) -> str:
    found = signature_of(kernel, kernel.bind(*args, **kwargs))
    assert isinstance(found, Signature), found
    return found.key


def refused(kernel, *args, **kwargs) -> str:
    found = signature_of(kernel, kernel.bind(*args, **kwargs))
    assert isinstance(found, NotCovered), found
    return found.reason


X = np.ones((3, 4))


def test_dtype_ndim_and_layout_are_told_apart_and_sizes_are_not():
    kernel = declared(size={"n": "x.size"})

    assert key(kernel, X) == key(kernel, np.ones((7, 2)))
    different = {key(kernel, a) for a in (X, X.astype("f4"), X.ravel(), np.asfortranarray(X), X[:, ::2])}
    assert len(different) == 5


def test_values_count_by_value_or_type():
    kernel = declared(size={"n": "x.size"})

    assert key(kernel, X, mode="slow") != key(kernel, X, mode="fast")
    assert key(kernel, X, k=3) == key(kernel, X, k=4)
    assert key(kernel, X, scale=3.0) == key(kernel, X, scale=4.0) != key(kernel, X, scale=4)
    assert key(kernel, X, y=True) != key(kernel, X, y=False)
    assert key(kernel, X, y=len) == key(kernel, X, y=max)
    assert key(kernel, X, y=np.float32(1)) != key(kernel, X, y=np.float64(1))
    assert key(kernel, X, y=(1, 2)) == key(kernel, X, y=(3, 4)) != key(kernel, X, y=(1, 2, 3))


def test_static_arguments_count_by_value():
    kernel = declared(size={"n": "x.size"}, static=("k", "y"))

    assert key(kernel, X, k=3) != key(kernel, X, k=4)
    assert key(kernel, X, y=Side.LEFT) != key(kernel, X, y=None)
    assert key(kernel, X, y=Rank.FIRST) != key(kernel, X, y=1) != key(kernel, X, y=np.int64(1))
    assert key(kernel, X, y=np.int64(1)) == key(kernel, X, y=np.int64(1)) != key(kernel, X, y=np.int32(1))
    assert key(kernel, X, y=(1, 2)) != key(kernel, X, y=(1, 3))
    assert "tuple of more than numbers" in refused(kernel, X, y=(1, (2, 3)))


@pytest.mark.parametrize(
    "value",
    [[1.0, 2.0], (1.0,), 3.0, np.float64(3), np.ma.array([1.0]), np.asmatrix([[1.0]]), memoryview(b"12")],
    ids=lambda v: type(v).__name__,
)
def test_anything_but_an_exact_array_where_an_array_belongs_is_not_covered(value):
    assert "x is a" in refused(declared(size={"n": "x.size"}), value)


def test_arrays_that_compiled_code_cannot_take_are_not_covered():
    kernel = declared(size={"n": "x.size"})
    misaligned = np.frombuffer(b"\0" * 33, np.uint8)[1:].view(np.float64)

    assert "not aligned" in refused(kernel, misaligned)
    for dtype in (">f8", "f2", "g", "O", "M8[s]", "U3"):
        assert "dtype" in refused(kernel, np.zeros(3, dtype))


def test_an_output_that_overlaps_an_input_is_not_covered():
    kernel = declared(size={"n": "x.size"})
    buffer = np.zeros(10)

    assert "overlaps" in refused(kernel, buffer[:6], out=buffer[4:])
    assert "overlaps" in refused(kernel, buffer, out=buffer)
    assert "not exactly a numpy.ndarray" in refused(kernel, buffer, out=(buffer,))
    assert key(kernel, buffer[:5], out=buffer[5:])


def test_an_elementwise_kernel_may_write_onto_its_input():
    kernel = declared(size={"n": "x.size"}, elementwise=True)
    buffer = np.zeros(10)

    assert key(kernel, buffer, out=buffer)
    assert "overlaps" in refused(kernel, buffer[:9], out=buffer[1:])


def test_an_argument_that_no_variant_takes_must_be_at_its_default():
    @tunable(size={"n": "x.size"})
    def work(x, axis=None):
        return x

    work.variant(lambda x: x, kind="scalar", name="flat")
    kernel = work.__autotune__.kernel

    assert key(kernel, X) == key(kernel, X, None)
    assert "no variant takes axis=0" in refused(kernel, X, 0)


def test_unpickled_arrays_have_the_same_signature():
    kernel = declared(size={"n": "x.size"})

    assert key(kernel, pickle.loads(pickle.dumps(X))) == key(kernel, X)


def test_a_key_can_be_read_by_people():
    assert describe_key(key(declared(size={"n": "x.size"}), X, mode="slow", k=3)) == (
        "float64 2-d C, mode='slow', k: int, scale: float"
    )


def test_the_default_size_is_the_total_of_all_inputs():
    @tunable
    def add(x, y, out=None):
        return x

    kernel = add.__autotune__.kernel

    assert kernel.size_of(kernel.bind(np.ones(3), np.ones(4), out=np.ones(5))) == {"n": 7}


def test_sizes_build_on_each_other_and_may_be_a_callable():
    @tunable(size={"n": "x.size", "pow2": "n & (n - 1) == 0"})
    def a(x):
        return x

    @tunable(size=lambda x: {"n": x.size} if x.ndim == 1 else None)
    def b(x):
        return x

    assert a.__autotune__.kernel.size_of({"x": np.ones(8)}) == {"n": 8, "pow2": True}
    assert b.__autotune__.kernel.size_of({"x": np.ones(8)}) == {"n": 8}
    assert b.__autotune__.kernel.size_of({"x": X}) is None


def test_sizes_from_numpys_whole_numbers_are_pythons_as_records_hold_them():
    @tunable(size={"count": "n", "even": "n % 2 == 0"})
    def a(n):
        return n

    @tunable(size=lambda n: {"count": n})
    def b(n):
        return n

    for tuned in (a, b):
        for given in (np.int64(6), np.uint8(6), True, np.True_):
            assert {type(value) for value in tuned.__autotune__.kernel.size_of({"n": given}).values()} == {int}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x.size / 2", "use // instead of /"),
        ("x.size - 100", "a size is at least 0"),
        ("x.size // 0", "raised ZeroDivisionError"),
        ("None", "is None"),
    ],
)
def test_a_size_that_is_no_whole_number_is_refused_at_calibration(text: str, part: str):
    @tunable(size={"n": text})
    def work(x):
        return x

    with pytest.raises(DeclarationError, match=part):
        work.__autotune__.kernel.size.checked({"x": X})


# -- source hashes


FACTOR = 3


def helper(x):
    return x + 1


def uses_helper(x):
    return helper(x) * FACTOR


def uses_other_module(x):
    return helpers.shift(x)


def loaded(source: str):
    """A function of a module of its own, made from source."""
    module = types.ModuleType("made")
    exec(source, module.__dict__)
    return module.work


def test_the_hash_sees_code_and_not_layout():
    plain = loaded("def work(x):\n    return x + 1\n")
    laid_out = loaded(
        "# a comment\n\ndef work(x):\n    '''Docstring.'''\n\n    return (\n        x + 1  # more\n    )\n"
    )
    other = loaded("def work(x):\n    return x + 2\n")

    assert source_hash(plain) == source_hash(laid_out) != source_hash(other)


def test_the_hash_sees_helpers_constants_and_other_modules(monkeypatch):
    before = source_hash(uses_helper)
    monkeypatch.setitem(globals(), "FACTOR", 4)
    with_constant = source_hash(uses_helper)
    monkeypatch.setitem(globals(), "helper", lambda x: x + 2)
    with_helper = source_hash(uses_helper)
    other = source_hash(uses_other_module)
    monkeypatch.setattr(helpers, "OFFSET", 5)

    assert len({before, with_constant, with_helper}) == 3
    assert source_hash(uses_other_module) != other


def test_the_hash_sees_closures_defaults_and_array_constants():
    def made(n, table):
        return lambda x, k=n: x + k + table

    a = np.arange(3)
    assert source_hash(made(1, a)) == source_hash(made(1, a.copy())) != source_hash(made(2, a))
    assert source_hash(made(1, a)) != source_hash(made(1, a + 1))


def test_the_hash_sees_what_chains_of_attributes_classes_and_partial_calls_lead_to(monkeypatch):
    inner, outer = types.ModuleType("made.inner"), types.ModuleType("made.outer")
    inner.__dict__.update(OFFSET=1)
    exec("def helper(x): return x + OFFSET\ndef unused(x): return x", inner.__dict__)
    outer.inner = inner
    exec("class Table:\n    N = 3\n    @staticmethod\n    def row(x): return x", outer.__dict__)
    source = "import functools\ndef add(x, n): return x + n\nadd_two = functools.partial(add, n=2)\n"
    work = types.ModuleType("made.work")
    work.outer = outer
    exec(source + "def work(x): return add_two(outer.inner.helper(x)) * outer.Table.N", work.__dict__)
    hashes = [source_hash(work.work)]

    for where, name, value in (
        (inner, "OFFSET", 2), (inner, "helper", lambda x: x), (outer.Table, "N", 4),
        (outer.Table, "row", staticmethod(lambda x: x + 1)), (work, "add_two", functools.partial(work.add, n=3)),
        (work, "add_two", functools.partial(inner.unused, n=3)),
    ):  # fmt: skip
        if callable(value) and not isinstance(value, functools.partial):
            value = getattr(value, "__func__", value)
            value.__module__ = "made.inner"
            value = staticmethod(value) if where is outer.Table else value
        monkeypatch.setattr(where, name, value)
        hashes.append(source_hash(work.work))
    assert len(set(hashes)) == len(hashes)
    monkeypatch.setattr(inner, "unused_too", 5, raising=False)
    assert source_hash(work.work) == hashes[-1]


def test_the_hash_tells_functions_of_other_packages_from_one_another():
    def calling(function):
        return lambda x: function(x)

    def offset_by(n):
        def foreign(x):
            return x + n

        foreign.__module__ = "another_package.helpers"
        return jitable(foreign)

    others = [np.sin, np.cos, np.float32, np.float64, np.median, np.mean, abs, offset_by(1), offset_by(2)]

    assert len({source_hash(calling(function)) for function in others}) == len(others)
    assert source_hash(calling(offset_by(1))) == source_hash(calling(offset_by(1)))


def test_the_hash_is_the_same_in_every_process(run):
    source = "def work(x):\n    return x in {'a', 'b', 'c'} or x in ('d', frozenset({'e', 'f'}))\n"
    script = (
        f"import types; m = types.ModuleType('made'); exec({source!r}, m.__dict__)\n"
        "from autotune.kernel.source import source_hash; print(source_hash(m.work))"
    )

    assert {run(script, PYTHONHASHSEED=seed).stdout.strip() for seed in ("0", "1", "2")} == {
        source_hash(loaded(source))
    }


def test_what_others_import_does_not_change_the_source_of_a_function(run):
    hashes = [
        run(
            f"import numpy as np{more}\n"
            "from autotune.kernel.source import source_hash\n"
            "print(source_hash(np.percentile), source_hash(np.median), 'ma' in vars(np))"
        ).stdout.split()
        for more in ("", ", numpy.ma, numpy.fft, numpy.random")
    ]

    assert hashes[0][:2] == hashes[1][:2]
    assert [loaded for *_, loaded in hashes] == ["False", "True"]
