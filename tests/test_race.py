"""The race, on times made by hand and by seeded noise; no clock is read."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from autotune.measure.paired import quantile, t95, winsorised
from autotune.measure.race import Contestant, Race
from autotune.measure.timer import Disturbances


class FakeClock:
    """Gives the times of each candidate in turn, in microseconds, over and over."""

    def __init__(self, times: dict[str, list[float]], contended: bool = False) -> None:
        self.times = {name: itertools.cycle(values) for name, values in times.items()}
        self.contended = contended
        self.taken = 0

    def next_round(self) -> None:
        pass

    def sample(self, name: str) -> float:
        self.taken += 1
        return next(self.times[name]) * 1e-6


def race(times, contestants=None, **options):
    clock = FakeClock(times)
    return Race(clock=clock, seed=1, now=lambda: 0.0, **options).run(contestants or list(times))


REFERENCE = Contestant("reference", is_reference=True)


def test_the_fastest_wins():
    assert race({"a": [100], "b": [50], "c": [70]}).winner == "b"


def test_a_threaded_variant_does_not_win_on_its_best_moments_alone():
    contestants = [Contestant("serial"), Contestant("threads", threads=2)]
    verdict = race({"serial": [95], "threads": [50, 50, 8000]}, contestants, layer="omp")

    assert verdict.winner == "serial"
    assert verdict.reason == "threads: slow tail 8000 µs, needs < 76 µs"


def test_a_threaded_variant_wins_where_its_tail_is_good_and_its_runner_up_is_known():
    contestants = [REFERENCE, Contestant("serial"), Contestant("threads", threads=2)]
    verdict = race({"reference": [300], "serial": [95], "threads": [50, 51, 52]}, contestants)

    assert verdict.winner == "threads"
    assert verdict.single == "serial"


def test_one_disturbed_round_of_eight_does_not_decide_against_threads():
    contestants = [Contestant("serial"), Contestant("threads", threads=2)]
    calm = [50, 51, 52, 50, 51, 52, 50]
    verdict = race({"serial": [95], "threads": [*calm, 8000, *calm, *calm, *calm, *calm, *calm]}, contestants)

    assert verdict.winner == "threads"
    assert 8 < len(verdict.samples["threads"]) <= 40


def test_nobody_is_out_by_statistics_before_the_least_rounds():
    few = race({"a": [100, 101], "b": [110, 111]})
    many = race({"a": [100, 101], "b": [110, 111]}, least_rounds=24)

    assert len(few.samples["b"]) == 8
    assert len(many.samples["b"]) == 24
    assert few.winner == many.winner == "a"


@pytest.mark.parametrize(("margin_of", "winner"), [("tbb", "threads"), ("omp", "serial")])
def test_the_margin_of_the_tail_depends_on_the_layer(margin_of, winner):
    contestants = [Contestant("serial"), Contestant("threads", threads=2)]

    assert race({"serial": [100], "threads": [90]}, contestants, layer=margin_of).winner == winner


def test_the_reference_wins_ties():
    verdict = race({"reference": [100, 101], "v": [99, 100]}, [REFERENCE, Contestant("v")])

    assert verdict.winner == "reference"
    assert verdict.against_reference.ratio == 1


def test_replacing_the_reference_takes_three_percent_with_confidence():
    noisy = {"reference": [100, 60, 140], "v": [95, 130, 65]}

    assert race(noisy, [REFERENCE, Contestant("v")]).winner == "reference"
    assert race({"reference": [100, 101, 99], "v": [95, 96, 94]}, [REFERENCE, Contestant("v")]).winner == "v"


def test_other_ties_go_to_fewer_threads_then_less_memory_then_the_name():
    times = {"z": [50], "b": [50.2], "a": [50.1]}

    assert race(times, [Contestant("z"), Contestant("b", memory_bytes=9), Contestant("a", threads=2)]).winner == "z"
    assert race(times, [Contestant("z"), Contestant("b"), Contestant("a")]).winner == "a"


def test_hopeless_candidates_leave_after_two_rounds():
    clock = FakeClock({"a": [100], "b": [50], "c": [300]})
    verdict = Race(clock=clock, seed=0, now=lambda: 0.0).run(["a", "b", "c"])

    assert {name: len(samples) for name, samples in verdict.samples.items()} == {"a": 2, "b": 2, "c": 2}
    assert verdict.decided


def test_a_disturbed_round_of_the_winner_does_not_save_a_reference_that_was_out_after_two():
    verdict = race({"reference": [87], "single": [35, 95, 32, 33], "threads": [34]}, [REFERENCE, "single", "threads"])

    assert verdict.winner in ("single", "threads")
    assert 0.3 < verdict.against_reference.ratio < 0.5


def test_a_race_stops_at_its_budget():
    seconds = itertools.count()
    verdict = Race(
        clock=FakeClock({"a": [100, 140], "b": [120, 101]}), seed=0, budget_s=3, now=lambda: float(next(seconds))
    ).run(["a", "b"])

    assert verdict.rounds < 8
    assert not verdict.decided


def test_equal_seeds_give_equal_races():
    def once(seed):
        rng = random.Random(3)
        times = {
            name: [rng.lognormvariate(0, 0.1) * base for _ in range(99)]
            for name, base in zip("abc", (9, 9, 8.8), strict=True)
        }
        return Race(clock=FakeClock(times), seed=seed, now=lambda: 0.0).run(list("abc"))

    assert once(5) == once(5)


def test_a_disturbed_session_is_contended():
    contended = Race(clock=FakeClock({"a": [1], "b": [2]}, contended=True), seed=0).run(["a", "b"])
    clean = Race(clock=FakeClock({"a": [1], "b": [2]}), seed=0).run(["a", "b"])

    assert contended.contended
    assert not clean.contended


@pytest.mark.parametrize(
    ("disturbed", "cpu_s", "contended"), [(4, 1.0, False), (6, 1.0, True), (0, 0.95, False), (0, 0.85, True)]
)
def test_a_session_is_contended_if_others_had_the_processors(disturbed, cpu_s, contended):
    seen = Disturbances()
    seen.blocks, seen.disturbed, seen.wall_s, seen.cpu_s = 10, disturbed, 1.0, cpu_s

    assert seen.contended is contended


def test_time_asleep_counts_as_time_without_a_processor():
    seen = Disturbances()
    with seen.watch():
        time.sleep(0.05)

    assert seen.contended


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_contestants_have_names_of_their_own(names):
    with pytest.raises(ValueError, match="names of their own"):
        race({"a": [1]}, names or None) if names else Race(clock=FakeClock({}), seed=0).run([])


def test_on_noise_with_rare_huge_outliers_a_slower_one_hardly_ever_wins():
    """MEASUREMENT.md, section 1: a narrow core and rare losses of a scheduler slice."""
    rng = random.Random(7)

    def noise(base):
        return [base * rng.lognormvariate(0, 0.02) + (6000 if rng.random() < 0.01 else 0) for _ in range(60)]

    wrong = calls = 0
    for seed in range(300):
        clock = FakeClock({name: noise(base) for name, base in zip("abcdef", (30, 31.5, 33, 36, 45, 90), strict=True)})
        verdict = Race(clock=clock, seed=seed, now=lambda: 0.0).run(list("abcdef"))
        wrong += verdict.winner not in ("a",)
        calls += clock.taken

    assert wrong <= 3
    assert calls / 300 <= 130


def test_outliers_are_pulled_in():
    assert max(winsorised([1.0, 1.1, 0.9, 1.0, 50.0])) < 2
    assert winsorised([3.0, 3.0, 3.0]) == [3.0, 3.0, 3.0]


def test_quantiles_interpolate_and_t_has_its_limits():
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([1], 0.9) == 1
    assert t95(1) == 12.71
    assert t95(500) == 1.96
