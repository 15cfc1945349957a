"""The audit: an independent clock finds decisions that are not the best, and passes those that are."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from autotune import Choice, Range, tunable
from autotune.audit import auditors
from autotune.audit.auditor import Losses
from autotune.audit.clock import Stopwatch, interleaved, ratio
from autotune.kernel.model import REFERENCE_CANDIDATE, Candidate
from autotune.store import store
from tests.conftest import ROOT
from tests.records import leaf, record

#: A kernel with a variant that is slow on purpose, and a record that says what the test wants.
MODULE = """
import time
import numpy as np
from autotune import Range, tunable

@tunable(size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": Range(10, 10_000)})
def work(x):
    time.sleep(0.0005)
    return x + 1

@work.variant(kind="vectorized")
def quick(x):
    return x + 1

@work.variant(kind="scalar")
def sluggish(x):
    time.sleep(0.005)
    return x + 1
"""


@pytest.fixture
def module(tmp_path):
    file = tmp_path / "audited.py"
    file.write_text(MODULE)
    return file


def verify(file, decision: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Record a decision by hand, then verify it in a new process."""
    prepare = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.path.insert(0, {str(file.parent)!r})\n"
        "import numpy as np\nfrom audited import work\nfrom autotune.store import store\n"
        f"from tests.records import leaf, record, split\nstore.save(record(work, (np.ones(9),), {decision}))"
    )
    subprocess.run([sys.executable, "-c", prepare], check=True, capture_output=True, text=True)
    return subprocess.run(
        [sys.executable, "-m", "autotune", "verify", "-m", str(file), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_good_decision_passes(module):
    done = verify(module, 'leaf("quick")', "--json", "--sizes", "3", "--max-regret", "50%")
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stdout
    assert [finding["chosen"] for finding in found["findings"]] == ["quick"] * 3
    assert found["seed"] == int(time.strftime("%Y%m%d"))


def test_a_decision_that_is_not_the_best_fails_at_the_sizes_where_it_is_not(module):
    done = verify(module, 'split("n", 300, leaf("quick"), leaf("sluggish"))', "--json", "--sizes", "8", "--seed", "3",
                  "--max-regret", "50%")  # fmt: skip
    found = json.loads(done.stdout)

    assert done.returncode == 1
    assert {f["size"]["n"] >= 300 for f in found["findings"]} == {True, False}
    assert all(f["failed"] is (f["size"]["n"] >= 300) for f in found["findings"])
    assert all(f["best"] == "quick" for f in found["findings"])
    assert found["all"]["worst"] > 5


def test_the_table_names_what_fails(module):
    done = verify(module, 'leaf("sluggish")', "--sizes", "2")

    assert done.returncode == 1
    assert "Sizes that fail" in done.stdout
    assert "sluggish" in done.stdout
    assert "work [float64 1-d C]" in done.stderr


def test_a_decision_slower_than_the_reference_fails_whatever_the_limit(module):
    assert verify(module, 'leaf("sluggish")', "--sizes", "2", "--max-regret", "9").returncode == 1


def test_nothing_recorded_and_a_share_that_is_none_have_their_exit_codes(module):
    command = [sys.executable, "-m", "autotune", "verify", "-m", str(module)]
    nothing = subprocess.run(command, capture_output=True, text=True, check=False)
    wrong = subprocess.run([*command, "--max-regret", "much"], capture_output=True, text=True, check=False)

    assert (nothing.returncode, "autotune calibrate" in nothing.stderr) == (3, True)
    assert (wrong.returncode, "is no share" in wrong.stderr) == (2, True)


def declared():
    @tunable(
        size={"m": "x.shape[0]", "n": "x.shape[1]"},
        inputs=lambda rng, dtype, m, n: (rng.standard_normal((m, n)).astype(dtype),),
        calibrate={"m": Range(1, 1000), "n": Range(1, 1000), "dtype": Choice("float32", "float64")},
    )
    def doubled(x):
        return x + x

    doubled.variant(lambda x: 2 * x, kind="vectorized", name="v")
    return doubled


def test_sizes_are_those_of_the_seed_and_lie_in_the_calibrated_range():
    doubled = declared()
    store.save(record(doubled, (np.ones((2, 2)),), leaf("v"), ranges={"m": (5, 50), "n": (1, 1000)}))
    (first,), (again,), (other,) = (list(auditors(doubled, seed)) for seed in (1, 1, 2))
    points = list(first.points(20))

    assert points == list(again.points(20)) != list(other.points(20))
    assert all(5 <= point["m"] <= 50 for point in points)


def test_kernels_that_change_their_arguments_get_new_ones_for_every_call():
    made = []

    def fresh():
        made.append(np.zeros(3))
        return [made[-1]]

    def bump(x):
        assert not x.any()
        x += 1

    watch = Stopwatch(bump, [[None]], fresh)
    watch.once()
    watch.at_first_sight()

    assert len(made) > 3


def test_every_round_has_its_place_and_all_watches_share_it():
    seen = {"a": [], "b": []}
    places = [[np.zeros(3)], [np.ones(3)]]
    watches = {name: Stopwatch(lambda x, name=name: seen[name].append(id(x)), places) for name in seen}

    interleaved(watches, 4, random.Random(0))

    first, second = (id(place[0]) for place in places)
    for calls in seen.values():
        changes = [call for call, before in zip(calls, [None, *calls], strict=False) if call != before]
        assert changes == [first, second, first, second]


def test_a_ratio_is_taken_round_by_round():
    drifting = [1.0, 2.0, 4.0, 8.0] * 8

    found = ratio([1.5 * seconds for seconds in drifting], drifting)

    assert (found.median, found.low, found.high) == (1.5, 1.5, 1.5)


def test_rounds_hold_every_watch_once():
    watches = {name: Stopwatch(lambda: None, [[]]) for name in "ab"}

    assert {name: len(found) for name, found in interleaved(watches, 5, random.Random(0)).items()} == {"a": 5, "b": 5}


def test_a_candidate_without_cold_samples_counts_by_its_warm_ones():
    reference, fast, prefetching = REFERENCE_CANDIDATE, Candidate("fast", ()), Candidate("prefetching", ())
    losses = Losses({reference: 3.0, fast: 1.0, prefetching: 1.2}, {fast: 5.0, prefetching: 2.0})

    assert losses.cold_is_worse_for(fast)
    assert not losses.cold_is_worse_for(reference)
    assert [losses.worst(c) for c in (reference, fast, prefetching)] == [3.0, 2.5, 1.2]


def test_what_is_slower_than_the_reference_warm_is_no_better_than_it():
    reference, threads = REFERENCE_CANDIDATE, Candidate("threads", ())
    losses = Losses({reference: 1.0, threads: 1.5}, {reference: 2.0, threads: 1.0})

    assert losses.worst(threads) > losses.worst(reference)
