"""Databases that somebody made to do harm: nothing is executed, read or removed, and loading stays quick and small."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from autotune.store import reader, store, trust
from autotune.store.record import encode
from tests.reliability.made_records import KERNEL, KEY, made
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

MOST_LOAD_S, MOST_LOAD_BYTES = 0.2, 64 << 20
COLUMNS = ("key", "raw", "store_time", "expire_time", "access_time", "access_count", "tag", "size", "mode", "filename",
           "value")  # fmt: skip


class Bomb:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return exec, (f"open({str(self.marker)!r}, 'w').close()",)


class Place:
    """A store with a sound record, beside it a file that must stay as it is and one that must not appear."""

    def __init__(self, root: Path) -> None:
        self.root, self.victim, self.marker = (
            root,
            root.parent / f"victim of {root.name}",
            root.parent / f"x{root.name}",
        )
        os.environ["AUTOTUNE_DB"] = str(root)
        store.put([made()])
        self.victim.write_text("precious")

    @property
    def file(self) -> Path:
        return self.root / store.DATABASE / reader.DATABASE_FILE

    def run(self, *statements: str, values: tuple[object, ...] = ()) -> None:
        connection = sqlite3.connect(self.file, isolation_level=None)
        try:
            for statement in statements:
                connection.execute(statement, values)
        finally:
            connection.close()

    def add(self, body: str, kernel: str = KERNEL.id, signature: str = "[]") -> None:
        """A row that is sealed as autotune seals it."""
        key = f"1|{kernel}|{signature}|reassociated|x"
        self.run("INSERT INTO Cache (key, raw, mode, value) VALUES (?, 1, 1, ?)", values=(key, reader.seal(key, body)))

    @property
    def intact(self) -> bool:
        return self.victim.read_text() == "precious" and not self.marker.exists()


Plant = Callable[[Place], None]
#: What is planted, by name, and whether the sound record beside it is to be found still.
plants: dict[str, tuple[Plant, bool]] = {}


def plant(name: str, *, kept: bool = True) -> Callable[[Plant], Plant]:
    def enter(function: Plant) -> Plant:
        plants[name] = (function, kept)
        return function

    return enter


def _pickle_in(column: str) -> Plant:
    def place_it(place: Place) -> None:
        if column in ("key", "value"):
            flag = {"key": "raw = 0", "value": "mode = 4"}[column]
            place.run(f"UPDATE Cache SET {column} = ?, {flag}", values=(pickle.dumps(Bomb(place.marker)),))
        else:
            place.run(f"UPDATE Cache SET {column} = ?", values=(pickle.dumps(Bomb(place.marker)),))

    return place_it


for _column in COLUMNS:
    plants[f"a pickle as {_column}"] = (_pickle_in(_column), _column not in ("key", "value", "raw", "mode", "filename"))


@plant("a pickle as setting")
def pickle_as_setting(place: Place) -> None:
    place.run("INSERT OR REPLACE INTO Settings VALUES ('disk', ?)", values=(pickle.dumps(Bomb(place.marker)),))
    place.run("UPDATE Settings SET value = ? WHERE key = 'count'", values=(pickle.dumps(Bomb(place.marker)),))


@plant("a filename", kept=False)
def filename(place: Place) -> None:
    victim = os.path.relpath(place.victim, place.file.parent)
    place.run("UPDATE Cache SET filename = ?, mode = 2, expire_time = 1.0", values=(victim,))


@plant("settings that are attributes and PRAGMAs")
def settings(place: Place) -> None:
    rows = {
        "cull_limit": 10**6, "size_limit": 1, "eviction_policy": "least-recently-used", "_disk": "x", "get": "x",
        "directory": str(place.victim.parent), "sqlite_temp_store_directory": f"'{place.victim.parent}'",
        f"sqlite_x; ATTACH '{place.marker}' AS a; --": 1, "disk_min_file_size": 0,
        "sqlite_cache_size": "1; DROP TABLE Cache",
    }  # fmt: skip
    for key, value in rows.items():
        place.run("INSERT OR REPLACE INTO Settings VALUES (?, ?)", values=(key, value))


@plant("triggers")
def triggers(place: Place) -> None:
    forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    for moment in ("BEFORE INSERT", "AFTER UPDATE", "BEFORE DELETE"):
        place.run(f"CREATE TRIGGER t{moment.split()[1]} {moment} ON Cache BEGIN {forever}; END")


@plant("a view in place of the table")
def view(place: Place) -> None:
    place.run(
        "ALTER TABLE Cache RENAME TO Hidden",
        "CREATE VIEW Cache AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
        "SELECT x AS rowid, 'k' AS key, 1 AS raw, 1 AS mode, NULL AS filename, 'v' AS value FROM c",
    )


@plant("a column that is computed", kept=False)
def computed(place: Place) -> None:
    place.run(
        "DROP TABLE Cache",
        "CREATE TABLE Cache (rowid INTEGER PRIMARY KEY, key, raw, mode, filename, "
        "value TEXT AS (replace(hex(zeroblob(1000000)), '00', 'xxxxxxxxxxxxxxxx')))",
        "INSERT INTO Cache (key, raw, mode) VALUES ('1|' , 1, 1)",
    )


@plant("a million rows")
def million_rows(place: Place) -> None:
    place.run(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) "
        "INSERT INTO Cache (key, raw, mode, value) SELECT 'junk' || x, 1, 1, 'x' FROM c"
    )


@plant("ten thousand rows of the kernel")
def many_of_the_kernel(place: Place) -> None:
    place.run(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000) "
        f"INSERT INTO Cache (key, raw, mode, value) SELECT '1|{KERNEL.id}|' || x, 1, 1, hex(zeroblob(5000)) FROM c"
    )


@plant("a row of two gigabytes")
def two_gigabytes(place: Place) -> None:
    """A row of 3 MB is made to say that it has 2 GiB, and the file to be that long; nothing is written there."""
    short, long = 3_000_000, 2 << 30
    place.run("INSERT INTO Cache (key, raw, mode, value) VALUES ('1|big', 1, 1, ?)", values=("x" * short,))
    content = place.file.read_bytes()
    page = content.index(b"1|big") // 4096 * 4096
    pointers = range(page + 8, page + 12, 2)
    pointer = min(pointers, key=lambda p: int.from_bytes(content[p : p + 2], "big"))  # the newest lies lowest
    start = page + int.from_bytes(content[pointer : pointer + 2], "big")
    header_bytes = content[start + 5]  # behind four bytes of the row's length and one of its number
    header = content[start + 5 : start + 5 + header_bytes]
    assert header.endswith(_varint(2 * short + 13)), "the cell is read wrongly"
    grown = bytes((header_bytes + 1,)) + header[1:-4] + _varint(2 * long + 13)
    cell = _varint(header_bytes + 1 + len("1|big") + long) + content[start + 4 : start + 5] + grown
    with open(place.file, "r+b") as handle:
        handle.seek(start - 2)
        handle.write(cell)
        handle.seek(pointer)
        handle.write((start - 2 - page).to_bytes(2, "big"))
        handle.truncate(long)


def _varint(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


@plant("a row of 200 megabytes")
def long_row(place: Place) -> None:
    place.run("INSERT INTO Cache (key, raw, mode, value) VALUES ('1|a', 1, 1, ?)", values=("x" * 200_000_000,))
    place.run("UPDATE Cache SET rowid = -1 WHERE key = '1|a'")


@plant("JSON that is deep")
def deep(place: Place) -> None:
    place.add("[" * 500_000)
    place.add('{"schema":1,"x":' + '{"x":' * 150_000, signature="[1]")
    node = '{"node":"split","feature":"n","at":1,"below":{"node":"gap"},"above":'
    body = encode(made()).partition('"decision":')
    place.add(f"{body[0]}{body[1]}{node * 9000}", signature="[2]")


@plant("JSON with huge numbers and keys twice")
def numbers(place: Place) -> None:
    body = encode(made())
    place.add(body.replace('"schema":1', f'"schema":{"9" * 5000}'))
    place.add(body.replace('"at":10', f'"at":{"9" * 400_000}'), signature="[1]")
    place.add(body.replace('"created_s":0.0', '"created_s":1e999'), signature="[2]")
    place.add(body.replace('"schema":1', '"schema":99,"schema":1'), signature="[3]")


@plant("a journal that names another file")
def super_journal(place: Place) -> None:
    killed = (
        "import sqlite3, os, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=1'); c.execute('BEGIN IMMEDIATE')\n"
        "c.execute('CREATE TABLE junk (x)')\n"
        "c.executemany('INSERT INTO junk VALUES (?)', [('x' * 9999,)] * 99)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(place.file)], check=False)
    name = str(place.victim).encode()
    ending = (struct.pack(">I", 0x40000001 >> 12 | 1), name, struct.pack(">II", len(name), sum(name)))
    with open(f"{place.file}-journal", "ab") as journal:
        journal.write(b"".join(ending) + trust._JOURNAL_MAGIC)


@plant("a header that asks for a write-ahead log")
def write_ahead(place: Place) -> None:
    content = bytearray(place.file.read_bytes())
    content[18:20] = b"\x02\x02"
    place.file.write_bytes(bytes(content))


MEASURE = """
import json, os, re, sys, time, warnings
import sqlite3
from autotune.store import reader, salvage, store
from tests.reliability.made_records import KERNEL, KEY
warnings.simplefilter("ignore")

def memory(name):
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) * 1024

store.load(KERNEL.id, numerics="reassociated")
for root in sys.argv[1:]:
    os.environ["AUTOTUNE_DB"] = root
    try:
        open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
    except OSError:
        pass
    before, started = memory("VmRSS"), time.perf_counter()
    found = store.load(KERNEL.id, numerics="reassociated")
    took_s = time.perf_counter() - started
    print(json.dumps([took_s, memory("VmHWM") - before, KEY in found.records]), flush=True)
"""


def loaded(roots: list[Path]) -> list[tuple[float, int, bool]]:
    """Seconds and bytes that loading each store took in a process of its own, and whether the record was found."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, roots)], stdout=subprocess.PIPE, text=True, timeout=60, check=True
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


@row("hostile databases: loaded, written to, cleared", tries=len(plants))
def hostile_files(tries: int) -> Outcome:
    chosen = dict(list(plants.items())[:tries])
    lost = 0
    complaints: list[str] = []
    with own_store() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = {name: Place(folder / str(number)) for number, name in enumerate(chosen)}
        for name, (planted, _) in chosen.items():
            planted(places[name])
        measured = dict(zip(chosen, loaded([place.root for place in places.values()]), strict=True))
        for name, (took_s, took_bytes, found) in measured.items():
            lost += chosen[name][1] and not found
            if took_s > MOST_LOAD_S or took_bytes > MOST_LOAD_BYTES:
                complaints.append(f"{name}: loaded in {took_s * 1e3:.0f} ms and {took_bytes / 2**20:.0f} MiB")
        for name, place in places.items():
            if not place.intact:
                complaints.append(f"{name}: loading did harm")
            signal.alarm(20)  # a trigger may run for ever
            if not _survives_writing(place):
                complaints.append(f"{name}: a record saved is not there, or one cleared still is")
            signal.alarm(0)
            if not place.intact:
                complaints.append(f"{name}: writing did harm")
    slowest, largest = (max(values) for values in list(zip(*measured.values(), strict=True))[:2])
    figures = f"slowest load {slowest * 1e3:.0f} ms, limit 200; most memory {largest / 2**20:.0f} MiB, limit 64"
    return Outcome(len(chosen), len(complaints), lost, note="; ".join([figures, *complaints]))


def _survives_writing(place: Place) -> bool:
    """Whether a record can be saved and is there, and everything can be cleared."""
    os.environ["AUTOTUNE_DB"] = str(place.root)
    newer = made(created_s=5.0)
    store.put([newer])
    there = store.load(KERNEL.id, numerics="reassociated").records.get(KEY) == newer
    store.clear()
    return there and not store.load_all()


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory in /proc, which only Linux has")
def test_hostile_databases_do_no_harm_and_load_quickly():
    found = hostile_files(len(plants))

    assert found.sound, found.note


def test_a_journal_that_names_another_file_is_never_followed(tmp_path):
    with own_store() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = Place(folder / "0")
        super_journal(place)

        assert store.load(KERNEL.id, numerics="reassociated").records.keys() == {KEY}
        assert place.intact
        sqlite3.connect(place.file).execute("SELECT count(*) FROM Cache").fetchone()
        assert not place.victim.exists(), "SQLite itself would have removed it: else this test shows nothing"


def test_an_export_cannot_hold_a_pickle_either(tmp_path):
    from autotune.store import shipped

    with pytest.raises(ValueError, match="is not an export"):
        shipped.read_bundle(pickle.dumps(Bomb(tmp_path / "marker")), "bomb.json")
    assert not (tmp_path / "marker").exists()


def test_a_row_of_another_kernel_under_this_ones_key_is_not_this_ones():
    with own_store() as folder:
        place = Place(folder / "0")
        place.add(encode(msgspec.structs.replace(made(), kernel="other:kernel")), signature=KEY)

        assert store.load(KERNEL.id, numerics="reassociated").records == {KEY: made()}
