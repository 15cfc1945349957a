"""Warm starts: what won at other sizes, for other arguments and on other machines is tried first, and only tried."""

from __future__ import annotations

import json
import sys

import msgspec
import numpy as np
import pytest

from autotune import IntRange, tunable
from autotune.kernel.signature import signature_of
from autotune.machine import fingerprint
from autotune.machine.distance import distance
from autotune.search import strategy
from autotune.store import shipped, store
from autotune.store.record import Cell, Choice, Measurement
from autotune.tuner import hints
from autotune.tuner.entrants import cheapest_first
from tests.records import leaf, record

#: Another processor of the same kind as this one: a hard field differs, so that nothing of it may decide here.
SIMILAR = {"cpu": "a processor that does not exist"}


def blocks(log=None):
    """A kernel with a variant whose space is too large to race whole; `log` gets the blocks that are tried."""

    @tunable(
        size={"n": "x.size"}, inputs=lambda rng, n: (rng.standard_normal(n),), calibrate={"n": (1, 60)}
    )  # fmt: skip
    def blocked_sum(x):
        return x + 1.0

    @blocked_sum.variant(kind="blocked", params={"block": IntRange(1, 200)})
    def by_block(x, *, block):
        if log is not None:
            log.append(block)
        return 1.0 + x

    return blocked_sum


def made(tuned, *settings, dtype="float64", **hard):
    """A record that says these blocks won, one at each size 10, 100, …"""
    found = record(tuned, (np.ones(50, dtype),), leaf("by_block", block=settings[0]), effort="standard")
    cells = [
        Cell(
            {"n": 10 ** (power + 1)}, Choice("by_block", {"block": block}), "fastest",
            [Measurement(Choice("by_block", {"block": block}), 1e-6), Measurement(Choice("reference"), 2e-6)],
        )
        for power, block in enumerate(settings)
    ]  # fmt: skip
    about = msgspec.structs.replace(found.provenance, hard={**found.provenance.hard, **hard})
    return msgspec.structs.replace(found, cells=cells, provenance=about)


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """Installs a `tuning_db` with these files instead of the project's."""

    def install(**files):
        folder = tmp_path / "site" / "tuning_db"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        for name, content in files.items():
            (folder / f"{name}.json").write_bytes(content)
        monkeypatch.syspath_prepend(str(folder.parent))
        monkeypatch.delitem(sys.modules, "tuning_db", raising=False)
        monkeypatch.setenv("AUTOTUNE_SHIPPED", "1")
        assert shipped.directory() == folder

    return install


def gathered(tuned, *args):
    kernel = tuned.__autotune__.kernel
    return hints.gather(kernel, signature_of(kernel, kernel.bind(*args)), numerics="reassociated")


def test_the_first_proposal_is_what_a_similar_machine_found(ship):
    log: list[int] = []
    tuned = blocks(log)
    ship(similar=shipped.write_bundle([made(tuned, 137, **SIMILAR)], "similar"))
    tuned.calibrate(effort="quick")

    space = tuned.variants["by_block"].space
    tried = list(dict.fromkeys(log))
    assert tried[:2] == [dict(space.default)["block"], 137]  # the default passes the gate, then the search begins
    assert len(tried) > 3


def test_a_hint_never_decides(ship, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    tuned = blocks()
    ship(similar=shipped.write_bundle([made(tuned, 137, **SIMILAR)], "similar"))

    assert gathered(tuned, np.ones(50))
    assert tuned.decision(np.ones(50)).variant == "reference"


def test_settings_that_are_not_legal_any_more_are_left_out(ship):
    tuned = blocks()
    gone = made(tuned, 137, **SIMILAR)
    wrong = [Choice("by_block", {"block": 500}), Choice("by_block", {"other": 1}), Choice("vanished", {"block": 1})]
    cells = [
        msgspec.structs.replace(gone.cells[0], winner=choice, measurements=[Measurement(choice, 1e-6)])
        for choice in wrong
    ]
    ship(similar=shipped.write_bundle([msgspec.structs.replace(gone, cells=[*gone.cells, *cells])], "similar"))

    assert [dict(hint.candidate.config) for hint in gathered(tuned, np.ones(50))] == [{"block": 137}]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 100_000, b'{"schema": 1}', b'{"schema": 99, "label": "", "records": []}'],
    ids=["empty", "not text", "nested", "cut", "another schema"],
)
def test_a_damaged_shipped_file_gives_no_hints_and_no_error(ship, content):
    tuned = blocks()
    ship(damaged=content, sound=shipped.write_bundle([made(tuned, 137, **SIMILAR)], "sound"))

    assert [dict(hint.candidate.config)["block"] for hint in gathered(tuned, np.ones(50))] == [137]


def test_a_hostile_machine_description_is_merely_far_away(ship):
    tuned = blocks()
    odd = made(tuned, 11, caches="L1=10000000000000000000000000000X L2 =", cores="²", architecture="\x00")
    ship(
        odd=shipped.write_bundle([odd], "odd"),
        similar=shipped.write_bundle([made(tuned, 137, **SIMILAR)], "similar"),
    )

    assert [dict(hint.candidate.config)["block"] for hint in gathered(tuned, np.ones(50))] == [137]


def test_without_shipped_records_there_are_no_hints(ship, monkeypatch):
    tuned = blocks()
    ship(similar=shipped.write_bundle([made(tuned, 137, **SIMILAR)], "similar"))
    monkeypatch.setenv("AUTOTUNE_SHIPPED", "0")

    assert gathered(tuned, np.ones(50)) == []


def test_other_signatures_of_this_machine_come_before_other_machines(ship):
    tuned = blocks()
    store.put([made(tuned, 7, dtype="float32")])
    ship(similar=shipped.write_bundle([made(tuned, 137, **SIMILAR)], "similar"))

    assert [(dict(h.candidate.config)["block"], h.rank) for h in gathered(tuned, np.ones(50))] == [(7, 0), (137, 1)]


def test_hints_survive_the_way_to_a_worker():
    hint = hints.of_record(blocks().__autotune__.kernel, made(blocks(), 137), 2)[0]

    assert hints.Hint.from_data(json.loads(json.dumps(hint.as_data()))) == hint


def test_a_search_begins_with_the_nearest_sizes():
    from autotune.measure.race import Verdict
    from autotune.tuner.decide import Raced
    from autotune.tuner.regimes import Regimes

    tuned = blocks()
    kernel = tuned.__autotune__.kernel
    variant = kernel.variants["by_block"]
    candidates = {}
    raced = []
    for n, block in ((10, 1), (100, 2), (1000, 3), (10_000, 4)):
        (hint,) = hints.of_record(kernel, made(tuned, block), 0)
        name = str(hint.candidate)
        candidates[name] = hint.candidate
        times = {name: [1.0], "reference": [2.0]}
        verdict = Verdict(name, "", 1, times, name, None, contended=False, decided=True)
        raced.append(Raced({"n": n}, Regimes(verdict), verdict))
    elsewhere = hints.of_record(kernel, made(tuned, 5, 6, 7), 0)
    order = hints.warm(variant, {"n": 900}, raced, elsewhere, candidates)
    proposer = strategy.make("tpe", variant.space, seed=0, first=[candidate.config for candidate in order])
    proposed = []
    for _ in order:
        config = proposer.ask()
        proposed.append(dict(config)["block"])
        proposer.tell(config, 1.0)

    assert proposed == [3, 2, 4, 1, 7, 6, 5]


HERE = {"architecture": "x86_64", "features": "f0", "caches": "L1=32K L2=1024K L3=32768K", "cores": "4"}


def test_machines_are_ranked_by_architecture_features_caches_and_cores():
    alike = [
        HERE,
        {**HERE, "cores": "8"},
        {**HERE, "cores": "64"},
        {**HERE, "caches": "L1=32K L2=2048K L3=32768K"},
        {**HERE, "caches": "L1=32K L2=2M"},
        {**HERE, "features": "f1"},
        {**HERE, "features": "f1", "caches": "unknown"},
        {**HERE, "architecture": "aarch64"},
        {},
    ]

    other_way_round = list(reversed(alike))

    assert sorted(other_way_round, key=lambda theirs: distance(HERE, theirs)) == alike
    assert distance(HERE, HERE) == (False, False, 0.0, 0.0)
    assert distance(dict(fingerprint().hard), dict(fingerprint().hard))[:2] == (False, False)


def test_first_use_tries_what_won_elsewhere_first_among_equals():
    @tunable(size={"n": "x.size"})
    def work(x):
        return x + 1.0

    for name, kind in (("one", "scalar"), ("two", "scalar"), ("three", "scalar")):
        work.variant(lambda x: 1.0 + x, kind=kind, name=name)

    @work.variant(kind="vectorized", jit=True)
    def compiled(x):
        return x + 1.0

    candidates = {name: hints.Candidate(name) for name in ("three", "compiled")}
    won = [hints.Hint(candidate, {"n": 5}, won=True, rank=0) for candidate in candidates.values()]

    variants = work.__autotune__.kernel.variants.values()
    order = [variant.name for variant in cheapest_first(variants, hints.promising(won, {"n": 5}))]
    assert order == ["three", "one", "two", "compiled"]


def test_a_small_budget_reaches_the_likely_winner(ship):
    tried: list[str] = []

    @tunable(size={"n": "x.size"})
    def work(x):
        return x + 1.0

    def variant(name):
        def body(x):
            tried.append(name)
            return 1.0 + x

        work.variant(body, kind="scalar", name=name)

    for name in ("one", "two", "three"):
        variant(name)
    likely = record(work, (np.ones(5),), leaf("three"), effort="standard")
    hard = {**likely.provenance.hard, **SIMILAR}
    likely = msgspec.structs.replace(likely, provenance=msgspec.structs.replace(likely.provenance, hard=hard))
    ship(similar=shipped.write_bundle([likely], "similar"))
    work.tune(np.ones(5))

    assert tried[0] == "three"
