"""Variants are added, edited and removed on disk, and only these are measured: by calibrate and by first use."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from autotune import IntRange, tunable
from autotune.dispatch.revision import revised
from autotune.dispatch.routes import check
from autotune.kernel.model import Candidate
from autotune.kernel.signature import signature_of
from autotune.measure.paired import Interval
from autotune.measure.race import Verdict
from autotune.measure.timer import Disturbances
from autotune.search.crossover import Outcome, Segment
from autotune.store import store
from autotune.store.record import Cell, Choice, Gap, Leaf, Measurement, Split, leaves, lookup
from autotune.tuner import borders, decide, grid, incremental, joining
from autotune.tuner.effort import EFFORTS
from autotune.tuner.regimes import Regimes
from tests.records import leaf, record, split

HEAD = '''
import numpy as np
from autotune import Range, tunable

def note(name):
    """Leaves a trace of a call, by processes that cannot be asked."""
    with open(CALLS, "a") as file:
        file.write(name + chr(10))

CALLS = "CALLS_FILE"

@tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(1, 3000)})
def doubled(x):
    """Element by element."""
    return np.array([value + value for value in x])
'''
BY_LIST = """
@doubled.variant(kind="scalar")
def by_list(x):
    return np.array([value + value for value in x.tolist()])
"""
AT_ONCE = """
@doubled.variant(kind="vectorized")
def at_once(x):
    return x + x
"""
SLOW = """
@doubled.variant(kind="scalar")
def slow(x):
    doubled.reference(x)
    return doubled.reference(x)
"""
BROKEN = """
@doubled.variant(kind="scalar")
def broken(x):
    note("broken")
    return x * 2.5
"""
HELPER = """
def plus(a, b):
    return a + b

@doubled.variant(kind="vectorized")
def with_helper(x):
    return plus(x, x)

@doubled.variant(kind="vectorized")
def with_helper_too(x):
    return plus(np.asarray(x), x)
"""


@pytest.fixture
def module(tmp_path):
    """Writes the module anew: its parts, after the kernel itself."""
    file = tmp_path / "edited.py"

    def write(*parts, head=HEAD):
        file.write_text(head.replace("CALLS_FILE", str(tmp_path / "calls")) + "".join(parts))
        return file

    return write


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """Calibrations of this process find the machine quiet: a contended record is measured anew as a whole."""
    monkeypatch.setattr(Disturbances, "contended", False)


def calibrate(file, *more):
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "calibrate", "-m", str(file), "--effort", "quick", "--json", *more],
        capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout
    # The machine may have been busy; a contended record is measured anew as a whole, which is not what is tested here.
    store.put([msgspec.structs.replace(made, quality="clean") for made in store.load_all()])
    return json.loads(done.stdout)


def only_record():
    (found,) = store.load_all()
    return found


def rows(found, without=()):
    """Everything measured, by size and candidate, but for some variants."""
    return {
        (tuple(cell.size.items()), str(measured.candidate)): (measured.median_s, measured.spread, measured.rounds)
        for cell in found.cells for measured in cell.measurements if measured.candidate.variant not in without
    }  # fmt: skip


def winner_at(found, n):
    return str(lookup(found.decision, {"n": n}).winner)


UPDATED = "doubled [float64 1-d C]: {}, raced against the current winners"


def test_a_faster_variant_is_raced_alone_against_the_winners_and_wins(module):
    calibrate(module(BY_LIST))
    before = only_record()
    done = calibrate(module(BY_LIST, AT_ONCE))
    after = only_record()

    assert done["updated"] == [UPDATED.format("at_once added")]
    assert (done["measured"], done["kept"]) == (1, 0)
    kept = rows(after)
    assert {key: kept[key] for key in rows(before)} == rows(before)
    assert {size for size, name in kept if name == "at_once"} >= {size for size, _ in rows(before)}
    assert winner_at(before, 3000) == "by_list"
    assert winner_at(after, 3000) == "at_once"
    assert after.provenance.origin == "calibrate"
    assert calibrate(module(BY_LIST, AT_ONCE))["kept"] == 1


def test_a_slower_variant_changes_nothing_but_adds_its_measurements(module):
    calibrate(module(AT_ONCE))
    before = only_record()
    done = calibrate(module(AT_ONCE, SLOW))
    after = only_record()

    assert done["updated"] == [UPDATED.format("slow added")]
    assert after.decision == before.decision
    assert [cell.winner for cell in after.cells] == [cell.winner for cell in before.cells]
    assert rows(after, without={"slow"}) == rows(before)
    assert {size for size, name in rows(after) if name == "slow"} == {size for size, _ in rows(before)}
    assert [found.size for found in after.held_out] == [found.size for found in before.held_out]


def test_an_edited_winner_that_became_slow_loses_its_sizes_and_nothing_else_is_measured(module):
    calibrate(module(BY_LIST, AT_ONCE))
    before = only_record()
    done = calibrate(module(BY_LIST, AT_ONCE.replace("return x + x", "return np.array([v + v for v in x])")))
    after = only_record()

    assert done["updated"] == [UPDATED.format("at_once edited")]
    assert winner_at(before, 3000) == "at_once"
    assert winner_at(after, 3000) == "by_list"
    assert not any(cell.undecided or cell.untried for cell in after.cells)
    kept = rows(after)
    old = rows(before, without={"at_once"})
    assert {key: kept[key] for key in old} == old
    last = max(after.cells, key=lambda cell: cell.size["n"]).size
    assert kept[tuple(last.items()), "at_once"][0] > 10 * rows(before)[tuple(last.items()), "at_once"][0]


def test_a_removed_winner_leaves_its_sizes_to_those_that_are_left(module):
    calibrate(module(BY_LIST, AT_ONCE))
    before = only_record()
    done = calibrate(module(BY_LIST))
    after = only_record()

    assert done["updated"] == ["doubled [float64 1-d C]: at_once removed"]
    assert winner_at(after, 3000) == "by_list"
    assert not any(name == "at_once" for _, name in rows(after))
    assert "at_once" not in str(msgspec.to_builtins(after.decision)) + str(list(after.variants.sources))
    kept = rows(after)
    old = rows(before, without={"at_once"})
    assert {key: kept[key] for key in old} == old


def test_a_removed_loser_costs_no_measurement_at_all(module):
    calibrate(module(AT_ONCE, SLOW))
    before = only_record()
    calibrate(module(AT_ONCE))
    after = only_record()

    assert rows(after) == rows(before, without={"slow"})
    assert after.decision == before.decision
    assert [cell.winner for cell in after.cells] == [cell.winner for cell in before.cells]


def test_an_edited_helper_is_an_edit_of_every_variant_that_uses_it(module):
    calibrate(module(BY_LIST, HELPER))
    before = only_record()
    done = calibrate(module(BY_LIST, HELPER.replace("return a + b", "return np.add(a, b)")))

    assert done["updated"] == [UPDATED.format("with_helper, with_helper_too edited")]
    kept, old = rows(only_record()), rows(before, without={"with_helper", "with_helper_too"})
    assert {key: kept[key] for key in old} == old


def test_an_edited_reference_has_everything_measured(module):
    calibrate(module(BY_LIST, AT_ONCE))
    before = only_record()
    done = calibrate(module(BY_LIST, AT_ONCE, head=HEAD.replace("value + value for", "2 * value for")))

    assert (done["measured"], done["updated"]) == (1, [])
    after = rows(only_record())
    assert not any(after.get(key) == row for key, row in rows(before).items() if key[1] == "by_list")


def test_a_kernel_of_which_every_variant_changed_is_measured_anew(module):
    calibrate(module(AT_ONCE))
    done = calibrate(module(AT_ONCE.replace("return x + x", "return np.add(x, x)")))

    assert (done["measured"], done["updated"]) == (1, [])


def test_a_broken_variant_keeps_its_failure_and_gets_a_chance_when_it_is_mended(module, tmp_path):
    calls = tmp_path / "calls"
    calibrate(module(BY_LIST, BROKEN))
    (failure,) = only_record().variants.failures
    tried = calls.read_text().count("broken")
    calibrate(module(BY_LIST, BROKEN, AT_ONCE))
    still = only_record()
    tried_again = calls.read_text().count("broken")
    done = calibrate(module(BY_LIST, BROKEN.replace("2.5", "2"), AT_ONCE))
    mended = only_record()

    assert tried > 0
    assert "off by" in failure.reason
    assert still.variants.failures == [failure]
    assert tried_again == tried
    assert done["updated"] == [UPDATED.format("broken edited")]
    assert mended.variants.failures == []
    assert any(name == "broken" for _, name in rows(mended))


def test_an_added_variant_that_is_wrong_is_recorded_as_failed_and_the_rest_stays(module):
    calibrate(module(AT_ONCE))
    before = only_record()
    calibrate(module(AT_ONCE, BROKEN))
    after = only_record()

    assert [str(failure.candidate) for failure in after.variants.failures] == ["broken"]
    assert (rows(after), after.decision) == (rows(before), before.decision)
    assert calibrate(module(AT_ONCE, BROKEN))["kept"] == 1


def test_several_sizes_are_brought_up_to_date_as_well(tmp_path):
    text = """
import numpy as np
from autotune import Range, tunable

@tunable(
    size={"m": "x.shape[0]", "n": "x.shape[1]"},
    inputs=lambda rng, m, n: (rng.standard_normal((m, n)),),
    calibrate={"m": Range(1, 100), "n": Range(1, 100)},
)
def row_sums(x):
    return np.array([row.sum() for row in x]) if len(x) else np.zeros(0)

@row_sums.variant(kind="scalar")
def by_python(x):
    return np.array([sum(row.tolist(), 0.0) for row in x]) if len(x) else np.zeros(0)
"""
    file = tmp_path / "several.py"
    file.write_text(text)
    calibrate(file)
    before = only_record()
    file.write_text(text + '\n@row_sums.variant(kind="vectorized")\ndef at_once(x):\n    return x.sum(axis=1)\n')
    done = calibrate(file)
    after = only_record()

    assert "at_once added" in done["updated"][0]
    assert str(lookup(after.decision, {"m": 100, "n": 100}).winner) == "at_once"
    kept = rows(after)
    assert {key: kept[key] for key in rows(before)} == rows(before)


def test_a_kernel_of_this_process_is_brought_up_to_date_here():
    @tunable(
        size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 500)}
    )  # fmt: skip
    def local(x):
        return np.array([value + value for value in x])

    local.variant(lambda x: np.array([v + v for v in x.tolist()]), kind="scalar", name="by_list")
    (before,) = local.calibrate(effort="quick")
    local.variant(lambda x: x + x, kind="vectorized", name="at_once")
    (after,) = local.calibrate(effort="quick")

    kept = rows(after)
    assert {key: kept[key] for key in rows(before)} == rows(before)
    assert winner_at(after, 500) == "at_once"


def test_an_unchanged_winner_that_fails_here_and_now_gives_way_while_another_is_added():
    @tunable(
        size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 2000)}
    )  # fmt: skip
    def local(x):
        return np.array([value + value for value in x])

    mood = {"works": True}

    def moody(x):
        if not mood["works"]:
            raise OSError("gone")
        return x + x

    local.variant(moody, kind="vectorized", name="moody")
    local.variant(lambda x: np.array([v + v for v in x.tolist()]), kind="scalar", name="by_list")
    (before,) = local.calibrate(effort="quick")
    local.variant(lambda x: np.array([v * 2 for v in x.tolist()]), kind="scalar", name="other")
    mood["works"] = False
    (after,) = local.calibrate(effort="quick")

    assert winner_at(before, 2000) == "moody"
    assert winner_at(after, 2000) in ("by_list", "other")
    assert [str(failure.candidate) for failure in after.variants.failures] == ["moody"]
    assert not any(name == "moody" for _, name in rows(after))


def test_a_variant_with_a_large_space_is_searched_for_at_the_recorded_sizes():
    @tunable(
        size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 200)}
    )  # fmt: skip
    def local(x):
        return np.array([value + value for value in x])

    local.variant(lambda x: np.array([v + v for v in x.tolist()]), kind="scalar", name="by_list")
    (before,) = local.calibrate(effort="quick")

    @local.variant(kind="blocked", params={"block": IntRange(1, 100)})
    def blocked(x, *, block):
        return x + x if block > 10 else local.reference(x)

    (after,) = local.calibrate(effort="quick")

    kept = rows(after)
    assert {key: kept[key] for key in rows(before)} == rows(before)
    assert lookup(after.decision, {"n": 200}).winner.variant == "blocked"
    assert lookup(after.decision, {"n": 200}).winner.params["block"] > 10


def test_the_command_line_says_what_was_measured(module):
    calibrate(module(BY_LIST))
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "calibrate", "-m", str(module(BY_LIST, AT_ONCE)), "--effort", "quick"],
        capture_output=True, text=True, timeout=300, check=True, env=dict(os.environ),
    )  # fmt: skip

    assert UPDATED.format("at_once added") + ", " in done.stderr


def test_a_budget_that_does_not_suffice_leaves_the_rest_of_the_sizes_to_the_next_calibration():
    @tunable(
        size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 3000)}
    )  # fmt: skip
    def local(x):
        return np.array([value + value for value in x])

    local.variant(lambda x: np.array([v + v for v in x.tolist()]), kind="scalar", name="by_list")
    (before,) = local.calibrate(effort="quick")
    local.variant(lambda x: x + x, kind="vectorized", name="at_once")
    (problem,) = grid.problems(local.__autotune__.kernel)
    cut = incremental.session_for(
        problem, before, effort=EFFORTS["quick"], numerics="reassociated", announce=lambda step, **about: None,
        failures={}, budget_s=0.0,
    ).run()  # fmt: skip
    store.put([cut])
    (after,) = local.calibrate(effort="quick")

    assert (cut.untried, rows(cut), cut.decision) == (["at_once"], rows(before), before.decision)
    assert after.untried == []
    kept = rows(after)
    assert {key: kept[key] for key in rows(before)} == rows(before)
    assert winner_at(after, 3000) == "at_once"


# -- what is served of a record after an edit


def kernel_of_three():
    @tunable(size={"n": "x.size"})
    def served(x):
        return x + 1

    for name in ("a", "b", "c"):
        served.variant(lambda x: 1 + x, kind="vectorized", name=name)
    return served


def stored(served, decision, *, edited=(), forgotten=()):
    """A record in the store, made when some variants had another source, or were not declared."""
    made = record(served, (np.ones(3),), decision)
    sources = {name: "0" * 16 if name in edited else value for name, value in made.variants.sources.items()}
    sources = {name: value for name, value in sources.items() if name not in forgotten}
    made = msgspec.structs.replace(made, variants=msgspec.structs.replace(made.variants, sources=sources))
    store.put([made])
    served.cache_clear()
    return made


SMALL, LARGE = np.ones(3), np.ones(1000)


@pytest.mark.parametrize("mode", ["use", "first-use"])
def test_an_edit_elsewhere_leaves_what_serves_alone(monkeypatch, mode):
    monkeypatch.setenv("AUTOTUNE_MODE", mode)
    monkeypatch.setenv("CI", "1")
    served = kernel_of_three()
    stored(served, split("n", 100, leaf("a"), leaf("b")), edited={"c"})

    assert [(served.decision(x).variant, served.decision(x).source) for x in (SMALL, LARGE)] == [
        ("a", "store"), ("b", "store"),
    ]  # fmt: skip


def test_where_an_edited_variant_had_won_the_reference_serves_and_the_rest_stays(monkeypatch):
    from autotune import StaleRecord

    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    served = kernel_of_three()
    stored(served, split("n", 100, leaf("a"), leaf("b")), edited={"b"})

    with pytest.warns(StaleRecord, match="recorded for source 0000000000000000 of b"):
        assert served(LARGE)[0] == 2.0
    assert (served.decision(SMALL).variant, served.decision(SMALL).source) == ("a", "store")
    assert served.decision(LARGE).variant == "reference"
    assert "recorded for source 0000000000000000 of b, the source is now" in served.decision(LARGE).reason
    assert "not measured" in str(served.explain(LARGE))


def test_an_edited_runner_up_gives_way_to_the_reference_where_threads_must_not_be_used():
    served = kernel_of_three()
    made = stored(served, leaf("a", single="b"), edited={"b"})
    kernel = served.__autotune__.kernel
    signature = signature_of(kernel, kernel.bind(SMALL))
    (found,) = leaves(revised(kernel, signature, made, cores=2).record.decision)

    assert (found.winner.variant, found.single.variant) == ("a", "reference")


def test_a_record_of_nothing_but_edited_winners_is_not_used(monkeypatch):
    from autotune import StaleRecord

    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    served = kernel_of_three()
    stored(served, leaf("b"), edited={"b"})

    with pytest.warns(StaleRecord):
        assert served.decision(SMALL).source == "none"


@pytest.mark.parametrize("known", [True, False])
def test_a_winner_that_is_not_declared_is_removed_code_or_damage(known):
    served = kernel_of_three()
    made = record(served, (SMALL,), split("n", 100, leaf("a"), leaf("gone")))
    if known:
        sources = {**made.variants.sources, "gone": "1" * 16}
        made = msgspec.structs.replace(made, variants=msgspec.structs.replace(made.variants, sources=sources))
    kernel = served.__autotune__.kernel
    signature = signature_of(kernel, kernel.bind(SMALL))
    rejected = check(kernel, signature, made)

    if known:
        assert rejected is None
        now = revised(kernel, signature, made, cores=2)
        assert (lookup(now.record.decision, {"n": 5}).winner.variant, lookup(now.record.decision, {"n": 500})) == (
            "a", None,
        )  # fmt: skip
        assert str(now.changes) == "gone removed"
    else:
        assert rejected.reason == "names gone, which is not declared"


# -- first use

PROGRAM = """
import sys
sys.path.insert(0, FOLDER)
import numpy as np
from edited import doubled
for n in SIZES:
    x = np.ones(n)
    assert doubled(x)[0] == 2.0
print(doubled.decision(x).variant, doubled.cache_info().tuned)
"""


def first_use(run, file, *sizes):
    text = PROGRAM.replace("FOLDER", repr(str(file.parent))).replace("SIZES", repr(sizes))
    return run(text, AUTOTUNE_MODE="first-use", AUTOTUNE_BUDGET="30").stdout.split()


def test_first_use_tries_an_edited_loser_against_the_winner_and_keeps_the_rest(run, module):
    assert first_use(run, module(BY_LIST, AT_ONCE), 100, 3000) == ["at_once", "2"]
    before = only_record()
    edited = module(BY_LIST.replace("x.tolist()", "list(x.tolist())"), AT_ONCE)
    assert first_use(run, edited, 3000) == ["at_once", "1"]
    after = only_record()
    assert first_use(run, edited, 3000) == ["at_once", "0"]

    kept = rows(after)
    old = rows(before, without={"by_list"})
    assert {key: kept[key] for key in old} == old
    assert {size for size, name in kept if name == "by_list"} == {(("n", 3000),)}
    assert [cell.untried for cell in sorted(after.cells, key=lambda c: c.size["n"])] == [["by_list"], []]
    assert winner_at(after, 100) == "at_once"


def test_first_use_of_an_edited_winner_races_it_again_at_that_size_only(run, module):
    first_use(run, module(BY_LIST, AT_ONCE), 100, 3000)
    before = only_record()
    slowed = AT_ONCE.replace("return x + x", "return np.array([v + v for v in x])")
    assert first_use(run, module(BY_LIST, slowed), 3000) == ["by_list", "1"]
    after = only_record()

    kept = rows(after)
    old = rows(before, without={"at_once"})
    assert {key: kept[key] for key in old} == old
    assert lookup(after.decision, {"n": 100}) is None
    assert [cell.undecided for cell in sorted(after.cells, key=lambda c: c.size["n"])] == [True, False]


def test_first_use_of_a_new_variant_leaves_a_calibrated_decision_as_it_is_elsewhere(run, module):
    file = module(BY_LIST)
    calibrate(file)
    before = only_record()
    assert first_use(run, module(BY_LIST, AT_ONCE), 3000) == ["at_once", "1"]
    after = only_record()

    assert (winner_at(after, 3000), winner_at(after, 1000)) == ("at_once", winner_at(before, 1000))
    assert rows(after, without={"at_once"}) == rows(before)
    done = calibrate(module(BY_LIST, AT_ONCE))
    assert done["updated"] == [UPDATED.format("at_once not tried before")]
    assert winner_at(only_record(), 1000) == "at_once"


# -- the parts


def cell(**times):
    """A size at which candidates took these seconds; the fastest had won."""
    winner = min(times, key=times.__getitem__)
    measurements = [Measurement(Choice(name), seconds, 0.01, 8) for name, seconds in sorted(times.items())]
    return Cell({"n": 10}, Choice(winner), "fastest", measurements, ratio=times[winner] / times["reference"])


def verdict(winner, **samples):
    single = min(samples, key=lambda name: statistics.median(samples[name]))
    return Verdict(winner, "fastest", 8, samples, single, Interval(0.1, 0.1, 0.1), contended=False, decided=True)


def test_times_are_recorded_as_ratios_to_the_winner_so_that_a_slower_machine_does_not_show():
    known = cell(reference=10.0, a=2.0)
    twice_as_slow = verdict("new", reference=[20.0] * 8, a=[4.0] * 8, new=[2.0] * 8)
    found = joining.joined(known, Regimes(twice_as_slow), {"new": Choice("new")}, set(), done=["new"])

    assert {str(m.candidate): m.median_s for m in found.measurements} == pytest.approx(
        {"reference": 10.0, "a": 2.0, "new": 1.0}
    )
    assert str(found.winner) == "new"


@pytest.mark.parametrize(
    ("new_s", "threaded", "winner"),
    [(1.99, set(), "a"), (1.9, set(), "new"), (1.99, {"a"}, "new")],
    ids=["a tie stays with the winner", "a faster one wins", "a tie goes to fewer threads"],
)
def test_a_winner_stays_unless_a_changed_variant_is_really_better(new_s, threaded, winner):
    known = cell(reference=10.0, a=2.0)
    race = verdict("new", reference=[10.0] * 8, a=[2.0] * 8, new=[new_s] * 8)

    assert str(joining.joined(known, Regimes(race), {"new": Choice("new")}, threaded, done=[]).winner) == winner


def test_a_race_about_something_else_does_not_unseat_a_winner():
    known = cell(reference=2.05, a=2.0)
    race = verdict("reference", reference=[2.0] * 8, a=[2.0] * 8, new=[9.0] * 8)

    assert str(joining.joined(known, Regimes(race), {"new": Choice("new")}, set(), done=[]).winner) == "a"


def test_where_the_winner_is_gone_all_that_were_near_are_raced():
    served = kernel_of_three()
    known = msgspec.structs.replace(
        cell(reference=10.0, a=2.0, b=3.0, c=5.0), winner=Choice("reference"), undecided=True
    )

    assert [str(choice) for choice in joining.rivals(served.__autotune__.kernel, known)] == ["reference", "a", "b"]


def test_threads_that_lost_by_their_slow_tail_do_not_win_when_a_decision_is_made_again():
    known = cell(reference=10.0, a=2.0, b=1.5)
    item = joining.carried(msgspec.structs.replace(known, winner=Choice("a")))
    candidates = {name: Candidate(name) for name in ("reference", "a", "b")}
    facts = decide.Facts(candidates, {}, frozenset({"b"}))

    assert item.costs(facts, "omp") == {"reference": 10.0, "a": 2.0, "b": 2.0}
    assert item.cell(facts).winner == Choice("a")


def duel_of(costs):
    asked = []

    def duel(size, names):
        asked.append(size)
        found = {name: costs[name](size) for name in names}
        return Outcome(found, min(found, key=found.__getitem__))

    return duel, asked


LINES = {"a": lambda n: 10.0 + n, "b": lambda n: 110.0 + 0.1 * n, "new": lambda n: 1000.0 + 0.01 * n}
RECORDED = [Segment(1, "a"), Segment(115, "b", 113, 117)]


def at_sizes(lines):
    return {size: {name: line(size) for name, line in lines.items()} for size in (1, 64, 256, 4096, 100_000)}


def test_a_border_between_unchanged_winners_stays_as_it_is_recorded():
    costs = at_sizes(LINES)
    chosen = {size: min(found, key=found.__getitem__) for size, found in costs.items()}
    duel, asked = duel_of(LINES)
    found = borders.again(chosen, costs, duel, RECORDED, {"new"})

    assert found[:2] == RECORDED
    assert found[2].winner == "new"
    assert found[2].low <= 9890 <= found[2].high
    assert all(size > 256 for size in asked)


def test_a_changed_variant_that_wins_between_two_sizes_is_found():
    lines = {"a": LINES["a"], "b": LINES["b"], "new": lambda n: 100.0 if 80 < n < 200 else 100.0 + 0.3 * n}
    costs = at_sizes(lines)
    chosen = {size: "a" if size < 100 else "b" for size in costs}
    duel, _ = duel_of(lines)

    assert [segment.winner for segment in borders.again(chosen, costs, duel, RECORDED, {"new"})] == ["a", "new", "b"]


def test_a_recorded_decision_is_read_back_as_segments():
    decision = Split("n", 100, leaf("a"), Split("n", 500, Gap(), leaf("b"), 450, 550), 90, 110)

    assert borders.recorded(decision, 1) == [
        Segment(1, "a"), Segment(100, "", 90, 110), Segment(500, "b", 450, 550),
    ]  # fmt: skip


def test_a_leaf_is_replaced_within_a_box_and_nowhere_else():
    decision = Split("m*n", 1000, leaf("a"), leaf("b"))
    made = decide.carve(decision, {"m": (10, 20), "n": (5, 9)}, leaf("new"), instead_of=leaf("a"))

    served = {(m, n): lookup(made, {"m": m, "n": n}).winner.variant for m, n in ((10, 5), (19, 8), (20, 5), (9, 8))}
    assert served == {(10, 5): "new", (19, 8): "new", (20, 5): "a", (9, 8): "a"}
    assert lookup(made, {"m": 100, "n": 100}).winner.variant == "b"
    assert isinstance(lookup(made, {"m": 1, "n": 1}), Leaf)
