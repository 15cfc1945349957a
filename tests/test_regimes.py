"""Warm and cold caches: one winner for both, and what is told about it."""

from __future__ import annotations

import msgspec
import numpy as np

from autotune import tunable
from autotune.kernel.signature import signature_of
from autotune.measure.cold import MAX_BYTES, ColdClock, rotation
from autotune.measure.race import Race
from autotune.measure.timer import Sampler
from autotune.store.record import Cell, Choice, Measurement, decode, encode
from autotune.tuner.regimes import Regimes
from tests.records import leaf, record


class Costs:
    """A clock that gives every candidate the same time again and again."""

    contended = False

    def __init__(self, costs):
        self.costs = costs

    def next_round(self):
        pass

    def sample(self, name):
        return self.costs[name]


def verdict(**costs):
    from autotune.measure.race import Contestant

    entered = [Contestant(name, is_reference=name == "reference") for name in costs]
    return Race(Costs(costs), seed=0).run(entered)


def test_without_cold_samples_the_warm_winner_wins():
    assert Regimes(verdict(reference=10, a=1, b=2)).settled([]).winner == "a"


def test_the_same_winner_in_both_depends_on_nothing():
    both = Regimes(verdict(reference=10, a=1, b=1.5), verdict(a=3, b=4))

    assert not both.depends
    assert both.settled([]).winner == "a"


def test_of_two_winners_the_one_that_loses_less_in_its_worse_case_wins():
    # a loses 50 % cold, b 10 % warm; c loses 5 % in both
    both = Regimes(verdict(reference=10, a=1.0, b=1.1, c=1.05), verdict(a=1.5, b=1.0, c=1.05))

    found = both.settled([])

    assert both.depends
    assert found.winner == "c"
    assert "a wins warm, b cold" in found.reason
    assert 0.1 < found.against_reference.ratio < 0.11


def test_what_is_slower_than_the_reference_warm_does_not_win_by_being_faster_cold():
    both = Regimes(verdict(reference=1.0, threads=1.2), verdict(reference=2.0, threads=1.0))

    assert both.settled(["threads"]).winner == "reference"


def test_threads_that_won_nowhere_do_not_win_here():
    both = Regimes(verdict(reference=10, a=1.0, b=1.3, threads=1.1), verdict(a=1.5, b=1.0, threads=1.02))

    assert both.settled(["threads"]).winner == "b"
    assert both.settled([]).winner == "threads"


def test_a_tie_in_the_worse_case_stays_with_the_warm_winner():
    both = Regimes(verdict(reference=10, a=1.0, b=1.05), verdict(a=1.06, b=1.0))

    assert both.depends
    assert both.settled([]).winner == "a"


def test_what_is_lost_cold_raises_a_cost_and_nothing_else_does():
    both = Regimes(verdict(reference=10, a=1.0, b=1.2), verdict(a=1.5, b=1.0))

    assert both.surcharges() == {"reference": 1.0, "a": 1.5, "b": 1.0}
    assert set(Regimes(verdict(reference=10, a=1, b=2)).surcharges().values()) == {1.0}


def test_every_cold_call_has_arrays_of_its_own_until_they_come_round():
    x = np.zeros(1 << 20)
    source = rotation([{"x": x}], cache_bytes=32 << 20, seed=0)
    seen = []
    sampler = Sampler(["probe(x)"], {"probe": lambda x: seen.append(x.ctypes.data)}, {"x": x})
    clock = ColdClock({"one": sampler}, source)

    for _ in range(4):
        clock.sample("one")

    assert len(seen) == 12
    assert len(set(seen)) == 8  # eight arrays of 8 MB are twice the cache


def test_the_rotation_stays_within_its_memory():
    source = rotation([{"x": np.zeros(MAX_BYTES // 8)}], cache_bytes=1 << 30, seed=0)
    addresses = {next(source)["x"].ctypes.data for _ in range(5)}

    assert len(addresses) == 2


def test_explain_says_when_the_winner_depends_on_the_caches():

    times = {"reference": 9e-6, "a": 1e-6, "b": 2e-6}
    measured = [Measurement(Choice(name), seconds, rounds=8) for name, seconds in times.items()]
    cold = [Measurement(Choice("a"), 5e-6, rounds=8), Measurement(Choice("b"), 3e-6, rounds=8)]
    cell = Cell(
        {"n": 100}, Choice("b"), "loses least", measured, cold=cold, cold_winner=Choice("b"), warm_winner=Choice("a")
    )

    @tunable
    def doubled(x):
        return x + x

    made = msgspec.structs.replace(record(doubled, (np.zeros(100),), leaf("reference")), cells=[cell])
    dispatcher = doubled.__autotune__.dispatcher
    dispatcher.install(signature_of(dispatcher.kernel, dispatcher.kernel.bind(np.zeros(100))), made, "store")

    text = str(doubled.explain(np.zeros(100)))

    assert "with data from memory; the winner depends on the caches: a warm, b cold" in text
    assert "3 µs" in text
    assert decode(encode(made)) == made
