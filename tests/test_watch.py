"""Watching the calls of variants that use threads: when one is slow, who serves then, and for how long."""

from __future__ import annotations

import logging
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune import tunable
from autotune.dispatch.limits import limits_of
from autotune.dispatch.watch import CORES_AGAIN_S, LONGEST_REST_S, REST_CALLS, REST_S, UNCLOCKED
from tests.records import cell, decide_measured, leaf, record, split

X = np.ones(1000)
#: Tuned time of a call of X and time of its runner-up: the limit is their double, 2 ms.
TIMES = {"reference": 2e-3, "single": 1e-3, "threads": 0.6e-3}
LIMIT_S = 2e-3


@pytest.fixture(autouse=True)
def only_use(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")


class Clock:
    """The clock of the calls: time passes when a call takes some."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s

    def passes(self, seconds):
        self.now_s += seconds


# -- how long a call may take


def work(**sizes):
    @tunable(size=sizes or {"n": "x.size"})
    def work(x):
        return "reference"

    work.variant(lambda x: "threads", kind="parallel", threads=True, name="threads")
    work.variant(lambda x: "single", kind="vectorized", name="single")
    return work


def limits(*cells, **sizes):
    return limits_of(record(work(**sizes), (X,), leaf("threads", single="single"), cells=cells), "threads", "single")


def test_a_call_is_slow_from_four_times_its_tuned_time_on():
    assert limits(cell({"n": 1024}, reference=9.0, threads=1.0)).of(1024) == pytest.approx(4.0)


def test_nothing_may_stay_slower_than_twice_the_runner_up():
    assert limits(cell({"n": 1024}, reference=9.0, threads=1.0, single=1.5)).of(1024) == pytest.approx(3.0)


def test_nothing_is_demoted_that_is_still_faster_than_the_runner_up():
    assert limits(cell({"n": 1024}, reference=99.0, threads=1.0, single=16.0)).of(1024) == pytest.approx(16.0)


def test_the_limit_grows_with_the_size_as_the_measured_times_do():
    found = limits(cell({"n": 1000}, threads=1e-3), cell({"n": 4000}, threads=2e-3), cell({"n": 16000}, threads=8e-3))

    for n, tuned_s in ((1000, 1e-3), (2000, 1.4e-3), (4000, 2e-3), (8000, 4e-3), (16000, 8e-3), (160_000, 80e-3)):
        assert 4 * tuned_s <= found.of(n) * 1.0001 <= 4 * tuned_s * 2.1, n
    assert found.of(10) >= 4e-3 * 0.999  # what is smaller than measured takes no less than the smallest
    assert not found.of(0) < 1e9


@given(
    st.lists(st.tuples(st.integers(0, 2**40), st.floats(1e-6, 10.0)), min_size=1, max_size=12, unique_by=lambda p: p[0])
)
def test_a_call_as_quick_as_any_measured_one_is_never_slow(measured):
    found = limits(*(cell({"n": n}, threads=seconds) for n, seconds in measured))

    assert (found is None) == all(n == 0 for n, _ in measured)
    for n, seconds in measured:
        assert found is None or not 3.99 * seconds > found.of(n)


@given(st.integers(1, 2**62), st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]), st.floats(0.0, 1e-3))
def test_a_call_is_not_slow_because_its_size_is_larger_or_was_not_measured(n, power, overhead_s):
    def seconds(n):
        return overhead_s + 1e-9 * n**power

    found = limits(*(cell({"n": 4**k}, threads=seconds(4**k)) for k in range(4, 12)))

    assert not 1.99 * seconds(n) > found.of(n)


def test_of_several_sizes_their_product_tells_how_long_a_call_takes():
    sizes = {"m": "x.shape[0]", "n": "x.shape[1]"}
    cells = [cell({"m": m, "n": n}, threads=m * n * 1e-9) for m, n in ((10, 1000), (1000, 10), (500, 500), (64, 64))]

    assert limits(*cells, **sizes).feature == "m*n"


def test_a_size_that_tells_nothing_is_not_taken_for_one_that_does():
    cells = [cell({"n": n, "odd": n % 2}, threads=n * 1e-9) for n in (100, 1001, 10_000, 100_001)]

    assert limits(*cells, n="x.size", odd="x.size % 2").feature == "n"


def test_data_from_memory_may_take_as_long_as_they_were_measured_to():
    import msgspec

    warm = cell({"n": 1024}, threads=1.0)
    both = msgspec.structs.replace(warm, cold=cell({"n": 1024}, threads=3.0).measurements)

    assert limits(both).of(1024) == pytest.approx(12.0)


# -- three slow calls in eight


class Served:
    """A kernel with threads that says who serves, whose calls take what the test says."""

    def __init__(self, **sizes):
        self.clock = Clock()
        self.took_s = {"threads": TIMES["threads"], "single": TIMES["single"]}
        self.tuned = work(**sizes)
        kernel = self.tuned.__autotune__.kernel
        for name in ("threads", "single"):
            object.__setattr__(kernel.variants[name], "function", self.variant(name))
        decide_measured(self.tuned, (X,), leaf("threads", single="single"), cell({"n": X.size}, **TIMES))
        self.dispatcher = self.tuned.__autotune__.dispatcher
        self.dispatcher.namespace.globals["_now"] = self.clock
        self.tuned(X)
        self.watch._now = self.clock
        self.watch.due_s = self.clock() + CORES_AGAIN_S
        self.tuned(X)

    def variant(self, name):
        def function(x):
            self.clock.passes(self.took_s[name])
            return name

        return function

    @property
    def watch(self):
        (entry,) = self.dispatcher.entries.values()
        (watch,) = entry.loader.watches.values()
        return watch

    def calls(self, count):
        return [self.tuned(X) for _ in range(count)]


@pytest.fixture
def served():
    return Served()


def test_quick_calls_go_on_being_served_by_threads(served):
    served.took_s["threads"] = 0.99 * LIMIT_S

    assert set(served.calls(1000)) == {"threads"}
    assert served.tuned.decision(X).reason is None


def test_slow_calls_are_demoted_after_eight_at_the_latest(served):
    for position in range(UNCLOCKED + 1):
        served = Served()
        served.calls(position)
        served.took_s["threads"] = 1.01 * LIMIT_S

        found = served.calls(20)

        assert 3 <= found.count("threads") <= 8
        assert set(found[8:]) == {"single"}


def test_single_slow_calls_now_and_then_change_nothing(served):
    served.calls(UNCLOCKED - 1)
    for _ in range(50):
        for slow in (True, True, *[False] * 6):  # two in eight
            served.took_s["threads"] = 8e-3 if slow else TIMES["threads"]
            assert served.tuned(X) == "threads"


def test_threads_get_another_chance_and_keep_it_if_they_are_quick_again(served):
    served.took_s["threads"] = 1.01 * LIMIT_S
    served.calls(9)
    assert served.tuned(X) == "single"

    served.took_s["threads"] = TIMES["threads"]
    served.clock.passes(REST_S)

    assert set(served.calls(100)) == {"threads"}


def test_a_chance_that_is_lost_is_followed_by_a_longer_rest(served):
    served.took_s["threads"] = 1.01 * LIMIT_S
    served.calls(9)
    rests = []
    for _ in range(12):
        rests.append(served.watch.until_s - served.clock())
        served.clock.now_s = served.watch.until_s
        assert served.calls(4) == ["threads", "threads", "single", "single"]  # one slow call that is clocked is enough

    expected = [min(REST_S * 2**k, LONGEST_REST_S) for k in range(12)]
    assert rests == pytest.approx(expected, abs=0.01)


def test_calls_that_take_long_rest_long_so_that_chances_cost_little(served):
    served.took_s["threads"] = 2.0
    served.calls(9)

    assert served.watch.until_s - served.clock() == pytest.approx(REST_CALLS * 2.0, rel=0.02)


def test_a_demotion_is_told_once_in_the_log_and_by_explain(served, caplog):
    served.took_s["threads"] = 1.01 * LIMIT_S
    with caplog.at_level(logging.INFO, logger="autotune"):
        served.calls(9)
        served.clock.now_s = served.watch.until_s
        served.calls(9)

    (line,) = [message for message in caplog.messages if "single serves in place of threads" in message]
    assert "calls were slow: 3 in 8 took over their limit" in line
    decided = served.tuned.decision(X)
    assert decided.variant == "single"
    assert "calls were slow" in decided.reason
    assert "because    calls were slow" in str(served.tuned.explain(X))
    assert served.tuned.resolve(X)(X) == "single"


def test_asking_what_would_serve_does_not_end_a_rest(served):
    served.took_s["threads"] = 1.01 * LIMIT_S
    served.calls(9)
    until_s = served.watch.until_s
    served.clock.now_s = until_s + 1

    assert served.tuned.decision(X).variant == "threads"
    assert served.watch.until_s == until_s


def test_a_demotion_waits_for_no_lock(served):
    """Another thread may be tuning, which takes seconds; the call that is to demote does not wait for it."""
    held, done = threading.Event(), threading.Event()

    def hold():
        with served.dispatcher.lock:
            held.set()
            done.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(60)
    served.took_s["threads"] = 1.01 * LIMIT_S
    assert set(served.calls(20)) == {"threads"}  # nobody could change the code
    assert served.tuned.decision(X).variant == "single"
    done.set()
    other.join()
    assert "single" in served.calls(UNCLOCKED + 2)


def test_the_size_of_a_call_is_what_its_time_is_held_against(served):
    served.took_s["threads"] = 1.01 * LIMIT_S

    assert {served.tuned(np.ones(4000)) for _ in range(100)} == {"threads"}


def test_sizes_that_cannot_be_computed_are_never_slow():
    served = Served(n="x.size // (x.size != 7)")
    served.took_s["threads"] = 1.0

    assert {served.tuned(np.ones(7)) for _ in range(100)} == {"threads"}


def test_one_usable_core_is_found_while_calls_go_on(served):
    cores = [2]
    served.watch._usable_cores = lambda: cores[0]
    assert set(served.calls(50)) == {"threads"}
    cores[0] = 1
    served.clock.passes(CORES_AGAIN_S)

    found = served.calls(UNCLOCKED + 10)

    assert found[-1] == "single"
    assert served.tuned.decision(X).reason == "one core is usable now"
    cores[0] = 2
    served.clock.passes(CORES_AGAIN_S)
    assert set(served.calls(50)) == {"threads"}


# -- where nothing is watched


def test_calls_whose_winner_uses_no_threads_have_the_same_code_with_measured_times_as_without():
    sources = []
    for cells in ((), (cell({"n": X.size}, **TIMES),)):
        tuned = work()
        decide_measured(tuned, (X,), split("n", 10, leaf("reference"), leaf("single")), *cells)
        tuned(X)
        sources.append((tuned.__autotune__.dispatcher.source, tuned.__code__.co_code))

    assert sources[0] == sources[1]
    assert not {"_watch_0", "_now", "_enter"} & set(tuned.__code__.co_names)


def test_nothing_is_watched_without_a_runner_up_or_without_times():
    for decision, cells in ((leaf("threads"), [cell({"n": X.size}, **TIMES)]), (leaf("threads", single="single"), [])):
        tuned = work()
        decide_measured(tuned, (X,), decision, *cells)
        tuned(X)

        assert tuned(X) == "threads"
        assert "_now" not in tuned.__code__.co_names


def test_a_variant_with_threads_is_not_forced_where_it_would_kill_the_process(monkeypatch):
    from autotune import VariantError
    from autotune.dispatch import guards

    tuned = work()
    decide_measured(tuned, (X,), leaf("threads", single="single"))
    monkeypatch.setattr(guards, "_why_single", "this process was forked from one in which OpenMP had run")

    with pytest.raises(VariantError, match="threads uses threads, and this process was forked"):
        tuned.call("threads", X)
    assert tuned.call("single", X) == "single"
    tuned.__autotune__.dispatcher.rebuild()
    assert tuned(X) == "single"
    assert tuned.decision(X).reason == "this process was forked from one in which OpenMP had run"
