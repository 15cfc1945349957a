"""The tuned object: a plain function with methods, which pickles, copies, binds and can be forced."""

from __future__ import annotations

import concurrent.futures
import copy
import multiprocessing
import pickle
import threading

import numpy as np
import pytest

from autotune import Pow2, VariantError, tunable
from tests.records import decide, leaf, split


@pytest.fixture(autouse=True)
def only_use(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")


@tunable(size={"n": "x.size"})
def scaled(x, factor=2.0):
    return x * factor


@scaled.variant(kind="vectorized")
def multiplied(x, factor=2.0):
    return np.multiply(x, factor)


@scaled.variant(kind="blocked", params={"block": Pow2(2, 8)}, where="block != 4")
def in_blocks(x, factor=2.0, *, block):
    out = np.empty_like(x)
    for start in range(0, len(x), block):
        out[start : start + block] = x[start : start + block] * factor
    return out


@scaled.variant(kind="library", requires="no_such_module")
def by_library(x, factor=2.0):
    raise AssertionError


@scaled.variant(kind="scalar", requires=lambda: False)
def by_luck(x, factor=2.0):
    raise AssertionError


class Model:
    weight = 3

    @tunable(size={"n": "x.size"})
    def apply(self, x):
        return self.weight * x

    @apply.variant(kind="scalar")
    def doubled(self, x):
        return (self.weight * x) + 0.0


X = np.arange(6.0)


def test_it_pickles_by_name_and_copies_to_itself():
    assert pickle.loads(pickle.dumps(scaled)) is scaled
    assert copy.deepcopy(scaled) is scaled is copy.copy(scaled)


def test_it_works_in_worker_processes():
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        np.testing.assert_array_equal(pool.submit(scaled, X).result(), X * 2)


def test_it_works_as_a_method():
    model = Model()
    decide(Model.apply, (model, X), leaf("doubled"))

    np.testing.assert_array_equal(model.apply(X), 3 * X)
    np.testing.assert_array_equal(Model.apply(model, X), 3 * X)
    assert Model.apply.decision(model, X).variant == "doubled"
    assert pickle.loads(pickle.dumps(model.apply))(X)[1] == 3


def test_references_already_imported_see_the_new_decision():
    taken = scaled
    decide(scaled, (X,), leaf("multiplied"))

    assert taken.decision(X).variant == "multiplied"
    assert "_variant_" not in taken.__code__.co_names
    taken(X)
    assert any(name.startswith("_variant_") for name in taken.__code__.co_names)
    scaled.cache_clear()


def test_force_uses_one_variant_inside_and_leaves_no_trace():
    with scaled.force("in_blocks", block=2):
        inside = scaled.__autotune__.dispatcher.source
        np.testing.assert_array_equal(scaled(X), X * 2)
        with scaled.force("reference"):
            np.testing.assert_array_equal(scaled(X), X * 2)

    assert "_forced" in inside
    assert "_forced" not in scaled.__autotune__.dispatcher.source


def test_force_is_seen_by_its_own_thread_alone():
    seen = []
    barrier = threading.Barrier(2)

    @tunable(size={"n": "x.size"})
    def who(x):
        return "reference"

    who.variant(lambda x: "v", kind="scalar", name="v")

    def other():
        barrier.wait()
        seen.append(who(X))
        barrier.wait()

    thread = threading.Thread(target=other)
    thread.start()
    with who.force("v"):
        barrier.wait()
        mine = who(X)
        barrier.wait()
    thread.join()

    assert (mine, seen) == ("v", ["reference"])


def test_call_runs_a_variant_by_name_or_function():
    np.testing.assert_array_equal(scaled.call("multiplied", X, 3.0), X * 3)
    np.testing.assert_array_equal(scaled.call(in_blocks, X, params={"block": 8}), X * 2)
    np.testing.assert_array_equal(scaled.call("reference", X, factor=4.0), X * 4)


@pytest.mark.parametrize(
    ("call", "part"),
    [
        (lambda: scaled.call("nothing", X), "no variant 'nothing'; declared: reference, multiplied"),
        (lambda: scaled.call("by_library", X), "requires no_such_module, which is not installed"),
        (lambda: scaled.call("by_luck", X), "does not hold here"),
        (lambda: scaled.call("in_blocks", X, params={"rows": 2}), "no parameter 'rows'; it has: block"),
        (lambda: scaled.call("in_blocks", X, params={"block": 4}), "no legal setting"),
        (lambda: scaled.call("in_blocks", X, params={"block": "2"}), "no legal setting"),
        (lambda: scaled.call("multiplied", [1.0]), "does not take this call: x is a list"),
        (lambda: scaled.force("nothing").__enter__(), "no variant 'nothing'"),
        (lambda: scaled.tune([1.0]), "cannot be tuned: x is a list"),
    ],
)
def test_a_variant_that_cannot_be_called_says_why(call, part: str):
    with pytest.raises(VariantError) as caught:
        call()

    assert part in str(caught.value)


def test_resolve_gives_the_bare_winner():
    decide(scaled, (X,), split("n", 4, leaf("reference"), leaf("multiplied")))
    winner = scaled.resolve(X)
    decide(scaled, (X, 3), split("n", 4, leaf("reference"), leaf("in_blocks", block=8)))
    with_settings = scaled.resolve(X, 3)

    assert scaled.resolve(X[:2]) is scaled.reference
    assert winner(X)[1] == 2
    np.testing.assert_array_equal(with_settings(X, 3), X * 3)
    assert with_settings.__name__ == "in_blocks"
    scaled.cache_clear()


def test_decision_does_not_tune_and_says_why():
    assert scaled.decision(X).variant == "reference"
    assert scaled.decision(X).reason == "nothing recorded for this signature"
    assert scaled.decision([1.0]).reason == "x is a list, not exactly a numpy.ndarray"


def test_explain_is_text_html_and_data():
    decide(scaled, (X,), split("n", 4, leaf("reference"), leaf("in_blocks", block=8)))
    explanation = scaled.explain(X)
    data = explanation.to_dict()

    assert "served by  in_blocks(block=8)" in str(explanation)
    assert "n < 4" in str(explanation)
    assert "by_library: requires no_such_module" in str(explanation)
    assert explanation._repr_html_().startswith("<pre>")
    assert data["variant"] == "in_blocks"
    assert data["params"] == {"block": 8}
    assert data["record"]["decision"]["node"] == "split"
    assert scaled.explain([1]).chosen.reason.startswith("x is a list")
    scaled.cache_clear()


def test_cache_info_begins_as_that_of_lru_cache():
    info = scaled.cache_info()

    assert info._fields[:4] == ("hits", "misses", "maxsize", "currsize")


def test_cache_clear_forgets():
    decide(scaled, (X,), leaf("multiplied"))
    scaled.cache_clear()

    assert scaled.cache_info().currsize == 0
    assert scaled.decision(X).variant == "reference"


def test_variants_are_a_live_view():
    assert list(scaled.variants) == ["multiplied", "in_blocks", "by_library", "by_luck"]
    assert len(scaled.variants) == 4
    assert "multiplied" in repr(scaled.variants)
    assert "reference" not in scaled.variants
    assert scaled.variants["multiplied"].function is multiplied


def test_in_the_place_of_a_ufunc_it_has_the_ufuncs_attributes():
    add = tunable(np.add, size={"n": "x1.size"})

    assert (add.types, add.nin, add.nout, add.identity) == (np.add.types, 2, 1, 0)
    assert add.reduce(np.arange(4)) == 6
    assert getattr(add, "__signature__", None) == getattr(np.add, "__signature__", None)  # since NumPy 2.4
    assert getattr(tunable(np.dot), "__signature__", None) == getattr(np.dot, "__signature__", None)
    assert add.outer([1, 2], [3]).tolist() == [[4], [5]]
    assert add.reference is np.add
