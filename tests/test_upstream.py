"""Upstream tests on kernels: what a test module sees, which variants serve it, and what counts as a new failure."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest
import scipy.special

import kernels
from autotune import tunable
from tests.upstream import deciding, originals, running
from tests.upstream.comparing import Run, compare
from tests.upstream.seeing import SeeingFinder, Sight, with_instances

SEEN = """
import numpy
import numpy as np
import numpy.linalg
import scipy.special as special
from numpy import add, sum as total
from numpy.linalg import norm


class Case:
    function = np.add
    known = isinstance(np.add, np.ufunc)


def later():
    import numpy as again
    from numpy import add as inner
    return again.add, inner
"""


def instead(*_):
    return "instead"


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """A module that sees something in the place of `numpy.add`."""
    (tmp_path / "test_seen_module.py").write_text(SEEN)
    monkeypatch.syspath_prepend(str(tmp_path))
    finder = SeeingFinder(
        Sight([(np.add, instead), (np.ufunc, with_instances(np.ufunc, [instead]))]),
        lambda path: path.is_relative_to(tmp_path),
    )
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    yield importlib.import_module("test_seen_module")
    del sys.modules["test_seen_module"]


def test_a_function_is_seen_in_its_place_however_it_was_imported(seen):
    found = [seen.np.add, seen.numpy.add, seen.add, *seen.later(), seen.np._core.umath.add, vars(seen)["np"].add]

    assert all(function is instead for function in found)


def test_in_the_place_of_a_ufunc_it_is_one_and_no_method(seen):
    assert seen.Case().function(1) == "instead"
    assert seen.Case.known
    assert isinstance(np.subtract, seen.np.ufunc)
    assert not isinstance(len, seen.np.ufunc)
    assert seen.np.ufunc.reduce is np.ufunc.reduce


def test_all_else_is_as_it_was(seen):
    assert seen.total is np.sum
    assert seen.norm is np.linalg.norm
    assert seen.special.expit is scipy.special.expit
    assert isinstance(seen.np, type(np))
    assert (seen.np.__name__, seen.np.__version__, dir(seen.np)) == ("numpy", np.__version__, dir(np))
    assert np.add(1, 2) == 3


def test_what_is_set_in_a_seen_module_is_set_in_the_module(seen, monkeypatch):
    original = np.add
    monkeypatch.setattr(seen.np, "add", len)
    changed = np.add
    monkeypatch.undo()

    assert changed is len
    assert np.add is original


@tunable(size={"n": "x.size"})
def doubled(x):
    return x * 2


@doubled.variant(kind="vectorized")
def by_adding(x):
    return np.add(x, x)


@doubled.variant(kind="vectorized", when="x.ndim == 1")
def by_multiplying(x):
    return np.multiply(x, 2)


@doubled.variant(kind="library", numerics="approximate")
def about(x):
    return x * 2.001


def test_each_variant_that_may_win_serves_in_its_turn_from_the_first_call_on(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "first-use")
    monkeypatch.setattr(deciding, "served", type(deciding.served)())
    monkeypatch.setattr(deciding, "most_to_choose_from", 0)

    with deciding.deciding():
        for turn in range(2):
            monkeypatch.setattr(deciding, "turn", turn)
            doubled.cache_clear()
            results = [doubled(np.arange(3.0)), doubled(np.arange(3.0)), doubled(np.ones((1, 3))), doubled(2)]

            assert [np.sum(result) for result in results] == [6, 6, 6, 4]
    doubled.cache_clear()

    assert deciding.served == {("doubled", "by_adding"): 2 + 1 + 1, ("doubled", "by_multiplying"): 2}
    assert deciding.most_to_choose_from == 2


def runs(**outcomes: tuple[str, str]) -> tuple[Run, Run]:
    """Two runs of one file: what came of each test before and after."""
    before = {f"file.py::{name}": {"outcome": then, "runs": 1, "why": ""} for name, (then, _) in outcomes.items()}
    after = {f"file.py::{name}": {"outcome": now, "runs": 2, "why": "1 != 2"} for name, (_, now) in outcomes.items()}
    ran = {name: of for name, of in after.items() if of["outcome"]}
    return Run(before, {}, {"file.py": 2}), Run(ran, {"file.py": {"sum:a": 3}}, {})


def test_new_failures_are_tests_that_pass_without_kernels_alone():
    before, after = runs(
        good=("passed", "passed"), broken=("failed", "failed"), mended=("failed", "passed"), new=("passed", "failed"),
        skipped=("passed", "skipped"), lost=("passed", ""), never=("skipped", "skipped"),
        **{"meant[3]": ("passed", "failed"), "this[1]": ("passed", "failed"), "this[2]": ("passed", "failed")},
    )  # fmt: skip

    verdict = compare("file.py", before, after, {"file.py::meant": "all", "file.py::this[1]": "one"})

    assert verdict.new == {"file.py::new": "1 != 2", "file.py::skipped": "1 != 2", "file.py::lost": "not run",
                           "file.py::this[2]": "1 != 2"}  # fmt: skip
    assert verdict.by_design == {"file.py::meant[3]": "1 != 2", "file.py::this[1]": "1 != 2"}
    assert (verdict.tests, verdict.passed_before, verdict.passed) == (10, 7, 2)
    assert (verdict.served, verdict.left_out) == ({"sum:a": 3}, 2)


def test_each_place_is_that_of_a_function_that_there_is():
    places = {name: place for place in originals.places() for name in place.kernels}

    assert places["sin"].original is np.sin
    assert places["sin"].instead is kernels.sin
    assert places["softmax"].original is scipy.special.softmax
    assert {places[name].name for name in ("sin", "sum", "softmax")} == {
        "numpy.sin", "numpy.sum", "scipy.special.softmax"
    }  # fmt: skip
    assert set(originals.without_place()) == set(kernels.__all__) - places.keys()
    assert "kmeans_step" in originals.without_place()


def test_what_is_made_of_lfilter_gives_what_lfilter_gives():
    name = "scipy.signal.lfilter"
    original = originals.function(name)
    adapted = originals.ADAPTED[name][0](original)
    b, x = np.array([0.5, 0.25]), np.arange(5.0)

    for args in [(b, 1, x), (b, [2.0], x), (b, [1, 0.5], x), (b.tolist(), 1, x), (b, 1, x[None]), (b, 1, x, 0)]:
        np.testing.assert_allclose(adapted(*args), original(*args), rtol=1e-12)
    with pytest.raises(ValueError, match="empty|size"):
        adapted(b[:0], 1, x)


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cityblock"])
def test_what_is_made_of_cdist_gives_what_cdist_gives(metric):
    name = "scipy.spatial.distance.cdist"
    original = originals.function(name)
    adapted = originals.ADAPTED[name][0](original)
    x, c = np.random.default_rng(0).standard_normal((2, 5, 3))

    for args in [(x, c), (x.astype("f4"), c), (x.tolist(), c)]:
        np.testing.assert_allclose(adapted(*args, metric), original(*args, metric), rtol=1e-12)
    with pytest.raises(ValueError, match="columns"):
        adapted(x, c[:, :2], metric)


def test_an_upstream_test_runs_on_every_variant(tmp_path):
    file = "scipy/special/tests/test_logsumexp.py"

    seen = running.run(
        [file], with_kernels=True, store=tmp_path / "store", scratch=tmp_path,
        more=["-k", "test_softmax_multi_axes and numpy"],
    )  # fmt: skip

    assert {(test["outcome"], test["runs"]) for test in seen.tests.values()} == {("passed", 2)}
    assert set(seen.served[file]) == {"softmax:row_by_row_f64", "softmax:rows_on_threads_f64"}
