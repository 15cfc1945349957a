"""Thresholds, trees and strategies, on costs made by formulas; no clock is read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotune.search import crossover, strategy, surface, tree
from autotune.search.bisection import Border
from autotune.space import Choice, IntRange, Pow2, Space
from autotune.tuner import borders

#: Cost of a candidate at size n: a fixed part and a part that grows.
LINES = {"reference": (1.0, 0.010), "loop": (0.3, 0.020), "threads": (6.0, 0.004)}


def cost(name: str, n: int) -> float:
    fixed, growing = LINES[name]
    return fixed + growing * n


def outcome(costs) -> crossover.Outcome:
    return crossover.Outcome(costs, min(costs, key=costs.__getitem__))


def duel(n: int, names) -> crossover.Outcome:
    return outcome({name: cost(name, n) for name in names})


def on_grid(sizes):
    costs = {n: {name: cost(name, n) for name in LINES} for n in sizes}
    winners = {n: min(row, key=row.__getitem__) for n, row in costs.items()}
    return costs, winners


def test_segments_find_every_crossing():
    found = borders.found(*on_grid([4**k for k in range(10)]), duel)

    assert [s.winner for s in found] == ["loop", "reference", "threads"]
    # True crossings: 0.3 + 0.02 n = 1 + 0.01 n at n = 70; 1 + 0.01 n = 6 + 0.004 n at n = 833.
    assert 60 < found[1].start < 82
    assert 700 < found[2].start < 980
    assert all(s.low <= s.start <= s.high for s in found[1:])


@given(st.floats(1.5, 1e5))
def test_the_worst_regret_at_any_size_is_small(crossing: float):
    costs = {n: {"a": 1.0 + n / crossing, "b": 2.0} for n in (4**k for k in range(10))}
    winners = {n: min(row, key=row.__getitem__) for n, row in costs.items()}

    def noiseless(n, names):
        return outcome({"a": 1.0 + n / crossing, "b": 2.0})

    found = borders.found(costs, winners, noiseless)
    for n in range(1, 4**9, 997):
        chosen = next(s.winner for s in reversed(found) if s.start <= n or s is found[0])
        times = {"a": 1.0 + n / crossing, "b": 2.0}
        assert times[chosen] / min(times.values()) < 1.06


def test_a_candidate_that_wins_only_between_two_sizes_of_the_grid_is_found():
    lines = {"plain": (1.8, 0.00343), "compiled": (7.89, 0.00191), "threads": (28.2, 0.00051)}

    def at(n):
        return {name: fixed + growing * n for name, (fixed, growing) in lines.items()}

    costs = {n: at(n) for n in (512, 3000, 20_000, 100_000)}
    winners = {n: min(row, key=row.__getitem__) for n, row in costs.items()}
    found = borders.found(costs, winners, lambda n, names: outcome({name: at(n)[name] for name in names}))

    assert "compiled" not in winners.values()
    assert [segment.winner for segment in found] == ["plain", "compiled", "threads"]
    # True crossings: at n = 4,007 and 14,507.
    assert 3600 < found[1].start < 4500 < 13_000 < found[2].start < 16_000


def test_one_noisy_verdict_does_not_become_two_thresholds():
    costs, winners = on_grid([4**k for k in range(10)])
    winners[4**8] = "reference"
    costs[4**8]["reference"] = costs[4**8]["threads"] * 0.99

    found = borders.found(costs, winners, duel)

    assert [s.winner for s in found] == ["loop", "reference", "threads"]


def test_a_candidate_that_was_not_measured_everywhere_can_still_win_where_it_was():
    costs, winners = on_grid([1, 4, 16, 4096, 16384])
    for n in (1, 4, 16):
        del costs[n]["threads"]

    assert [s.winner for s in borders.found(costs, winners, duel)][-1] == "threads"


@pytest.mark.parametrize("wrong", [1, 2, 3])
def test_a_duel_that_lies_once_does_not_send_the_search_into_the_wrong_half(wrong: int):
    costs, winners = on_grid([16, 256])
    asked = []

    def lying_once(n, names):
        asked.append(n)
        true = duel(n, names)
        bracket = len(asked) - 4  # the sizes beside the change are raced again first
        flipped = dict(zip(true.costs, reversed(true.costs.values()), strict=True))
        return outcome(flipped) if bracket == wrong else true

    found = borders.found({n: {k: costs[n][k] for k in ("loop", "reference")} for n in costs}, winners, lying_once)

    assert 60 < found[1].start < 82


def test_a_first_race_that_was_disturbed_is_outvoted_by_two_later_ones():
    costs, winners = on_grid([4, 16, 64, 256, 512])
    costs[256]["loop"] = costs[256]["reference"] / 1.2  # in truth slower by half
    winners[256] = "loop"

    found = borders.found(costs, winners, duel)

    assert 60 < found[1].start < 82


def test_only_sizes_beside_a_change_of_winner_are_raced_again():
    costs, winners = on_grid([4**k for k in range(10)])
    asked = []

    leads: dict[crossover.Doubt, float] = {}
    crossover.confirmed(costs, winners, lambda n, names: (asked.append(n), duel(n, names))[1], leads)

    assert set(asked) == {size for size, _, _ in leads} <= {64, 256, 1024}


def test_what_was_raced_again_once_is_not_raced_a_third_time_and_a_border_that_fits_stays():
    costs, winners = on_grid([4**k for k in range(10)])
    leads: dict[crossover.Doubt, float] = {}
    before = borders.found(costs, winners, duel, (), leads)
    more, more_winners = on_grid([*costs, 40, 5000])

    def refused(n, names):
        raise AssertionError(f"raced {names} at {n}")

    assert borders.found(costs, winners, refused, before, leads) == before
    assert [s.winner for s in borders.found(more, more_winners, duel, before, leads)] == [s.winner for s in before]
    assert borders.found(more, more_winners, duel, before, leads)[-1] == before[-1]


def test_a_known_border_of_a_candidate_that_is_gone_is_searched_again():
    costs, winners = on_grid([4**k for k in range(10)])
    before = borders.found(costs, winners, duel)
    left = {n: {name: row[name] for name in ("loop", "threads")} for n, row in costs.items()}
    fastest = {n: min(row, key=row.__getitem__) for n, row in left.items()}

    found = borders.found(left, fastest, duel, before, {}, {"reference"})

    assert [s.winner for s in found] == ["loop", "threads"]
    assert 320 < found[1].start < 400  # 0.3 + 0.02 n = 6 + 0.004 n at n = 356


def test_a_third_candidate_gets_no_sizes_for_less_than_half_the_indifference():
    def at(n):
        flat = {"a": 1.0 + n / 1000, "b": 2.0}
        return {**flat, "third": min(flat.values()) / 1.01}

    def all_three(n, names):
        return outcome({name: at(n)[name] for name in names})

    ends = [(n, at(n) | {"third": at(n)["a"] * 1.4}) for n in (250, 4000)]

    assert [s.winner for s in crossover.refine(*ends, "a", "b", all_three)] == ["b"]


def test_a_lead_that_a_rule_for_ties_overrules_counts_for_nobody_and_a_barred_one_for_the_rival():
    tie = crossover.Outcome({"reference": 1.02, "loop": 1.0}, "reference")
    barred = crossover.Outcome({"loop": 1.5, "threads": 1.0}, "loop")

    assert tie.lead("loop", "reference") == 0.0
    assert barred.lead("threads", "loop") == -crossover.ZONE


def test_what_is_known_of_a_border_narrows_with_every_comparison_and_never_excludes_a_place():
    border = Border(1000, 16_000)
    widths = []
    for _ in range(8):
        size = border.median
        border.learn(size, math.log(size / 5000))
        low, high = border.interval
        widths.append(high / low)

    assert widths[-1] < widths[0] / 2
    assert border.interval[0] <= 5000 <= border.interval[1]
    for _ in range(20):  # all that was believed is contradicted
        border.learn(border.median, -1.0)
    assert border.median > 14_000


def test_a_comparison_without_a_lead_changes_nothing():
    border = Border(1000, 16_000)
    before = border.median, border.interval

    border.learn(3000, 0.0)

    assert (border.median, border.interval) == before
    assert Border(10, 11).median == 11


SIDES = (2, 16, 128, 1024)
POINTS = [{"m": m, "n": n} for m in SIDES for n in SIDES]


def grow(costs, prefer=None):
    """The tree over POINTS, from costs by candidate at each."""
    names, candidates = ["m", "n"], sorted(costs[0])
    where = np.log2([[point[name] for name in names] for point in POINTS])
    logs = np.log([[row[name] for name in candidates] for row in costs])
    return tree.grow(names, where, logs, candidates, reference="reference", prefer=prefer or {})


def test_a_tree_splits_where_the_product_decides():
    grown = grow([{"reference": p["m"] * p["n"] + 5000.0, "small": 20.0 * p["m"] * p["n"] + 1} for p in POINTS])

    assert isinstance(grown, tree.Node)
    assert grown.feature == "m*n"
    assert 128 < grown.at < 1024
    assert grown.low <= grown.at <= grown.high
    assert (grown.below.winner, grown.above.winner) == ("small", "reference")


def test_a_tree_splits_where_the_product_of_some_sizes_decides():
    assert tree.features_of(["n"]) == ["n"]
    assert tree.features_of(["m", "k"]) == ["m", "k", "m*k"]
    assert tree.features_of(["m", "k", "n"]) == ["m", "k", "n", "m*k", "m*n", "k*n", "m*k*n"]
    assert tree.value_of("m*k", {"m": 3, "k": 5}) == 15


def test_a_tree_does_not_split_for_less_than_the_indifference():
    assert grow([{"reference": 100.0, "v": 99.0 if p["m"] > 16 else 101.0} for p in POINTS]).winner == "reference"


def test_a_tree_prefers_as_told_among_equals():
    assert grow([{"reference": 100.0, "a": 50.0, "b": 50.1} for _ in POINTS], {"a": 1}).winner == "b"


# -- surfaces


def bent(sizes) -> dict[str, float]:
    """Costs with a kink: a fixed part, and work that is done by one thread or two."""
    work = sizes["m"] * sizes["n"] * 1e-9
    return {"reference": 5e-6 + work, "threads": 30e-6 + work / 2, "never": 9 * (5e-6 + work)}


def scattered(count, seed):
    rng = np.random.default_rng(seed)
    return [{"m": int(2 ** rng.uniform(0, 12)), "n": int(2 ** rng.uniform(0, 12))} for _ in range(count)]


def test_surfaces_tell_what_lies_between_the_points():
    known, asked = scattered(24, 1), scattered(200, 2)
    surfaces = surface.fit(known, [bent(point) for point in known])

    found = surfaces.log_costs(np.log2([[point["m"], point["n"]] for point in asked]))

    losses = []
    for point, row in zip(asked, found, strict=True):
        chosen, true = surfaces.candidates[int(np.argmin(row))], bent(point)
        losses.append(true[chosen] / min(true.values()) - 1)
    assert np.mean(losses) < 0.01
    assert max(losses) < 0.25  # 30 µs against 5 µs is a loss of 500 % for who never looks


def test_what_slows_all_candidates_alike_bends_no_surface():
    known = scattered(24, 3)
    plain = surface.fit(known, [bent(point) for point in known])
    disturbed = surface.fit(
        known, [{name: s * (3 if i % 5 == 0 else 1) for name, s in bent(p).items()} for i, p in enumerate(known)]
    )
    where = np.log2([[100.0, 100.0], [1000.0, 3000.0]])

    assert np.allclose(plain.log_costs(where), disturbed.log_costs(where))


def test_a_candidate_does_not_win_where_it_was_never_measured():
    known = scattered(24, 4)
    costs = [bent(point) for point in known]
    for point, row in zip(known, costs, strict=True):
        if point["m"] > 64:
            del row["threads"]
    surfaces = surface.fit(known, costs)

    row = surfaces.log_costs(np.log2([[2048.0, 2048.0]]))[0]

    assert surfaces.candidates[int(np.argmin(row))] == "reference"


def test_filled_points_stay_within_what_was_measured():
    known = [{"m": 1, "n": 1}, {"m": 1024, "n": 4}, {"m": 4, "n": 1024}]
    filled = surface.fit(known, [bent(point) for point in known]).filled(100, seed=0)

    assert len(filled) == 103
    assert filled.min() >= 0
    assert filled.max() <= 10
    assert filled.sum(axis=1).max() <= 12


# -- strategies: the contract, for every implementation

SPACES = {
    "small": Space({"block": Pow2(8, 512)}),
    "mixed": Space({"rows": Pow2(1, 64), "unroll": IntRange(1, 8), "order": Choice("ijk", "ikj", "jik")}),
}


def landscape(config) -> float:
    values = dict(config)
    if "block" in values:
        return abs(math.log2(values["block"] / 64))
    return abs(math.log2(values["rows"] / 16)) + 0.2 * abs(values["unroll"] - 4) + (values["order"] != "ikj")


def spend(name: str, space: Space, trials: int, seed: int = 0, first=()):
    proposer = strategy.make(name, space, seed=seed, first=first)
    tried = []
    for _ in range(trials):
        config = proposer.ask()
        if config is None:
            break
        tried.append(config)
        proposer.tell(config, landscape(config))
    return tried


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("name", ["exhaustive", "tpe"])
def test_a_strategy_proposes_legal_configs_once_and_ends(name, space):
    tried = spend(name, space, 400)

    assert len(set(tried)) == len(tried) == space.size
    assert all(config in space for config in tried)


@pytest.mark.parametrize("name", ["exhaustive", "tpe"])
def test_equal_seeds_give_equal_proposals_and_given_configs_come_first(name):
    space = SPACES["mixed"]
    first = (("rows", 64), ("unroll", 8), ("order", "jik"))

    assert spend(name, space, 30, seed=3, first=[first]) == spend(name, space, 30, seed=3, first=[first])
    assert spend(name, space, 1, first=[first]) == [first]


def test_tpe_finds_a_good_setting_in_a_fifth_of_the_space():
    tried = spend("tpe", SPACES["mixed"], SPACES["mixed"].size // 5)

    assert min(map(landscape, tried)) <= 0.4


def test_tpe_respects_a_constraint_and_survives_failures():
    space = Space.declare({"a": IntRange(0, 30), "b": IntRange(0, 30)}, where="a + b == 30", owner="k")
    proposer = strategy.make("tpe", space, seed=0)
    for _ in range(31):
        config = proposer.ask()
        assert config in space
        proposer.tell(config, math.inf)

    assert proposer.ask() is None


def test_small_spaces_are_enumerated_and_large_ones_are_not():
    assert strategy.fitting(SPACES["small"]) == "exhaustive"
    assert strategy.fitting(SPACES["mixed"]) == "gaussian"


def test_a_third_party_can_register_one_and_an_unknown_name_lists_what_there_is(monkeypatch):
    monkeypatch.setattr(strategy, "_factories", dict(strategy._factories))

    class OnlyDefault:
        def __init__(self, space, seed, first):
            self.left = [space.default]

        def ask(self):
            return self.left.pop() if self.left else None

        def tell(self, config, cost):
            pass

    strategy.register("only default", OnlyDefault)

    assert spend("only default", SPACES["small"], 9) == [SPACES["small"].default]
    with pytest.raises(LookupError, match="known: exhaustive, gaussian, greedy, only default, random, tpe"):
        strategy.make("anneal", SPACES["small"], seed=0)
