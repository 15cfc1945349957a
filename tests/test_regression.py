"""Whether code became slower, judged by pairs: properties that hold for any numbers, and known cases."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotune.measure.paired import Interval
from autotune.measure.regression import (
    LIMIT,
    PAIRS,
    SETS,
    Pair,
    Trial,
    Verdict,
    change,
    is_faster,
    is_slower,
    orders,
    unpaired,
)
from tests.benchmarks import bench_regression
from tests.benchmarks.runs.record import NAMES, load

logs = st.floats(-25, 5, allow_nan=False)
sets = st.lists(st.builds(Pair, logs, logs), min_size=2, max_size=20)


def shifted(pairs, by):
    return [Pair(pair.old, pair.new + by) for pair in pairs]


def judged(*given, limit=LIMIT):
    """The trial of some sets, of which it takes what it wants; the last one again and again."""
    trial, taken = Trial(change, limit), 0
    while trial.wants:
        trial.add(given[min(taken, len(given) - 1)])
        taken += 1
    return trial.verdict, taken


@given(sets)
def test_the_ratio_lies_within_its_interval_and_among_the_pairs(pairs):
    found = change(pairs)
    ratios = [math.exp(pair.new - pair.old) for pair in pairs]

    assert found.low <= found.ratio * (1 + 1e-9)
    assert found.ratio <= found.high * (1 + 1e-9)
    assert min(ratios) * (1 - 1e-9) <= found.ratio <= max(ratios) * (1 + 1e-9)


@given(sets)
def test_old_for_new_gives_the_inverse(pairs):
    found, inverse = change(pairs), change([Pair(pair.new, pair.old) for pair in pairs])

    assert found.ratio * inverse.ratio == pytest.approx(1)
    assert not (is_slower(found) and is_faster(found))
    assert is_slower(found) == is_faster(inverse)


@given(sets, logs)
def test_a_machine_of_another_speed_changes_nothing(pairs, speed):
    moved = [Pair(pair.old + speed, pair.new + speed) for pair in pairs]

    assert change(moved).ratio == pytest.approx(change(pairs).ratio, rel=1e-6)


@given(sets, st.floats(0, 2))
def test_what_is_slower_stays_so_when_it_becomes_slower_still(pairs, by):
    if is_slower(change(pairs)):
        assert is_slower(change(shifted(pairs, by + 1e-9)))


@given(logs, st.integers(2, 20))
def test_identical_times_never_raise_an_alarm(log, count):
    verdict, taken = judged([Pair(log, log)] * count)

    assert (verdict.change, verdict.second, taken) == ("same", None, 1)


@settings(max_examples=40)
@given(st.lists(sets, min_size=1, max_size=10))
def test_slower_is_said_only_where_other_runs_say_so_again(given_sets):
    verdict, taken = judged(*given_sets)

    assert (verdict.second is not None) == is_slower(verdict.first)
    assert (verdict.change == "slower") == (is_slower(verdict.first) and is_slower(verdict.second or verdict.first))
    assert 1 <= taken <= 2 * SETS
    if verdict.second is not None:
        assert verdict.ratio is verdict.second


@given(sets)
def test_no_more_is_wanted_once_a_slowdown_is_ruled_out(pairs):
    trial = Trial(change)
    trial.add(pairs)

    assert trial.wants == (is_slower(change(pairs)) or change(pairs).high > 1 + LIMIT)


def noisy(by, spread, seed):
    return [Pair(0.0, math.log(1 + by) + random.Random(f"{seed} {n}").gauss(0, spread)) for n in range(PAIRS)]


def test_one_outlier_does_not_make_a_slowdown():
    pairs = [*noisy(0.0, 0.01, 1)[1:], Pair(0.0, 3.0)]

    assert judged(pairs)[0].change == "same"


def test_a_slowdown_of_four_percent_is_within_the_limit_and_one_of_eight_is_not():
    assert judged(noisy(0.04, 0.002, 1))[0].change == "same"
    assert judged(noisy(0.08, 0.01, 1), noisy(0.08, 0.01, 2))[0].change == "slower"
    assert judged(noisy(0.04, 0.002, 1), limit=0.02)[0].change == "slower"
    assert judged(noisy(-0.08, 0.01, 1))[0].change == "faster"


def test_runs_that_differ_much_are_given_more_sets():
    found = [judged(*(noisy(0.08, 0.09, f"{seed} {number}") for number in range(2 * SETS))) for seed in range(40)]

    assert sum(verdict.change == "slower" for verdict, _ in found) >= 30
    assert max(taken for _, taken in found) > SETS
    assert min(taken for _, taken in found) == 2


def test_what_was_slower_once_is_not_reported_and_the_other_runs_are_quoted():
    verdict, taken = judged(noisy(0.2, 0.01, 1), noisy(0.0, 0.01, 2))

    assert verdict.change == "same"
    assert verdict.second is not None
    assert verdict.ratio.ratio == pytest.approx(1, abs=0.02)
    assert taken == 2
    assert Verdict("slower", Interval(1.2, 1.1, 1.3)).ratio.ratio == 1.2


def test_a_wide_interval_is_no_slowdown_however_large_its_mean():
    assert not is_slower(Interval(1.5, 0.99, 2.3))
    assert is_slower(Interval(1.5, 1.01, 2.3))
    assert not is_slower(Interval(1 + LIMIT, 1.04, 1.06))


@given(st.lists(logs, min_size=2, max_size=20), st.lists(logs, min_size=2, max_size=20))
def test_sets_that_are_not_paired_are_compared_by_their_means(old, new):
    found, inverse = unpaired(old, new), unpaired(new, old)

    assert found.low <= found.ratio * (1 + 1e-9)
    assert found.ratio * inverse.ratio == pytest.approx(1)
    assert math.log(found.low) == pytest.approx(-math.log(inverse.high), abs=1e-6)


def test_unpaired_intervals_follow_welch():
    # Two sets of four with standard deviations of 0.1 and 0.02: t with 3 degrees of freedom.
    old, new = [-0.1, 0.1, 0.1, -0.1], [0.98, 1.02, 1.02, 0.98]
    found = unpaired(old, new)

    half = 3.182 * math.sqrt(0.04 / 3 / 4 + 0.0016 / 3 / 4)
    assert math.log(found.high / found.ratio) == pytest.approx(half, rel=1e-3)
    assert unpaired([0.0], [1.0]) == Interval(math.e, 0.0, math.inf)
    assert unpaired([0.0, 0.0], [1.0, 1.0]).low == pytest.approx(math.e)


def test_the_order_within_pairs_is_random_and_follows_the_seed():
    drawn = orders(("old", "new"), 200, seed=1)

    assert drawn == orders(("old", "new"), 200, seed=1) != orders(("old", "new"), 200, seed=2)
    assert 60 < sum(first == "old" for first, _ in drawn) < 140


@pytest.mark.parametrize("noise", NAMES)
def test_recorded_runs_are_enough_for_the_longest_comparison(noise):
    for recorded in load(noise).values():
        assert len(recorded) >= 2 * SETS * 2 * PAIRS


@pytest.mark.parametrize("noise", NAMES)
def test_on_recorded_runs_false_alarms_are_rare_and_slowdowns_found(noise):
    alarms, *_ = bench_regression.simulated(noise, 0.0, seed=3)
    found, *_ = bench_regression.simulated(noise, 0.08, seed=3)

    assert alarms <= 1 / 200
    assert found >= 0.9


def test_no_run_is_used_twice_in_a_comparison():
    recorded = load("calm")["bench_sort"]
    distinct = np.arange(len(recorded), dtype=float)
    used = [
        log for pairs in bench_regression.sets(distinct, 0.0, random.Random(5)) for p in pairs for log in (p.old, p.new)
    ]

    assert 2 * SETS * 2 * PAIRS <= len(used) == len(set(used))
