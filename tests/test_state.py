"""What a candidate may not change: it is seen, told by name, and put back; the same for output and thread counts."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sys
import threading
import warnings

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from autotune import tunable
from autotune.kernel.model import Candidate
from autotune.kernel.signature import signature_of
from autotune.machine import fingerprint
from autotune.measure import output, state, threads
from autotune.measure.compare import Mismatch
from autotune.measure.gate import MAX_OUTPUT_BYTES, Case, Gate
from autotune.measure.state import Snapshot, preserved
from autotune.tuner import cases
from autotune.tuner.steady import steady_state

X = np.random.default_rng(0).standard_normal(40)


@tunable(size={"n": "x.size"})
def doubled(x):
    return x + x


def verdict(side_effect, reference=None) -> str:
    """The gate's reason for refusing a variant of `doubled` with a side effect, or "passed"."""

    def call(arguments):
        side_effect()
        return arguments["x"] * 2

    kernel = doubled.__autotune__.kernel
    if reference is not None:

        @tunable(size={"n": "x.size"})
        def noisy(x):
            reference()
            return x + x

        kernel = noisy.__autotune__.kernel
    try:
        Gate(kernel, [Case("here", {"x": X})]).check(call, numerics="reassociated", threads=False)
    except Mismatch as mismatch:
        return str(mismatch)
    return "passed"


def set_environ():
    os.environ["AUTOTUNE_TEST_SPOILED"] = "1"


def unset_environ():
    os.environ.pop("HOME", None)


SIDE_EFFECTS = {
    "directory": (lambda: os.chdir("/"), "changes the working directory to /"),
    "seterr": (lambda: np.seterr(all="raise"), "changes NumPy's error state (np.seterr): divide='raise'"),
    "seterrcall": (lambda: np.seterrcall(print), "changes NumPy's error state (np.seterr): call="),
    "environment": (set_environ, "changes the environment: AUTOTUNE_TEST_SPOILED='1'"),
    "environment, less": (unset_environ, "changes the environment: HOME removed"),
    "filters": (lambda: warnings.simplefilter("ignore", UserWarning), "changes the warning filters"),
    "recursion": (lambda: sys.setrecursionlimit(54_321), "changes the recursion limit to 54321"),
    "np.random": (lambda: np.random.random(), "changes NumPy's global random state"),
    "random": (random.random, "changes the global random state (module random)"),
}


@pytest.mark.parametrize("name", SIDE_EFFECTS)
def test_a_side_effect_is_refused_by_its_name_and_put_back(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    act, reason = SIDE_EFFECTS[name]
    before = Snapshot.take()

    said = verdict(act)

    assert reason in said
    assert said.endswith("; a variant may not")
    assert before.restore() == {}


@pytest.mark.parametrize("name", SIDE_EFFECTS)
def test_what_the_reference_does_too_a_variant_may_do(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    act, _ = SIDE_EFFECTS[name]
    before = Snapshot.take()

    assert verdict(act, reference=act) == "passed"
    assert before.restore() == {}


def test_the_thread_count_of_blas_is_seen_and_put_back():
    pools = [library for library in state.blas_libraries() if library.num_threads > 1]
    if not pools:
        pytest.skip("NumPy's BLAS has one thread here, so that there is no thread count to restore")

    said = verdict(lambda: threadpool_limits(1, user_api="blas"))

    assert "changes the thread count of BLAS: " in said
    assert all(library.num_threads > 1 for library in pools)


def test_numbas_thread_count_is_seen_and_put_back():
    import numba

    if numba.config.NUMBA_NUM_THREADS == 1:
        pytest.skip("needs two cores; this process may use one")
    before = numba.get_num_threads()

    assert "changes Numba's thread count (numba.set_num_threads) to 1" in verdict(lambda: numba.set_num_threads(1))
    assert numba.get_num_threads() == before


def test_what_loading_a_module_changes_is_put_back_and_not_held_against_a_candidate(tmp_path, monkeypatch):
    (tmp_path / "sets_a_variable.py").write_text("import os\nos.environ['AUTOTUNE_TEST_SPOILED'] = '1'\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def loads():
        import sets_a_variable  # noqa: F401

    assert verdict(loads) == "passed"
    assert "AUTOTUNE_TEST_SPOILED" not in os.environ
    del sys.modules["sets_a_variable"]


def test_what_another_thread_changes_is_not_held_against_a_candidate():
    calls, stop = [], threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()

    def is_called_while_another_thread_changes_something():
        calls.append(1)
        if len(calls) == 1:
            other = threading.Thread(target=set_environ)
            other.start()
            other.join()

    try:
        assert verdict(is_called_while_another_thread_changes_something) == "passed"
        assert "changes the environment" in verdict(set_environ)
    finally:
        stop.set()
        thread.join()
    assert "AUTOTUNE_TEST_SPOILED" not in os.environ


def test_asking_for_the_state_starts_no_threads_and_leaves_the_environment_alone(run):
    program = (
        "import os, sys\nbefore = dict(os.environ)\n"
        "from autotune.measure.state import Snapshot, layer_is_running\n"
        "first = Snapshot.take()\nimport numba\nprint(Snapshot.take().restore(), first.restore(), layer_is_running(),"
        " os.environ == before)\n"
    )

    assert run(program).stdout == "{} {} False True\n"


def test_everything_is_put_back_after_an_exception(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = Snapshot.take()

    with contextlib.suppress(ZeroDivisionError), preserved():
        os.chdir("/")
        np.seterr(all="raise")
        np.random.random()
        warnings.simplefilter("ignore")
        raise ZeroDivisionError

    assert before.restore() == {}


# -- output


def test_a_candidate_that_prints_more_than_the_bound_is_refused(capfd):
    much = "x" * MAX_OUTPUT_BYTES

    assert verdict(lambda: print(much)).endswith("prints more than 64 KiB in one call; a variant may not")
    assert verdict(lambda: print("a line")) == "passed"
    assert verdict(lambda: print(much), reference=lambda: print("y" * 2000)) == "passed"
    assert capfd.readouterr() == ("", "")


def test_only_the_measuring_thread_is_silenced_in_the_users_process(capsys):
    def other():
        print("of another thread")
        sys.stderr.write("its errors\n")

    with output.swallowed() as meter:
        print("four")
        sys.stdout.buffer.write(b"raw")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    assert meter.read() == len("four\n") + len(b"raw")
    assert capsys.readouterr() == ("of another thread\n", "its errors\n")


def test_the_streams_are_back_after_an_exception():
    streams = sys.stdout, sys.stderr
    with contextlib.suppress(ZeroDivisionError), output.swallowed():
        raise ZeroDivisionError

    assert (sys.stdout, sys.stderr) == streams


def test_another_stream_of_the_users_can_stand_aside(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with output.swallowed() as meter:
        print("x")
    assert meter.read() == 2
    assert sys.stdout.getvalue() == ""


def test_a_process_without_streams_can_measure(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with output.swallowed() as meter:
        print("x")
        thread = threading.Thread(target=print, args=("y",))
        thread.start()
        thread.join()

    assert meter.read() == 2
    assert sys.stdout is None


# -- threads


def blas_threads() -> list[int]:
    return [library.num_threads for library in ThreadpoolController().select(user_api="blas").lib_controllers]


def test_blas_is_limited_inside_and_as_before_afterwards_whatever_happens():
    before = blas_threads()

    with contextlib.suppress(ZeroDivisionError), threads.limited(1):
        inside = blas_threads()
        raise ZeroDivisionError

    assert set(inside) == {1}
    assert blas_threads() == before


def test_a_limit_of_the_users_own_is_not_raised_and_stays():
    with threadpool_limits(1, user_api="blas"):
        with steady_state():
            inside = blas_threads()
        assert blas_threads() == inside
        assert set(inside) == {1}


def test_numba_runs_on_the_usable_cores_and_has_the_users_count_afterwards():
    import numba

    most = numba.config.NUMBA_NUM_THREADS
    numba.set_num_threads(1)
    try:
        with contextlib.suppress(ZeroDivisionError), threads.numba_on(most):
            inside = numba.get_num_threads()
            raise ZeroDivisionError
        assert inside == most
        assert numba.get_num_threads() == 1
    finally:
        numba.set_num_threads(most)
    with threads.numba_on(1):
        assert numba.get_num_threads() == 1
    assert numba.get_num_threads() == most


def test_nesting_of_openmp_is_off_inside_and_as_before_afterwards(run):
    program = """if True:
        import ctypes, ctypes.util
        name = ctypes.util.find_library("gomp")
        if name is None:
            print("none"); raise SystemExit
        omp = ctypes.CDLL(name)
        omp.omp_set_max_active_levels(3)
        from autotune.measure import threads
        with threads.limited(1):
            print(omp.omp_get_max_active_levels(), omp.omp_get_max_threads())
        print(omp.omp_get_max_active_levels())
    """

    assert run(program, OMP_NUM_THREADS="2").stdout in ("1 1\n3\n", "none\n")


def test_first_use_and_calibration_in_this_process_see_limits_and_leave_none(monkeypatch):
    """A kernel that no worker can import, measured where the user has limited BLAS to one thread."""
    seen = set()

    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 50)})
    def local(x):
        seen.update(blas_threads())
        return x + x

    local.variant(lambda x: 2 * x, kind="vectorized", name="v")
    before = blas_threads()
    with threadpool_limits(1, user_api="blas"):
        local.calibrate(effort="quick")
        assert set(blas_threads()) == {1}

    assert seen == {1}
    assert blas_threads() == before


def test_a_record_of_compiled_code_names_layer_threads_and_wait_policy():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 50)})
    def local(x):
        return x + x

    @local.variant(kind="scalar", jit=True)
    def loop(x):
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = 2 * x[i]
        return out

    (record,) = local.calibrate(effort="quick")

    assert record.provenance.compiled.keys() >= {"layer", "threads", "wait_policy"}
    assert record.provenance.compiled["threads"] == str(fingerprint().cores.count)


# -- a data race


def test_candidates_with_threads_are_verified_where_threads_overlap():
    @tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 10**7)})
    def total(x):
        return np.sum(x)

    @total.variant(kind="library", threads=True)
    def with_threads(x):
        return np.sum(x)

    total.variant(lambda x: np.sum(x), kind="library", name="without")
    kernel = total.__autotune__.kernel

    def edges(name):
        make = lambda point: kernel.bind(np.ones(point["n"]))  # noqa: E731
        signature = signature_of(kernel, kernel.bind(np.ones(3)))
        return list(cases.block_edges(kernel, signature, ["n"], make, Candidate(name, ()), 10**7))

    (case,) = edges("with_threads")
    assert case.label.endswith("where threads overlap")
    assert case.arguments["x"].nbytes >= cases.BUSY_BYTES, "its reference takes a tenth of a millisecond there"
    assert edges("without") == []
