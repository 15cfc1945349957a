"""Parallel kernels among threads, forks, fewer cores and busy neighbours: right, alive, and never much slower than one
thread. Every program runs in processes of its own, under the threading layers that load here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from autotune import tunable
from autotune.dispatch import guards, learning, policy
from autotune.kernel.signature import signature_of
from autotune.store import store
from tests.conftest import ROOT
from tests.records import leaf, record
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row
from tests.reliability.threads import X, kernel, quota

LAYERS = ("tbb", "omp", "workqueue")
#: The figure: the median of the calls after the eighth over that of the single-threaded runner-up.
MOST = 2.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="forks and pins processes to cores, which only Linux does")


def started(module: str, *arguments: str, **environ: str) -> tuple[int, dict[str, object]]:
    """Exit code and findings of a program, with the layer and the store of the environment."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.reliability.{module}", *arguments], capture_output=True, text=True, timeout=280,
        cwd=ROOT, check=False, env={"AUTOTUNE_MODE": "use", **os.environ, **environ},
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"stderr": done.stderr[-2000:]}
    return done.returncode, found


def loads(layer: str) -> bool:
    """Whether Numba can start a layer here."""
    code = "import numba; numba.get_num_threads()"
    asked = {**os.environ, "NUMBA_THREADING_LAYER": layer}
    if layer == "tbb":
        code = f"from autotune.compile import layers; layers.preload_tbb(); {code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, env=asked, cwd=ROOT).returncode == 0


def programs(tries: int, program: str, *arguments: str) -> tuple[list[tuple[str, int, dict[str, object]]], int]:
    """A program, so often, under each layer that loads; and under how many."""
    layers = [layer for layer in LAYERS if loads(layer)]
    return [
        (layer, *started("threads", program, *arguments, NUMBA_THREADING_LAYER=layer))
        for layer in layers for _ in range(tries)
    ], len(layers)  # fmt: skip


# -- Python threads


@row("8 threads × parallel kernels × threading layers", tries=5)
def threads(tries: int) -> Outcome:
    with own_store():
        found, layers = programs(tries, "many_threads")
    calls = sum(one.get("calls", 0) for _, _, one in found)
    wrong = sum(one.get("wrong", 0) for _, _, one in found)
    aborted = sum(code != 0 for _, code, _ in found)
    return Outcome(len(found), faults=aborted, wrong=wrong, note=f"{calls:,} calls under {layers} layers")


@pytest.mark.parametrize("layer", LAYERS)
def test_threads_that_call_parallel_kernels_at_once_do_not_abort(layer, code_cache, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_DB", str(code_cache))

    code, found = started("threads", "many_threads", NUMBA_THREADING_LAYER=layer)

    assert code == 0, found
    assert found["wrong"] == 0
    assert found["fewest"] > 0


def test_tuning_waits_its_turn_where_one_thread_at_a_time_may_compute(monkeypatch):
    monkeypatch.setattr(learning, "expected_layer", lambda: "workqueue")
    inside, done = threading.Event(), threading.Event()

    def compute():
        guards.turn.wait()
        inside.set()
        done.wait(60)
        guards.turn.leave()

    @tunable(size={"n": "x.size"})
    def work(x):
        return x

    work.variant(lambda x: x, kind="parallel", threads=True, name="v")
    dispatcher = work.__autotune__.dispatcher
    x = np.ones(3)
    values = dispatcher.kernel.bind(x)
    entry = dispatcher.entry(signature_of(dispatcher.kernel, values))
    other = threading.Thread(target=compute)
    other.start()
    inside.wait(60)

    refused = learning.tune(dispatcher, entry, values, budget_s=0.1)
    done.set()
    other.join()

    assert isinstance(refused, policy.Refusal)
    assert refused.passing
    assert "another thread is in parallel code" in refused.reason


# -- forks


@row("fork after a parallel kernel × threading layers", tries=5)
def forks(tries: int) -> Outcome:
    with own_store():
        found, layers = programs(tries, "forks")
        more, _ = programs(tries, "forks", "thread")
    killed = sum(code != 0 or one.get("status") != 0 for _, code, one in (*found, *more))
    wrong = sum(not one.get("right") or "[true, " not in str(one.get("child")) for _, _, one in (*found, *more))
    return Outcome(len(found) + len(more), faults=killed, wrong=wrong, note=f"{layers} layers, by two kinds of thread")


@linux
@pytest.mark.parametrize(
    ("layer", "by", "served"),
    [("tbb", "main", "on_threads"), ("tbb", "thread", "in_a_loop"), ("omp", "main", "in_a_loop"),
     ("workqueue", "main", "on_threads")],
)  # fmt: skip
def test_a_child_forked_after_a_parallel_kernel_is_right_and_not_killed(layer, by, served, code_cache, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_DB", str(code_cache))

    code, found = started("threads", "forks", by, NUMBA_THREADING_LAYER=layer)

    assert code == 0, found
    assert found["status"] == 0
    assert found["right"]
    assert json.loads(found["child"]) == [True, served]


# -- cores


@row("fewer cores after load: affinity, quota", tries=5)
def fewer_cores(tries: int) -> Outcome:
    with own_store():
        ways = ["affinity", "quota"] if groups_can_be_made() else ["affinity"]
        found = [started("threads", "fewer_cores", how) for how in ways for _ in range(tries)]
    kept = sum(code != 0 or one.get("served") != "in_a_loop" for code, one in found)
    wrong = sum(not one.get("right") for _, one in found)
    return Outcome(len(found), faults=kept, wrong=wrong, note=f"by {' and '.join(ways)}")


def groups_can_be_made() -> bool:
    try:
        with quota():
            return True
    except OSError:
        return False


@linux
@pytest.mark.parametrize("how", ["affinity", "quota"])
def test_threads_are_given_up_when_one_core_is_left(how, code_cache, monkeypatch):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores; this process may use one")
    if how == "quota" and not groups_can_be_made():
        pytest.skip("makes a control group, which needs root and a writable /sys/fs/cgroup")
    monkeypatch.setenv("AUTOTUNE_DB", str(code_cache))

    code, found = started("threads", "fewer_cores", how)

    assert code == 0, found
    assert found == {"right": True, "served": "in_a_loop", "reason": "one core is usable now"}


@linux
def test_a_process_with_one_core_uses_no_record_of_two(store_root, monkeypatch):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores; this process may use one")
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    tuned = kernel("roots_of_two_cores")
    store.save(record(tuned, (X,), leaf("on_threads", single="in_a_loop", boxing="float64")))
    assert tuned.decision(X).variant == "on_threads"
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from tests.reliability.threads import X, kernel\n"
        "decided = kernel('roots_of_two_cores').decision(X); print(decided.variant, '|', decided.reason)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)

    served, _, reason = done.stdout.strip().partition(" | ")
    assert served == "reference"
    assert "cores 2, this process has 1" in reason or "cores" in reason


# -- neighbours


@row("a busy neighbour on every core × threading layers", tries=200)
def neighbour(tries: int) -> Outcome:
    """`tries` calls in each of eight turns, with the guard and without."""
    faults, notes = 0, []
    with own_store():
        for layer in filter(loads, LAYERS):
            ratios, means = {}, {}
            for how in ("guarded", "bare"):
                code, found = started("neighbour", how, str(tries), NUMBA_THREADING_LAYER=layer)
                faults += code != 0
                ratios[how], means[how] = (float(found.get(name, np.inf)) for name in ("ratio", "mean_ratio"))
            faults += ratios["guarded"] > MOST
            notes.append(
                f"{layer} {ratios['guarded']:.2f} (mean {means['guarded']:.2f}; without the guard "
                f"{ratios['bare']:.2f}, mean {means['bare']:.2f})"
            )
    return Outcome(tries, faults=faults, note=f"median over that of one thread, at most {MOST:g}: {', '.join(notes)}")


@linux
def test_beside_busy_neighbours_a_call_takes_at_most_twice_the_time_of_one_thread(code_cache, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_DB", str(code_cache))

    code, found = started("neighbour", "guarded", "60", NUMBA_THREADING_LAYER="omp")

    assert code == 0, found
    assert found["ratio"] <= MOST
