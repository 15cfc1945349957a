"""The store: what is written is read, and what is damaged, foreign or hostile is as if it were not there."""

from __future__ import annotations

import os
import pickle
import random
import sqlite3
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autotune import StoreError, tunable
from autotune.kernel.signature import signature_of
from autotune.store import locks, mounts, reader, shipped, store, writer
from autotune.store.record import SCHEMA, Gap, Leaf, Pick, Split, decode, encode, leaves, lookup
from tests.records import leaf, record, split

X = np.ones(3)


@tunable(size={"n": "x.size"})
def work(x):
    return x


work.variant(lambda x: x + 0, kind="scalar", name="v")
work.variant(lambda x, *, block: x + 0, kind="blocked", name="b", params={"block": [8, 64]})

KERNEL = work.__autotune__.kernel
DECISION = split("n", 10, leaf("v"), leaf("b", block=8))


def made(**provenance):
    return record(work, (X,), DECISION, **provenance)


def load():
    return store.load(KERNEL.id, numerics="reassociated").records


def key() -> str:
    return signature_of(KERNEL, {"x": X}).key


def database(root):
    return root / store.DATABASE / reader.DATABASE_FILE


def raw(root, statement, *values):
    with sqlite3.connect(database(root)) as connection:
        connection.execute(statement, values)
    connection.close()


def test_what_is_saved_is_loaded_by_this_and_every_other_process(run):
    assert store.save(made())

    assert load() == {key(): made()}
    found = run(
        f"from autotune.store import store; print(len(store.load({KERNEL.id!r}, numerics='reassociated').records))"
    )
    assert found.stdout.split() == ["1"]


def test_a_record_survives_its_text():
    assert decode(encode(made())) == made()
    assert encode(decode(encode(made()))) == encode(made())


def test_saving_again_replaces(store_root):
    store.save(made(created_s=1.0))
    store.save(made(created_s=2.0))

    assert [r.provenance.created_s for r in store.load_all()] == [2.0]


def test_records_are_text_and_nothing_is_in_files_of_its_own(store_root):
    store.save(made())
    with sqlite3.connect(database(store_root)) as connection:
        rows = connection.execute("SELECT typeof(key), raw, mode, filename, typeof(value) FROM Cache").fetchall()
    connection.close()

    assert rows == [("text", 1, 1, None, "text")]
    assert sorted(p.name for p in (store_root / "db").iterdir()) == ["cache.db"]


def test_only_the_owner_may_read_or_write(store_root):
    store.save(made())

    assert stat.S_IMODE(store_root.stat().st_mode) == stat.S_IMODE((store_root / "db").stat().st_mode) == 0o700
    assert stat.S_IMODE(database(store_root).stat().st_mode) == 0o600


def test_records_of_other_machines_and_policies_are_kept_and_not_used():
    here = made()
    elsewhere = msgspec.structs.replace(
        here, provenance=msgspec.structs.replace(here.provenance, hard={**here.provenance.hard, "cores": "64"})
    )
    looser = msgspec.structs.replace(here, numerics="approximate")
    store.put([elsewhere, looser])

    found = store.load(KERNEL.id, numerics="reassociated")
    assert found.records == {}
    assert set(map(encode, found.foreign)) == {encode(elsewhere), encode(looser)}


def test_clear_removes_one_kernel_or_all():
    other = msgspec.structs.replace(made(), kernel="other:kernel")
    store.put([made(), other])

    assert store.clear("other:kernel") == 1
    assert len(store.load_all()) == 1
    assert store.clear() == 1
    assert store.load_all() == []
    assert store.clear() == 0


@pytest.mark.parametrize("what", ["directory", "database"])
def test_what_others_may_write_is_refused_with_the_mend(store_root, what):
    store.save(made())
    (database(store_root) if what == "database" else store_root / "db").chmod(0o777)
    store._warned.clear()

    with pytest.warns(UserWarning, match="others may write it, so it is not used; mend it with: chmod go-w"):
        assert load() == {}


def test_links_are_refused(store_root, tmp_path):
    store.save(made())
    (store_root / "db").rename(tmp_path / "elsewhere")
    (store_root / "db").symlink_to(tmp_path / "elsewhere")
    store._warned.clear()

    with pytest.warns(UserWarning, match="is a link or no regular file"):
        assert load() == {}
    with pytest.raises(StoreError, match="must be a directory of yours"):
        store.put([made()])


def test_what_belongs_to_another_user_is_refused(store_root, monkeypatch):
    store.save(made())
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    store._warned.clear()

    with pytest.warns(UserWarning, match="belongs to another user"):
        assert load() == {}


def test_a_store_that_cannot_be_written_warns_once_and_goes_on(store_root, recwarn):
    store_root.parent.mkdir(exist_ok=True)
    store_root.write_text("a file where the directory should be")
    store._warned.clear()

    assert not store.save(made())
    assert not store.save(made())
    assert ["is a file, which is only read" in str(w.message) for w in recwarn] == [True]
    assert load() == {}


def test_a_network_file_system_is_named_and_not_written(monkeypatch, tmp_path):
    monkeypatch.setattr(writer, "network_file_system", lambda directory: "nfs4")
    with pytest.raises(StoreError, match="lies on nfs4, where a database cannot be shared safely.*AUTOTUNE_DB"):
        writer.put(tmp_path, {"k": "v"})


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ([("/", "ext4"), ("/home", "nfs4")], "nfs4"),
        ([("/", "nfs4"), ("/home", "ext4")], None),
        ([("/home", "nfs4"), ("/home", "ext4")], None),  # mounted over it
        ([("/", "ext4"), ("/home/a b", "lustre")], "lustre"),
        ([("/", "ext4"), ("/home/a", "nfs")], None),
        ([], None),
    ],
)
def test_the_innermost_mount_decides(table, kind):
    assert mounts.network_file_system(Path("/home/a b/store"), table) == kind


def test_mount_tables_are_read_as_they_are_written():
    assert mounts._unescaped(r"/home/a\040b\134c") == r"/home/a b\c"
    assert ("/proc", "proc") in mounts._mounts() or sys.platform != "linux"


def test_a_full_disk_is_told(monkeypatch, tmp_path):
    def full(*args, **kwargs):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(writer.diskcache.Cache, "set", full)
    with pytest.raises(StoreError, match="records could not be saved .*disk is full"):
        writer.put(tmp_path, {"k": "v"})


def test_a_database_that_is_held_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(writer.diskcache.Cache, "set", lambda *a, **k: False)
    with pytest.raises(StoreError, match="another process holds the database"):
        writer.put(tmp_path, {"k": "v"})


@pytest.mark.parametrize(
    "call",
    [
        lambda disk: disk.put(3), lambda disk: disk.get(b"k", True), lambda disk: disk.get("k", False),
        lambda disk: disk.store(b"v", False), lambda disk: disk.store("v", True), lambda disk: disk.filename(),
        lambda disk: disk.fetch(4, None, "v", False), lambda disk: disk.fetch(1, "file", "v", False),
    ],
)  # fmt: skip
def test_the_writer_takes_and_gives_only_text(call, tmp_path):
    with pytest.raises(StoreError):
        call(writer.TextDisk(str(tmp_path)))


def test_a_writer_that_does_not_come_to_an_end_is_told(store_root, monkeypatch):
    store.put([])
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.02)
    with locks.database_lock(store_root, wait_s=0.0) as mine:
        assert mine
        with pytest.raises(StoreError, match=r"another process has been writing for 0.02 s; try again later"):
            store.put([made()])


def test_a_damaged_database_that_cannot_be_replaced_stays_where_it_is(store_root):
    store.put([made()])
    database(store_root).write_bytes(b"junk" * 5000)
    (store_root / "db" / "cache.db.damaged").mkdir()

    with pytest.raises(StoreError, match="the damaged database cannot be replaced"):
        store.put([made()])
    assert database(store_root).read_bytes() == b"junk" * 5000
    with pytest.raises(StoreError, match="cannot be cleared"):
        store.clear()


# -- damaged and hostile files


BOMB = "open({!r}, 'w').close()"


class Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return exec, (BOMB.format(str(self.marker)),)


@pytest.mark.parametrize("place", ["value", "key", "mode"])
def test_a_malicious_pickle_is_never_executed(store_root, tmp_path, place):
    marker = tmp_path / "executed"
    bomb = pickle.dumps(Bomb(marker))
    store.save(made())
    row_key = store.key_of(made())
    if place == "value":
        raw(store_root, "UPDATE Cache SET value = ?, mode = 4", bomb)
    elif place == "key":
        raw(store_root, "UPDATE Cache SET key = ?, raw = 0", bomb)
    else:
        raw(store_root, "UPDATE Cache SET mode = 4 WHERE key = ?", row_key)

    assert load() == {}
    assert not marker.exists()


def test_a_planted_filename_is_neither_read_nor_removed(store_root, tmp_path):
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    store.save(made())
    raw(store_root, "UPDATE Cache SET filename = ?", f"../../{victim.name}")

    assert load() == {}
    store.save(made())
    store.clear()
    assert victim.read_text() == "precious"


def test_planted_settings_triggers_and_views_change_nothing(store_root):
    store.save(made())
    raw(store_root, "INSERT OR REPLACE INTO Settings VALUES ('cull_limit', 1000000), ('size_limit', 1)")
    raw(store_root, "INSERT OR REPLACE INTO Settings VALUES ('eviction_policy', 'least-recently-stored')")
    store.put([msgspec.structs.replace(made(), kernel=f"other:k{i}") for i in range(20)])

    assert len(store.load_all()) == 21
    raw(store_root, "ALTER TABLE Cache RENAME TO Hidden")
    raw(store_root, "CREATE VIEW Cache AS SELECT * FROM Hidden")
    store._warned.clear()
    with pytest.warns(UserWarning, match=r"its table of records is no table.*the 1 sound records found in it"):
        assert load() == {key(): made()}  # what lies on the pages counts, not what leads there


def test_a_row_with_a_wrong_checksum_or_a_moved_key_is_passed_over(store_root):
    store.put([made(), msgspec.structs.replace(made(), kernel="other:kernel")])
    raw(store_root, "UPDATE Cache SET value = replace(value, '\"n\"', '\"m\"') WHERE key LIKE '%tests%'")

    assert load() == {}
    assert len(store.load_all()) == 1


def test_oversized_rows_are_passed_over(store_root):
    store.save(made())
    raw(store_root, "UPDATE Cache SET value = value || ?", "x" * (reader.MAX_ROW_BYTES + 1))

    assert load() == {}


@pytest.mark.parametrize("schema", [0, SCHEMA + 98])
def test_other_schemas_are_ignored_and_left_alone(store_root, schema):
    other = msgspec.structs.replace(made(), schema=schema)
    row_key = store.key_of(other)
    store.save(made())
    writer.put(store_root / "db", {row_key: reader.seal(row_key, encode(other))})

    assert all(r.schema == SCHEMA for r in store.load_all())
    with pytest.raises(ValueError, match=f"schema {schema}, expected {SCHEMA}"):
        decode(encode(other))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["flip", "truncate", "zero page", "junk page", "junk"]))
def test_damage_anywhere_never_crashes_and_never_gives_a_wrong_record(store_root, seed, kind):
    rng = random.Random(seed)
    store.clear()
    originals = [msgspec.structs.replace(made(), kernel=f"other:k{i}") for i in range(8)]
    store.put(originals)
    file = database(store_root)
    content = bytearray(file.read_bytes())
    page = rng.randrange(len(content) // 4096) * 4096
    if kind == "flip":
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "truncate":
        del content[rng.randrange(len(content)) :]
    elif kind == "zero page":
        content[page : page + 4096] = bytes(4096)
    elif kind == "junk page":
        content[page : page + 4096] = rng.randbytes(4096)
    else:
        content[:] = rng.randbytes(rng.randrange(1, 9000))
    file.write_bytes(bytes(content))

    rows, _ = reader.read_rows(file.parent, "")
    known = set(map(encode, originals))
    assert all(encode(reader.record_of(row)) in known for row in rows.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store.put([made()])  # and the store goes on
    after = list(map(encode, store.load_all()))
    assert encode(made()) in after
    assert set(after) <= {*known, encode(made())}


def test_a_hot_journal_left_by_a_killed_writer_is_rolled_back(store_root):
    store.save(made(created_s=1.0))
    script = (
        "import sqlite3, os, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=1'); c.execute('BEGIN IMMEDIATE')\n"
        "c.execute(\"UPDATE Cache SET value = 'half'\")\n"
        "rows = [(str(i), 'x' * 9999) for i in range(99)]\n"
        "c.executemany('INSERT INTO Cache (key, raw, value) VALUES (?, 1, ?)', rows)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(database(store_root))], check=False)
    assert (store_root / "db" / "cache.db-journal").exists()

    assert [r.provenance.created_s for r in load().values()] == [1.0]


def test_a_writer_at_work_does_not_hold_up_a_reader(store_root):
    store.save(made())
    connection = sqlite3.connect(database(store_root), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")

    assert len(load()) == 1
    connection.execute("ROLLBACK")
    connection.close()


# -- exports and what came with the package


def test_an_export_is_readable_sorted_and_comes_back():
    records = [msgspec.structs.replace(made(), kernel=f"other:{name}") for name in "ba"]
    content = shipped.write_bundle(records, "label")

    assert content.decode().index("other:a") < content.decode().index("other:b")
    assert set(map(encode, shipped.read_bundle(content, "file").records)) == set(map(encode, records))
    assert shipped.write_bundle(shipped.read_bundle(content, "file").records, "label") == content


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is not an export"),
        (b"[" * 100_000, "is not an export"),
        (b'{"schema": 99, "label": "", "records": []}', "has schema 99, this version reads 1"),
        (b'{"schema": 1, "label": "", "records": [{"schema": 1}]}', "records[0]"),
        (b"\x80\x04.", "is not an export"),
    ],
)
def test_an_export_that_is_none_says_where(content, part):
    with pytest.raises(ValueError, match="file.json") as caught:
        shipped.read_bundle(content, "file.json")

    assert part in str(caught.value)


def test_shipped_records_lie_under_the_users_own(monkeypatch, tmp_path):
    from autotune.machine import fingerprint

    monkeypatch.setenv("AUTOTUNE_SHIPPED", "1")
    monkeypatch.setattr(shipped, "directory", lambda: tmp_path)
    content = shipped.write_bundle([made(created_s=1.0)], "label")
    (tmp_path / f"machine-{fingerprint().key}.json").write_bytes(content)
    (tmp_path / "other-000000000000.json").write_bytes(b"not even JSON")

    found = store.load(KERNEL.id, numerics="reassociated")
    assert found.shipped == {key()}
    assert found.records[key()].provenance.created_s == 1.0
    store.save(made(created_s=2.0))
    found = store.load(KERNEL.id, numerics="reassociated")
    assert found.shipped == set()
    assert found.records[key()].provenance.created_s == 2.0


def test_damaged_shipped_records_cost_only_speed(monkeypatch, tmp_path):
    from autotune.machine import fingerprint

    monkeypatch.setenv("AUTOTUNE_SHIPPED", "1")
    monkeypatch.setattr(shipped, "directory", lambda: tmp_path)
    (tmp_path / f"machine-{fingerprint().key}.json").write_bytes(b"{")

    with pytest.warns(UserWarning, match="is not an export of autotune"):
        assert load() == {}


# -- decisions as data


def test_lookup_and_leaves_walk_the_tree():
    decision = Split("m*n", 100, Split("m", 3, leaf("v"), Gap()), leaf("reference"))

    assert lookup(decision, {"m": 2, "n": 5}).winner.variant == "v"
    assert lookup(decision, {"m": 5, "n": 5}) is None
    assert lookup(decision, {"m": 50, "n": 5}).winner.variant == "reference"
    assert [found.winner.variant for found in leaves(decision)] == ["v", "reference"]


def test_choices_are_written_as_calls():
    assert str(Pick("b", {"block": 8})) == "b(block=8)"
    assert Leaf(Pick("v")) == leaf("v")
