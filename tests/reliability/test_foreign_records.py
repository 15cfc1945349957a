"""Records that are sound as rows and do not fit: other machines, other sources, names and settings that are none."""

from __future__ import annotations

import json
import warnings

import msgspec
import numpy as np
import pytest

from autotune import StaleRecord, StoreError, machine, tunable
from autotune.cli import findings
from autotune.kernel.signature import signature_of
from autotune.machine import fingerprint
from autotune.store import merging, reader, shipped, store, writer
from autotune.store.record import SCHEMA, Gap, Split, decode, encode
from tests.records import leaf, record, split

X = np.ones(20)
REPLACE = msgspec.structs.replace


@pytest.fixture
def work():
    @tunable(size={"n": "x.size"})
    def work(x):
        return x + 1

    work.variant(lambda x: 1 + x, kind="scalar", name="v")
    work.variant(lambda x, *, block: 1 + x, kind="blocked", name="b", params={"block": [8, 64]})
    return work


@pytest.fixture
def compiled():
    @tunable(size={"n": "x.size"})
    def work(x):
        return x + 1

    work.variant(lambda x: x + 1, kind="scalar", name="alone", jit=True)
    work.variant(lambda x: 1 + x, kind="parallel", name="together", jit=True, threads=True)
    return work


@pytest.fixture(autouse=True)
def use(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")


def served(work) -> str:
    """What serves a call, read from the store afresh; every call is right."""
    work.cache_clear()
    assert (work(X) == X + 1).all()
    decided = work.decision(X)
    return f"{decided.variant} {decided.source}"


def because(work) -> str:
    return work.decision(X).reason or ""


@pytest.mark.parametrize(
    "pick",
    [leaf("unknown"), leaf("b", block=0), leaf("b", block=-1), leaf("b", block=10**9), leaf("b", block="64"),
     leaf("b", block=64.0), leaf("b", block=True), leaf("b"), leaf("v", block=8), leaf("reference", block=8),
     leaf("__class__"), leaf("v", boxing="__import__")],
    ids=str,
)  # fmt: skip
def test_what_a_record_names_and_is_not_declared_is_not_used(work, pick):
    made = record(work, (X,), split("n", 10, leaf("v"), pick))
    made = REPLACE(made, variants=REPLACE(made.variants, sources={**made.variants.sources, "unknown": "0"}))
    store.put([made])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleRecord)
        assert served(work) in ("reference none", "reference store")


def test_a_decision_that_is_too_deep_is_no_record(work):
    decision = leaf("v")
    for at in range(60):
        decision = Split("n", at, decision, Gap())
    made = record(work, (X,), decision)
    with pytest.raises(ValueError, match="nested too deeply, more than 40 levels"):
        decode(encode(made))
    with pytest.raises(ValueError, match=r"export.json.*nested too deeply"):
        shipped.read_bundle(shipped.write_bundle([made], ""), "export.json")
    key = store.key_of(made)
    writer.put(store.root() / "db" if store.put([]) is None else store.root(), {key: reader.seal(key, encode(made))})

    assert served(work) == "reference none"


@pytest.mark.parametrize("feature", ["lambda", "x", "other", "n*other", "__name__", "n;import os"])
def test_a_record_that_looks_at_sizes_that_calls_do_not_have_is_not_used(feature):
    @tunable(size=lambda x: {"n": x.size})
    def work(x):
        return x + 1

    work.variant(lambda x: 1 + x, kind="scalar", name="v")
    made = record(work, (X,), split(feature, 10, leaf("reference"), leaf("v")))
    cell = {"size": dict.fromkeys(("n", *feature.split("*")), 5), "winner": {"variant": "v"}, "reason": "",
            "measurements": []}  # fmt: skip
    store.put([msgspec.convert({**msgspec.to_builtins(made), "cells": [cell]}, type(made))])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleRecord)
        for _ in range(3):
            assert served(work) == "reference none"
            assert (work(X) == X + 1).all()


# -- invalidation


HARD = sorted(fingerprint().hard)


@pytest.mark.parametrize("field", HARD)
def test_a_record_of_another_machine_is_invisible_and_the_field_is_named(work, field):
    mine = record(work, (X,), leaf("v"))
    theirs = REPLACE(
        mine,
        provenance=REPLACE(mine.provenance, hard={**mine.provenance.hard, field: "4" if field == "cores" else "x"}),
    )
    store.put([theirs])

    assert served(work) == "reference none"
    if field == "cores":
        usable = fingerprint().cores.count
        assert because(work) == f"recorded for 4 usable cores, this process has {usable}"
    else:
        assert f"recorded for {field} x, this process has {fingerprint().hard[field]}" in because(work)
    store.put([mine])
    assert served(work) == "v store", "others are untouched"
    assert len(store.load_all()) == 2


@pytest.mark.parametrize("field", sorted(fingerprint().soft))
def test_a_soft_difference_is_used_and_marked_stale(work, field):
    made = record(work, (X,), leaf("v"))
    store.put([REPLACE(made, provenance=REPLACE(made.provenance, soft={**made.provenance.soft, field: "x"}))])

    assert served(work) == "v store"
    said = str(work.explain(X))
    assert f"stale      made with {field} x, this process has {fingerprint().soft[field]}" in said
    assert work.explain(X).to_dict()["stale"] == [f"made with {field} x, this process has {fingerprint().soft[field]}"]


@pytest.mark.parametrize("field", ["numba", "llvm_cpu"])
def test_what_was_compiled_elsewhere_is_not_used_and_the_rest_is(field):
    @tunable(size={"n": "x.size"})
    def work(x):
        return x + 1

    work.variant(lambda x: 1 + x, kind="scalar", name="plain")

    @work.variant(kind="scalar", jit=True)
    def compiled(x):
        return x + 1

    made = record(work, (X,), split("n", 10, leaf("plain"), leaf("compiled")), compiled=dict(machine.compiled_fields()))
    elsewhere = {**made.provenance.compiled, field: "x"}
    store.put([REPLACE(made, provenance=REPLACE(made.provenance, compiled=elsewhere))])
    work.cache_clear()

    assert (work(X[:5]) == 2).all()
    assert work.decision(X[:5]).variant == "plain"
    assert (work(X) == 2).all()
    assert work.decision(X).variant == "reference"
    assert f"recorded for {field} x, this process has" in because(work)


@pytest.mark.parametrize("mode", ["use", "first-use"])
@pytest.mark.parametrize("field", ["layer", "wait_policy"])
def test_under_another_threading_layer_the_runner_up_serves_and_the_record_stays(compiled, field, mode, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", mode)
    work = compiled
    decision = split("n", 10, Gap(), leaf("together", single="alone"))
    made = record(work, (X,), decision, compiled=dict(machine.compiled_fields()))
    elsewhere = {**made.provenance.compiled, field: "x"}
    store.put([REPLACE(made, provenance=REPLACE(made.provenance, compiled=elsewhere))])
    work.cache_clear()

    assert (work(X) == 2).all()
    assert work.decision(X).variant == "alone"
    assert f"recorded for {field} x, this process has" in because(work)
    counted = work.cache_info()
    assert (work(X) == 2).all()
    assert work.cache_info() == counted, "the code knows who serves"
    assert (work(X[:5]) == 2).all()
    assert [found.decision for found in store.load_all()] == [decision], "nothing is tuned over it"


def test_what_may_not_be_used_is_not_looked_up_again(compiled, monkeypatch):
    store.put([record(compiled, (X,), leaf("alone"), compiled={"numba": "x"})])
    compiled.cache_clear()
    compiled(X)
    monkeypatch.setattr(compiled.__autotune__.dispatcher, "found_target", None)

    assert (compiled(X) == 2).all()


def test_another_source_of_the_reference_or_another_list_of_blocks_is_named(work):
    made = record(work, (X,), leaf("b", block=8))
    store.put([made])
    assert served(work) == "b store"
    sources = made.variants.sources
    store.put([REPLACE(made, variants=REPLACE(made.variants, sources={**sources, "reference": "0123"}))])
    with pytest.warns(StaleRecord, match=f"recorded for source 0123 .*the source is now {sources['reference']}"):
        assert served(work) == "reference none"

    store.put([made])
    work.variant(lambda x, *, block: 1 + x, kind="blocked", name="b2", params={"block": [8, 64]})
    assert served(work) == "b store", "a variant that is new leaves the others alone"
    store.put([REPLACE(made, variants=REPLACE(made.variants, sources={**sources, "b": "4567"}))])
    with pytest.warns(StaleRecord, match="recorded for source 4567 of b, the source is now"):
        assert served(work) == "reference none"


def test_a_home_that_was_copied_to_another_machine_is_silent(work, monkeypatch, recwarn):
    made = record(work, (X,), leaf("v"))
    there = {name: f"{value} of another" for name, value in made.provenance.hard.items()}
    many = [REPLACE(made, kernel=f"other:k{i}", provenance=REPLACE(made.provenance, hard=there)) for i in range(30)]
    store.put([REPLACE(made, provenance=REPLACE(made.provenance, hard=there)), *many])

    for _ in range(20):
        assert served(work) == "reference none"
    assert list(recwarn) == []
    assert len(store.load_all()) == 31


@pytest.mark.parametrize("schema", [0, 99])
def test_other_schemas_are_ignored_and_survive_writing_clearing_and_mending(work, schema):
    made = record(work, (X,), leaf("v"))
    other = REPLACE(made, schema=schema)
    key = store.key_of(other).replace(f"{SCHEMA}|", f"{schema}|", 1)
    row = {key: reader.seal(key, encode(other))}
    store.put([])
    database = store.root() / store.DATABASE
    with store.writing():
        writer.put(database, row)

    assert served(work) == "reference none"
    store.put([made])
    assert served(work) == "v store"
    store.clear(work.__autotune__.kernel.id)
    assert served(work) == "reference none"
    with open(database / reader.DATABASE_FILE, "r+b") as file:
        file.write(b"damage")
    with pytest.warns(UserWarning, match="was made anew of its"):
        store.put([made])
    assert row.items() <= reader.read_rows(database, "")[0].items()


# -- merging


def merged(*sources, dry_run=False):
    return [(step.action, step.reason) for step in merging.merge(sources, dry_run=dry_run)]


@pytest.fixture
def export(tmp_path):
    def write(*records, name="export.json"):
        file = tmp_path / name
        file.write_bytes(shipped.write_bundle(list(records), "label"))
        return file

    return write


def test_a_merge_prefers_clean_over_contended_and_newer_over_older(work, export):
    old = record(work, (X,), leaf("v"), created_s=1.0)
    new = record(work, (X,), leaf("b", block=8), created_s=2.0)
    busy = REPLACE(record(work, (X,), leaf("reference"), created_s=3.0), quality="contended")

    assert merged(export(busy)) == [("added", "nothing was recorded")]
    assert merged(export(old)) == [("replaced", "clean, the other contended")]
    assert merged(export(busy)) == [("kept", "clean, the other contended")]
    assert merged(export(new), dry_run=True) == [("replaced", "newer")]
    assert store.load_all() == [old]
    assert merged(export(new)) == [("replaced", "newer")]
    assert merged(export(old), export(new, name="2.json")) == [("kept", "newer"), ("kept", "it is the same")]
    assert merged(export(REPLACE(new, decision=leaf("v")))) == [("kept", "of the same time")]
    assert store.load_all() == [new]


def test_a_merge_takes_directories_of_exports_and_whole_stores(work, export, tmp_path, monkeypatch):
    first = record(work, (X,), leaf("v"), created_s=1.0)
    second = REPLACE(first, kernel="other:kernel")
    store.put([first])
    folder = tmp_path / "exports"
    folder.mkdir()
    export(second, name="exports/a.json")
    (folder / "record.schema.json").write_bytes(shipped.schema())
    monkeypatch.setenv("AUTOTUNE_DB", str(tmp_path / "another"))

    assert [action for action, _ in merged(tmp_path / "store", folder)] == ["added", "added"]
    assert {r.kernel for r in store.load_all()} == {first.kernel, second.kernel}


def test_an_export_may_stand_in_place_of_a_store_and_is_only_read(work, export, monkeypatch):
    made = record(work, (X,), leaf("v"), created_s=1.0)
    file = export(made)
    content = file.read_bytes()
    monkeypatch.setenv("AUTOTUNE_DB", str(file))

    assert served(work) == "v store"
    with pytest.warns(UserWarning, match="is a file, which is only read as an export; save to a directory"):
        assert not store.save(REPLACE(made, decision=leaf("reference")))
    assert file.read_bytes() == content
    (finding,) = findings.place()
    assert "an export of 1 records, which is only read" in finding.found
    file.write_text("no export")
    with pytest.warns(UserWarning, match="is not an export of autotune.*going on without records"):
        assert served(work) == "reference none"


def test_what_is_no_source_of_a_merge_is_named_and_nothing_is_changed(work, export, tmp_path):
    made = record(work, (X,), leaf("v"))
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken.json"
    broken.write_text('{"schema": 1, "label": "", "records": [{"schema": 1}]}')
    large = tmp_path / "large.json"
    with open(large, "wb") as file:
        file.truncate(shipped.MAX_FILE_BYTES + 1)

    for source, said in (
        (tmp_path / "empty", "holds neither a store (db/cache.db) nor exports"), (broken, "is not an export"),
        (tmp_path / "missing.json", "cannot be read"), (large, "an export has at most"),
    ):  # fmt: skip
        with pytest.raises(StoreError) as caught:
            merging.merge([export(made), source])
        assert said in str(caught.value)
    foreign = tmp_path / "foreign"
    (foreign / "db").mkdir(parents=True)
    (foreign / "db" / "cache.db").write_bytes(b"junk")
    foreign.chmod(0o777)
    with pytest.raises(StoreError, match="others may write it, so it is not used"):
        merging.merge([foreign])
    assert store.load_all() == []


def test_a_record_too_large_to_be_read_again_is_not_written(work):
    made = record(work, (X,), leaf("v"))
    with pytest.raises(StoreError, match=r"a record of .* bytes, under a key of .*, is not kept"):
        store.put([REPLACE(made, skipped=["x" * reader.MAX_ROW_BYTES])])
    assert store.load_all() == []


def test_the_command_says_what_it_did_with_each_record(work, export, run):
    made = record(work, (X,), leaf("v"), created_s=1.0)
    strange = REPLACE(made, kernel="other:kernel", signature="no signature")
    file = export(made, strange)
    command = "import sys; from autotune.cli import main; sys.argv[0] = 'autotune'; main()"
    dry = json.loads(run(command, "db", "merge", str(file), "--dry-run", "--json").stdout)
    said = run(command, "db", "merge", str(file)).stdout
    again = run(command, "db", "merge", str(file)).stdout

    assert (dry["added"], dry["dry_run"], dry["records"][0]["action"]) == (2, True, "added")
    assert "[float64 1-d C] on an unnamed machine: added (nothing was recorded)" in said
    assert "other:kernel ['no signature'] on" in said
    assert "added 2, replaced 0, kept 0" in said
    assert "added 0, replaced 0, kept 2" in again
    assert signature_of(work.__autotune__.kernel, {"x": X}).key == made.signature
