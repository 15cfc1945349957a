"""Calibrating from a workload: where the time goes, what is measured, what is said of it, and bad input."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from autotune import CalibrationError, Choice, Range, UnknownKernel, tunable
from autotune.cli.app import app
from autotune.kernel.signature import signature_of
from autotune.profile import files
from autotune.profile.tuning import gains, planning, resolving
from autotune.profile.tuning.calibration import calibrate_workload
from autotune.profile.tuning.costs import Costs, Entry
from autotune.profile.tuning.planning import Plan, Site, Target
from autotune.profile.workload import Argument
from autotune.store import store
from autotune.store.record import Gap, Leaf, Pick, Split, leaves, lookup
from autotune.tuner import patches
from autotune.tuner.effort import EFFORTS
from autotune.tuner.joining import with_sizes
from autotune.tuner.locating import Signatures
from autotune.tuner.task import Task
from tests.recorded import ARRAY, array, calls_of, kernel_of, workload_of
from tests.records import cell, leaf, record_of
from tests.test_calibrate import command

MODULE = '''
import numpy as np
from autotune import Choice, Range, tunable

def pieces(x, times):
    """Work that takes `times` as long for each element, the same result whatever it takes."""
    for _ in range(times):
        result = np.sort(x)
    return result

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 100_000), "dtype": Choice("float32", "float64")},
)
def slow(x):
    """Sorts eight times."""
    return pieces(x, 8)

@slow.variant(kind="vectorized")
def quick(x):
    return pieces(x, 1) if x.size > 1_000 else pieces(x, 16)

@tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 100_000)})
def even(x):
    """Has a variant that wins nothing."""
    return pieces(x, 2)

@even.variant(kind="vectorized")
def as_even(x):
    return pieces(x, 4)

@tunable(size={"n": "x.size"})
def largest(x, k):
    """Has no inputs=."""
    return np.sort(x)[x.size - k:]

@largest.variant(kind="library")
def partitioned(x, k):
    return np.sort(np.partition(x, x.size - k)[x.size - k:]) if 0 < k < x.size else largest.reference(x, k)
'''


@pytest.fixture
def module(tmp_path):
    file = tmp_path / "sorts.py"
    file.write_text(MODULE)
    (tmp_path / "program.py").touch()
    return file


def workload(module, *kernels, **about):
    """A run of a program that is not the module."""
    return workload_of(*kernels, command=["python", str(module.with_name("program.py"))], **about)


def events_of(work, **how):
    """The outcome and the events of a calibration in this process."""
    events = []
    return calibrate_workload(work, tell=events.append, **how), events


# -- the plan


def target(name: str, *sites: Site, verifying_s: float = 0.1) -> Target:
    return Target(name, Entry(compiling_s=0.0, verifying_s=verifying_s, candidates=3), list(sites))


def site(n: int, seconds: float, ratio: float = 0.5, *, call_s: float = 1e-4, **about) -> Site:
    return Site(calls_of(n, seconds / call_s, call_s), gains.Gain(ratio, "a test"), **about)


def plan(*targets: Target, runs: float = 100) -> Plan:
    return Plan(targets, Costs(EFFORTS["quick"]), runs)


def test_time_goes_where_it_saves_most_for_what_it_takes():
    hot, cold = target("hot", site(1000, 2.0)), target("cold", site(1000, 0.2))
    known = target("known", site(1000, 50.0, now=0.5))
    dear = target("dear", site(1000, 2.0), verifying_s=20)

    found = plan(cold, known, dear, hot)

    assert found.next(math.inf).target is hot
    assert [found.step(each) is None for each in (hot, known)] == [False, True]


def test_nothing_is_measured_that_takes_longer_than_it_saves_in_the_runs_counted():
    small = target("small", site(1000, 0.002))

    assert plan(small, runs=1).next(math.inf) is None
    assert plan(small, runs=10_000).next(math.inf).target is small


def test_a_step_that_does_not_fit_in_the_time_left_is_not_taken_unless_it_can_be_begun():
    one = target("one", site(1000, 2.0), verifying_s=10)

    assert plan(one).next(1.0) is None
    assert plan(one).next(5.0).target is one
    assert plan(one).next(0.0) is None


def test_sizes_near_one_that_is_measured_are_left_and_distant_ones_are_not():
    sites = [site(1000, 2.0), site(1010, 1.9), site(1_000_000, 1.0)]

    step = plan(target("kernel", *sites)).step(target("kernel", *sites))

    assert [each.size["n"] for each in step.sites] == [1000, 1_000_000]


def test_the_smallest_size_of_a_kernel_that_is_measured_anyway_is_measured_too():
    sites = [site(1000, 2.0), site(2, 1e-9, call_s=1e-6), site(500, 1e-9, call_s=1e-6)]

    step = plan(target("kernel", *sites)).step(target("kernel", *sites))

    assert [each.size["n"] for each in step.sites] == [1000, 2]


def test_what_steps_took_corrects_what_the_next_is_expected_to_take():
    costs = Costs(EFFORTS["quick"])
    for _ in range(20):
        costs.learn(1.0, 2.0)

    assert 1.8 < costs.pace < 2.0
    costs.learn(1.0, 1e6)
    assert costs.pace < 2.2  # one that was disturbed counts as four times as slow


def test_the_first_call_does_not_count_as_saved():
    step = round(16 * math.log2(1e-3 / 1e-9))
    calm = calls_of(10, 100, 1e-3, times={step: 100})
    first = calls_of(10, 100, 1e-3, total_s=0.1 + 2.05, times={step: 99, step + 16 * 11: 1})

    assert planning.undisturbed_s(calm) == pytest.approx(0.1)
    assert planning.undisturbed_s(first) == pytest.approx(0.1, rel=0.6)  # the tuning alone took 2 s


def test_the_time_of_kernels_called_inside_is_counted_once():
    assert site(1000, 2.0, own=0.25).before_s == pytest.approx(0.5)


# -- gains


@pytest.fixture
def kernel():
    @tunable(
        size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 10_000)},
        name="tested:sorted",
    )  # fmt: skip
    def plain(x):
        return np.sort(x)

    @plain.variant(kind="library")
    def other(x):
        return np.sort(x)

    return plain.__autotune__.kernel


def record(kernel, decision, *cells, **about):
    signature = signature_of(kernel, kernel.bind(np.ones(3)))
    return record_of(kernel, signature, decision, cells=cells, **about)


def test_a_gain_is_known_from_the_nearest_place_that_tells(kernel):
    mine = record(kernel, leaf("other"), cell({"n": 100}, reference=4e-6, other=1e-6))
    theirs = record(kernel, leaf("other"), cell({"n": 5000}, reference=4e-5, other=2e-5), label="a machine")
    served = {"reference": 7.0}

    def best(sources, n):
        found = sources.best(ARRAY, {"n": n}, served, 50e-6)
        return found.ratio, found.source

    both, none = gains.Sources(mine, (), [theirs]), gains.Sources(None)
    assert best(both, 120) == (0.25, "measured at n=100")
    assert best(both, 6000) == (0.5, "n=5,000 on a machine")
    assert best(both, 1_000_000) == (0.25, "the best of its other sizes: n=100")
    assert best(none, 100) == (0.29, "as a rule")
    assert none.best(ARRAY, {"n": 10}, served, 1e-6).ratio == 1
    assert none.best(ARRAY, {"n": 10}, {"other": 1.0}, 1e-3).ratio == 1


def test_what_is_decided_already_is_no_gain(kernel):
    mine = record(kernel, leaf("other"), cell({"n": 100}, reference=4e-6, other=1e-6))
    sources = gains.Sources(mine)
    best = sources.best(ARRAY, {"n": 100}, {"reference": 1.0}, 4e-6)

    assert sources.now({"n": 100}, {"reference": 1.0}, best) == best.ratio == 0.25
    assert gains.Sources(None).now({"n": 100}, {"reference": 1.0}, best) is None


def test_ratios_count_warm_and_cold_calls_as_often_as_the_program_makes_them():
    here = {"warm": {"reference": [0.2, 0.1, 0.3]}, "cold": {"reference": [0.6, 0.5, 0.7]}}

    middle, low, high = gains.weighed(here, {"reference": 9.0}, warm=0.75)

    assert middle == pytest.approx(0.3)
    assert (low, high) == (pytest.approx(0.2), pytest.approx(0.4))
    assert gains.weighed(here, {"gone": 1.0}, warm=1.0) is None
    times = {"seconds": {"reference": 1.0}, "cold_seconds": {"reference": 3.0}}
    assert gains.seconds_now(times, {"reference": 9.0}, warm=0.75) == 1.5
    assert gains.seconds_now({**times, "seconds": {}}, {"reference": 9.0}, warm=0.75) is None
    mixed = {"warm": {"reference": [0.5] * 3, "quick": [1.0] * 3}, "cold": {}}
    assert gains.weighed(mixed, {"reference": 1.0, "quick": 1.0}, warm=1.0)[0] == pytest.approx(2 / 3)


# -- decisions around sizes


def test_every_measured_size_is_served_by_its_own_winner():
    rng = np.random.default_rng(5)
    spots = [({"m": int(m), "n": int(n)}, leaf("ab"[i % 2])) for i, (m, n) in enumerate(rng.integers(1, 9999, (40, 2)))]

    decision = patches.by_neighbours(spots)

    assert all(lookup(decision, size) == served for size, served in spots)
    assert patches.by_neighbours(spots[:1]) == leaf("a")


def test_gaps_are_filled_and_what_is_decided_stays():
    new = patches.inside(leaf("new"), {"n": (100, 200)})
    old = Split("n", 150, leaf("small"), Split("n", 1000, leaf("large"), Gap()))

    decision = patches.filled(new, old)

    def served(n):
        found = lookup(decision, {"n": n})
        return found and found.winner.variant

    assert [served(n) for n in (99, 100, 199, 200, 999, 1000)] == ["small", "new", "new", "large", "large", None]
    assert patches.depth(decision) <= 4
    deep = leaf("x")
    for at in range(39, 0, -1):
        deep = Split("n", at, leaf("y", at=at), deep)
    assert patches.filled(new, deep) == new


def test_of_a_calibrated_record_only_the_surroundings_of_a_size_with_another_winner_change(kernel):
    known = record(kernel, leaf("reference"), cell({"n": 10}, reference=1.0, other=2.0), effort="thorough")
    at_100 = record(kernel, patches.inside(leaf("other"), {"n": (70, 142)}), cell({"n": 100}, reference=4.0, other=1.0))

    made = with_sizes(known, at_100)

    assert [lookup(made.decision, {"n": n}).winner.variant for n in (60, 100, 150)] == [
        "reference",
        "other",
        "reference",
    ]
    assert made.provenance.effort == "thorough"
    assert [each.size["n"] for each in made.cells] == [10, 100]
    again = with_sizes(made, record(kernel, leaf("other"), cell({"n": 100}, reference=4.0, other=1.0)))
    assert again.decision == made.decision


def test_what_first_use_found_at_other_sizes_stays(kernel):
    first = record(
        kernel, patches.inside(leaf("reference"), {"n": (7, 15)}), cell({"n": 10}, reference=1.0, other=2.0),
        origin="first-use", spent_s=1.0,
    )  # fmt: skip
    new = record(
        kernel, patches.inside(leaf("other"), {"n": (70, 142)}), cell({"n": 100}, reference=4.0, other=1.0), spent_s=2.0
    )

    made = with_sizes(first, new)

    assert [each and each.winner.variant for each in (lookup(made.decision, {"n": n}) for n in (10, 40, 100))] == [
        "reference", None, "other",
    ]  # fmt: skip
    assert (made.provenance.origin, made.provenance.spent_s) == ("calibrate", 3.0)
    assert with_sizes(None, new) is new


def test_sizes_that_were_measured_before_decide_with_the_new_ones_about_them(kernel):
    first = record(
        kernel, patches.inside(leaf("other"), {"n": (707, 1415)}), cell({"n": 1000}, reference=4.0, other=1.0)
    )
    new = record(
        kernel, patches.inside(leaf("reference"), patches.around([{"n": 10}, {"n": 100_000}])),
        cell({"n": 10}, reference=1.0, other=2.0), cell({"n": 100_000}, reference=1.0, other=2.0),
    )  # fmt: skip

    made = with_sizes(first, new)

    def served(n):
        found = lookup(made.decision, {"n": n})
        return found and found.winner.variant

    assert [served(n) for n in (6, 10, 99, 101, 1000, 9999, 10_001, 100_000, 142_000)] == [
        None, "reference", "reference", "other", "other", "other", "reference", "reference", None,
    ]  # fmt: skip
    assert with_sizes(with_sizes(None, first), first).decision == first.decision


# -- arguments


def test_arguments_come_from_inputs_whatever_its_keywords_are_called():
    @tunable(
        size={"rows": "x.shape[0]", "columns": "x.shape[1]", "bytes": "x.nbytes"},
        inputs=lambda rng, dtype, wide, long: (rng.standard_normal((long, wide)).astype(dtype),),
        calibrate={"wide": Range(1, 10), "long": Range(1, 100), "dtype": Choice("float32", "float64")},
    )
    def spread(x):
        return np.ptp(x)

    kernel = spread.__autotune__.kernel
    values = kernel.bind(np.ones((70, 3), "float32"))
    key, size = signature_of(kernel, values).key, kernel.size_of(values)

    problem, points, reason = Signatures(kernel).located(key, [(size, {})])

    assert points == [{"wide": 3, "long": 70}]
    assert problem.arguments(points[0])["x"].dtype == np.float32
    assert problem.signature().key == key
    assert reason == ""


EXAMPLE = {"x": {"shape": [50], "dtype": "float64"}, "k": {"value": 5}, "weights": {"value": [1, 2.5], "type": "tuple"}}


TWO = np.float64(2.0)


def strided(x, k, flag=True, scale=TWO, weights=(1, 2.0), *, out=None):
    if np.any(x > 1e6):
        raise ValueError("too large")
    return np.sort(x)[:k] * scale * weights[1]


def of(function):
    """A kernel whose calls no `inputs` makes."""
    tuned = tunable(function, size={"n": "x.size"}, name="tested:made_up")
    tuned.variant(kind="library", name="itself")(function)
    return tuned.__autotune__.kernel


def test_calls_are_made_up_from_examples_where_no_inputs_makes_them():
    kernel = of(strided)
    values = kernel.bind(np.ones(100)[::2], 5, False, np.float64(3.0), (1, 2.5))
    signature = signature_of(kernel, values)
    example = {**EXAMPLE, "scale": {"value": 3.0}, "flag": {"value": False}}

    problem, points, reason = Signatures(kernel).located(signature.key, [({"n": 50}, example)])

    made = problem.arguments(points[0])
    assert reason == "on made-up data"
    assert problem.signature() == signature
    assert (made["k"], made["flag"], made["weights"], type(made["scale"])) == (5, False, (1, 2.5), np.float64)
    assert not np.array_equal(made["x"], problem.arguments(points[0], fresh=1)["x"])


def refusing(x, k):
    raise ValueError("never enough")


def by_value(x, k):
    return np.sort(x)[:k]


@pytest.mark.parametrize(
    ("function", "example", "size", "said"),
    [
        (refusing, EXAMPLE, {"n": 50}, "the reference refuses made-up data: ValueError: never enough"),
        (by_value, {"x": {"shape": [50]}}, {"n": 50}, "does not tell what k was, only type int"),
        (by_value, {"x": {"shape": [5, 10]}, "k": {"value": 1}}, {"n": 50}, "is another one"),
        (by_value, {"x": {"shape": [40]}, "k": {"value": 1}}, {"n": 50}, "has another size"),
    ],
)
def test_calls_that_cannot_be_made_up_say_why(function, example, size, said):
    kernel = of(function)
    key = signature_of(kernel, kernel.bind(np.ones(50), 1)).key

    problem, points, reason = Signatures(kernel).located(key, [(size, example)])

    assert (problem, points) == (None, [None])
    assert said in reason


def test_a_signature_that_nothing_makes_cannot_be_known():
    with pytest.raises(CalibrationError, match="does not tell what k was"):
        Signatures(of(by_value)).signature('[["x","array","float64",1,"C"],["k","callable"]]', {"n": 3}, EXAMPLE)


# -- the whole


def test_it_measures_the_sizes_that_occur_and_predicts_what_that_saves(module):
    hot, small = calls_of(20_000, 1000, 5e-3), calls_of(10, 1000, 20e-6)
    work = workload(module, kernel_of("sorts:slow", module, hot, small), wall_s=8.0)

    found, events = events_of(work, effort="quick", runs=1000)

    (record,) = found.records
    assert [each.size["n"] for each in record.cells] == [10, 20_000]
    assert lookup(record.decision, {"n": 20_000}).winner.variant == "quick"
    assert lookup(record.decision, {"n": 10}).winner.variant == "reference"
    assert lookup(record.decision, {"n": 1_000_000}) is None
    assert store.load_all() == [record]
    (target,) = found.targets
    assert 0.03 < target.after_s / target.before_s < 0.4  # an eighth, where nothing else runs
    assert found.reason == "nothing is left that pays"
    assert found.start_s == 0
    assert [event["event"] for event in events][-1] == "done"


def test_a_border_is_searched_where_the_program_makes_calls_between_two_sizes(module):
    sites = [calls_of(20_000, 1000, 5e-3), calls_of(30, 20_000, 50e-6), calls_of(3000, 3, 100e-6)]

    found, _ = events_of(workload(module, kernel_of("sorts:slow", module, *sites)), effort="quick", runs=10)

    (record,) = found.records
    served = [lookup(record.decision, {"n": n}).winner.variant for n in (30, 900, 1300, 20_000)]
    assert [each.size["n"] for each in record.cells] == [30, 20_000]
    assert served == ["reference", "reference", "quick", "quick"]  # half-way would be at 775


def test_what_is_known_is_not_measured_again_and_its_saving_is_told(module):
    work = workload(module, kernel_of("sorts:slow", module, calls_of(20_000, 1000, 5e-3)))
    events_of(work, effort="quick")

    again, _ = events_of(work, effort="quick")
    forced, _ = events_of(work, effort="quick", force=True)

    assert again.records == []
    assert 0.03 < again.targets[0].after_s / again.targets[0].before_s < 0.4
    assert len(forced.records) == 1


def test_a_clean_record_is_not_replaced_by_what_a_busy_machine_measured(module, monkeypatch):
    work = workload(module, kernel_of("sorts:slow", module, calls_of(20_000, 1000, 5e-3)))
    outcome = Task.outcome
    monkeypatch.setattr(Task, "outcome", lambda *given, **about: {**outcome(*given, **about), "contended": False})
    events_of(work, effort="quick")
    (before,) = store.load_all()
    store.put([msgspec.structs.replace(before, quality="clean")])
    monkeypatch.setattr(Task, "outcome", lambda *given, **about: {**outcome(*given, **about), "contended": True})

    again, _ = events_of(work, effort="quick", force=True)

    assert [record.quality for record in store.load_all()] == ["clean"]
    assert again.records == []
    assert again.left_out == [("slow [float64 1-d C]", "the machine was busy, so the clean record stays as it is")]


def test_a_variant_that_wins_nothing_saves_nothing(module):
    found, _ = events_of(
        workload(module, kernel_of("sorts:even", module, calls_of(20_000, 1000, 1e-3))), effort="quick"
    )

    assert found.targets[0].after_s == found.targets[0].before_s
    assert [served.winner.variant for served in leaves(found.records[0].decision)] == ["reference"]


def test_a_kernel_without_inputs_is_measured_on_made_up_data(module):
    key = '[["x","array","float64",1,"C"],["k","type","int"]]'
    about = {"x": array(30_000), "k": Argument(value=5)}
    work = workload(module, kernel_of("sorts:largest", module, calls_of(30_000, 1000, 2e-3, example=about), key=key))

    found, _ = events_of(work, effort="quick")

    assert lookup(found.records[0].decision, {"n": 30_000}).winner.variant == "partitioned"


def test_what_cannot_be_measured_is_named_and_the_rest_is_measured(module):
    key = '[["x","array","float64",1,"C"],["k","callable"]]'
    work = workload(
        module,
        kernel_of("sorts:largest", module, calls_of(30_000, 1000, 2e-3, example={"x": array(30_000)}), key=key),
        kernel_of("sorts:largest2", module, calls_of(30_000, 1000, 2e-3)),
        kernel_of("elsewhere:gone", "no_such_module", calls_of(30_000, 1000, 2e-3)),
        kernel_of("sorts:even", module, calls_of(10_000, 1, 1e-3), key="", untuned="x is a list"),
        kernel_of("sorts:slow", module, calls_of(20_000, 1000, 5e-3)),
    )

    found, _ = events_of(work, effort="quick")

    assert [record.kernel for record in found.records] == ["sorts:slow"]
    assert found.left_out[0][0] == "largest"
    assert "does not tell what k was" in found.left_out[0][1]
    assert ("even", "x is a list") in found.left_out
    assert "does not declare sorts:largest2 any more" in found.resolved.gone["sorts:largest2"]
    assert "no_such_module" in found.resolved.gone["elsewhere:gone"]


def test_a_program_without_a_main_guard_or_of_others_is_not_run(module, tmp_path):
    module.write_text(MODULE + "\nraise SystemExit('the program ran')\n")
    work = workload_of(kernel_of("sorts:slow", module, calls_of(20_000, 1000, 5e-3)), command=["python", str(module)])
    found, _ = events_of(work)
    open_to_all = tmp_path / "open.py"
    open_to_all.write_text("raise SystemExit('it ran')")
    open_to_all.chmod(0o666)
    others, _ = events_of(workload(module, kernel_of("open:x", open_to_all, calls_of(10, 10, 1e-3))))
    missing, _ = events_of(workload(module, kernel_of("gone:x", tmp_path / "gone.py", calls_of(10, 10, 1e-3))))

    assert "no main guard" in found.resolved.gone["sorts:slow"]
    assert "others may write it" in others.resolved.gone["open:x"]
    assert "No such file" in missing.resolved.gone["gone:x"]


def test_only_the_kernels_that_are_asked_for(module):
    work = workload(
        module,
        kernel_of("sorts:even", module, calls_of(20_000, 1000, 1e-3)),
        kernel_of("sorts:slow", module, calls_of(20_000, 1000, 5e-3)),
    )

    assert list(resolving.resolve(work, ["slow"], lambda kernel: "reassociated").kernels) == ["sorts:slow"]
    with pytest.raises(UnknownKernel, match="has no kernel 'fast'; it has: even, slow"):
        events_of(work, names=["fast"])


# -- the command


@pytest.fixture
def recorded(module, tmp_path):
    """The file of a workload."""
    file = tmp_path / "workload.json"
    files.write(file, workload(module, kernel_of("sorts:slow", module, calls_of(20_000, 1000, 5e-3)), wall_s=8.0))
    return file


def test_the_command_prints_what_each_kernel_costs_saves_and_when_it_pays_back(recorded):
    text = command("calibrate", "--from", recorded, "--effort", "quick", "--budget", "20").stdout
    data = json.loads(command("calibrate", "--from", recorded, "--effort", "quick", "--json").stdout)

    words = " ".join(text.split())
    assert "slow 62% 5 s" in words
    assert "after 1 run" in words
    assert "savings are counted for 100 runs (--runs)" in text
    (row,) = data["kernels"]
    assert row["share"] == pytest.approx(5 / 8)
    assert 3 < row["saving_s"] < 4.9
    assert (row["spent_s"], row["pays_back_after_runs"]) == (0, 0)
    assert data["total"]["expected_wall_s"] == pytest.approx(8 - row["saving_s"])


def test_workloads_count_as_often_as_their_weights_say(recorded, module, tmp_path):
    other = tmp_path / "a=1.json"
    files.write(other, workload(module, kernel_of("sorts:even", module, calls_of(20_000, 10, 1e-3)), wall_s=1.0))

    data = json.loads(
        command("calibrate", "--from", f"{recorded}=0.5", "--from", other, "--effort", "quick", "--json").stdout
    )

    assert data["total"]["wall_s"] == pytest.approx(5.0)
    assert {row["kernel"]: round(row["before_s"], 6) for row in data["kernels"]} == {
        "sorts:slow": 2.5,
        "sorts:even": 0.01,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no workload that can be read"),
        (b'{"schema": 1, "records": []}', "not a workload"),
        (b'{"format": "autotune workload", "schema": 99}', "newer autotune"),
    ],
)
def test_a_damaged_foreign_or_newer_workload_is_wrong_usage(recorded, content, said):
    recorded.write_bytes(content)

    assert said in misused("--from", recorded)


def misused(*arguments) -> str:
    """What the command says of wrong usage."""
    done = CliRunner().invoke(app, ["calibrate", *map(str, arguments)])
    assert done.exit_code == 2, done.output
    return " ".join(done.output.replace("│", " ").split())


def test_wrong_usage_says_what_is_right(recorded, tmp_path):
    assert "no number above 0" in misused("--from", f"{recorded}=much")
    assert "no number above 0" in misused("--from", f"{recorded}=-1")
    assert "cannot be read" in misused("--from", tmp_path / "missing.json")
    assert "--budget" in misused("--from", recorded, "--budget", "0")
    assert "leave out --module" in misused("--from", recorded, "--dtype", "float64")
    assert "give one with --from" in misused("--runs", "5")
    assert "has no kernel 'fast'" in misused("fast", "--from", recorded)


def test_a_workload_of_nothing_or_of_kernels_that_are_gone_exits_with_3(module, tmp_path):
    file = tmp_path / "workload.json"
    files.write(file, workload(module))
    empty = command("calibrate", "--from", file, check=3)
    files.write(file, workload(module, kernel_of("gone:x", "no_such_module", calls_of(10, 1000, 1e-3))))
    gone = command("calibrate", "--from", file, check=3)

    assert "no calls of kernels" in empty.stderr
    assert "not there: gone:x: cannot import no_such_module" in gone.stderr


def test_what_is_finished_when_it_is_interrupted_is_kept(module, tmp_path):
    module.write_text(
        MODULE.replace("    return pieces(x, 2)", "    import time\n    time.sleep(0.5)\n    return pieces(x, 2)")
    )
    file = tmp_path / "workload.json"
    files.write(
        file,
        workload(
            module,
            kernel_of("sorts:slow", module, calls_of(20_000, 10_000, 5e-3)),
            kernel_of("sorts:even", module, calls_of(20_000, 10, 0.5)),
        ),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "autotune", "calibrate", "--from", str(file), "--effort", "quick"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    try:
        first = process.stderr.readline()
        time.sleep(0.5)  # the second is being measured, for seconds
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.communicate()

    assert first.startswith("slow [float64 1-d C]:")
    assert [record.kernel for record in store.load_all()] == ["sorts:slow"]


def test_one_leaf_is_no_decision_for_sizes_that_do_not_occur():
    served = patches.inside(Leaf(Pick("quick")), {"m": (1, 10), "n": (5, 50)})

    assert lookup(served, {"m": 9, "n": 5}) is not None
    assert [lookup(served, {"m": m, "n": n}) for m, n in ((0, 5), (10, 5), (1, 4), (1, 50))] == [None] * 4
