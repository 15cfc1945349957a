"""Disks that are full or fail, directories that cannot be written, stores that are not ours: only speed is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from autotune.store import reader, store
from tests.full_disk import can_mount, on_disk, posix
from tests.programs import SCRIPT
from tests.reliability.calibrating import MODULE
from tests.reliability.made_records import KERNEL, KEY, made
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

#: Saves a record again and again while there is room for ever more pages, over a store that holds others, and says
#: for each room whether that worked, what was warned of, and whether the others are there once there is room again.
#: Room is what a file may grow to (writes fail with EFBIG, an I/O error to SQLite), or what is left on a file system
#: (ENOSPC).
FILLING = """
import json, os, random, resource, shutil, sys, warnings
from pathlib import Path
from autotune.store import store
from tests.reliability.made_records import marked
from autotune.store.record import encode
root, kind, step, most = Path(os.environ["AUTOTUNE_DB"]), sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(0)
others = [marked(number, rng) for number in range(3)]
new = marked(9, rng)
aside, filler = Path(sys.argv[4]), root.parent / "filler"
warnings.simplefilter("always")
with warnings.catch_warnings():
    store.put(others)
shutil.copytree(root, aside)
for room in range(0, most, step):
    shutil.rmtree(root); shutil.copytree(aside, root)
    store._warned.clear()
    with warnings.catch_warnings(record=True) as caught:
        if kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        else:
            with open(filler, "wb", buffering=0) as file:
                free = os.statvfs(root).f_bavail * os.statvfs(root).f_frsize
                try: file.write(b"x" * max(0, free - room))
                except OSError: pass
        saved = store.save(new)
        saved_again = store.save(new)
        found = [encode(r) for r in store.load_all()]
        if kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            filler.unlink()
    lost = sum(encode(r) not in set(map(encode, store.load_all())) for r in others)
    mended = store.save(new) and {encode(r) for r in store.load_all()} == set(map(encode, [*others, new]))
    print(json.dumps({
        "room": room, "saved": saved, "again": saved_again, "warnings": [str(w.message) for w in caught],
        "lost": lost, "there": encode(new) in found,
        "wrong": sum(text not in set(map(encode, [*others, new])) for text in found), "mended": mended,
    }), flush=True)
"""


def filled(folder: Path, kind: str, tries: int) -> list[dict[str, object]]:
    """What `FILLING` says."""
    place = folder / "place"
    place.mkdir()
    step = max(512, 400_000 // tries // 512 * 512)
    command = [sys.executable, "-c", FILLING, kind, str(step), str(step * tries), str(folder / "aside")]
    if kind == "full":
        command = on_disk(place, "2m", *command)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False,
        env={**os.environ, "AUTOTUNE_DB": str(place / "store")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def judged(found: list[dict[str, object]]) -> Outcome:
    faults = sum(
        not about["mended"]  # once there is room again, it is saved
        or (about["saved"] and not about["there"])  # what is acknowledged is there
        or bool(about["warnings"]) == (about["saved"] and about["again"])
        or len(set(about["warnings"])) < len(about["warnings"])  # each problem is told once
        for about in found
    )
    failed = sum(not about["saved"] for about in found)
    return Outcome(
        len(found), faults, sum(about["lost"] for about in found), sum(about["wrong"] for about in found),
        f"{failed} of {len(found)} could not be saved, each with one warning",
    )  # fmt: skip


@row("a disk that fails at each write of a save (I/O errors)", tries=200)
def failing_disk(tries: int) -> Outcome:
    with own_store() as folder:
        return judged(filled(folder, "limit", tries))


@row("a disk that is full at each write of a save", tries=200)
def full_disk(tries: int) -> Outcome:
    if not can_mount():
        return Outcome(0, note="not tried: no file system may be mounted here")
    with own_store() as folder:
        return judged(filled(folder, "full", tries))


@posix
@pytest.mark.parametrize("kind", [failing_disk, full_disk])
def test_a_disk_that_gives_out_at_any_write_costs_one_warning_and_no_record(kind):
    found = kind(10)

    assert found.sound, found
    assert found.tries == 0 or 0 < int(found.note.split()[0]) < found.tries, "every write must be met"


@posix
def test_first_use_on_a_full_disk_is_right_and_used_in_memory(tmp_path, store_root):
    program = tmp_path / "program.py"
    program.write_text("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n" + SCRIPT)
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "30"},
    )  # fmt: skip

    assert "right True True" in done.stdout, done.stderr
    assert "tuned 1" in done.stdout
    assert done.stderr.count("StoreWarning") == 1, done.stderr
    assert store.load_all() == []


@pytest.fixture
def nowhere(tmp_path):
    """A place that cannot be written, not even by the superuser."""
    file = tmp_path / "a file"
    file.write_text("where a directory would have to be")
    return str(file / "below")


def test_calls_and_imports_work_where_nothing_can_be_written(run, tmp_path, nowhere):
    program = tmp_path / "program.py"
    program.write_text(SCRIPT)
    places = {"AUTOTUNE_DB": "", "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "TMPDIR": nowhere}
    done = run(program, AUTOTUNE_MODE="first-use", AUTOTUNE_BUDGET="30", **places)

    assert "right True True" in done.stdout
    assert done.stderr.count("StoreWarning") == 1


def test_calibrate_says_in_one_line_that_nothing_can_be_saved_before_it_begins(tmp_path, nowhere):
    module = tmp_path / "measured.py"
    module.write_text(MODULE)
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "calibrate", "-m", str(module)], capture_output=True, text=True, timeout=60,
        check=False, env={**os.environ, "AUTOTUNE_DB": nowhere},
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be used as the store" in done.stderr
    assert "AUTOTUNE_DB" in done.stderr


@posix
def test_what_a_calibration_cannot_save_is_used_and_told(run, tmp_path):
    (tmp_path / "measured.py").write_text(MODULE)
    program = textwrap.dedent("""
        import os, warnings
        import numpy as np, measured
        from autotune.store import store
        store.put([])
        os.chmod(store.root(), 0o777)  # from now on it is refused
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            records = measured.total.calibrate(effort="quick", only={"dtype": "complex64"})
            x = np.ones(5, np.complex64)
            print(len(records), measured.total.decision(x).variant, measured.total(x), len(store.load_all()))
            print(sum("cannot be used as the store" in str(w.message) for w in caught))
    """)
    said = run(program, AUTOTUNE_MODE="use").stdout.split()

    assert said == ["2", "by_reduce", "(5+0j)", "0", "1"]


@posix
@pytest.mark.parametrize("which", ["root", "db"])
@pytest.mark.parametrize("how", ["0777", "another's", "a link"])
def test_a_store_that_is_not_ours_alone_is_neither_read_nor_written(store_root, tmp_path, monkeypatch, which, how):
    store.put([made()])
    place = store_root if which == "root" else store_root / store.DATABASE
    if how == "0777":
        place.chmod(0o777)
    elif how == "a link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
    elif os.getuid() == 0:
        os.chown(place, 12345, 12345)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    before = (tmp_path / "elsewhere" if how == "a link" else place).stat().st_mtime_ns
    store._warned.clear()

    with pytest.warns(UserWarning, match=r"not used|others may write it"):
        assert store.load(KERNEL.id, numerics="reassociated").records == {}
    with pytest.warns(UserWarning, match="cannot be used as the store"):
        assert not store.save(made(created_s=5.0))
    assert (tmp_path / "elsewhere" if how == "a link" else place).stat().st_mtime_ns == before


@posix
@pytest.mark.skipif(not can_mount(), reason="mounts a small file system, which needs root")
def test_a_hot_journal_on_a_read_only_file_system_is_rolled_back_in_a_copy(tmp_path, store_root):
    store.put([made(created_s=1.0)])
    file = store_root / store.DATABASE / reader.DATABASE_FILE
    killed = (
        "import sqlite3, os, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=1'); c.execute('BEGIN IMMEDIATE')\n"
        "c.execute(\"UPDATE Cache SET value = 'half'\")\n"
        "rows = [(str(i), 'x' * 9999) for i in range(99)]\n"
        "c.executemany('INSERT INTO Cache (key, raw, value) VALUES (?, 1, ?)', rows)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, str(file)], check=False)
    program = (
        "from autotune.store import store\n"
        f"found = store.load({KERNEL.id!r}, numerics='reassociated').records\n"
        "print([r.provenance.created_s for r in found.values()])"
    )
    script = f'mount --bind {store_root} {store_root} && mount -o remount,ro,bind {store_root} && exec "$@"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", sys.executable, "-W", "error", "-c", program],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout == "[1.0]\n", done.stderr
    assert file.with_name("cache.db-journal").exists(), "nobody else may have rolled it back"
    assert store.load(KERNEL.id, numerics="reassociated").records[KEY].provenance.created_s == 1.0


def test_a_writer_that_holds_the_database_makes_nobody_wait(store_root):
    import sqlite3
    import time

    store.put([made(created_s=1.0)])
    file = store_root / store.DATABASE / reader.DATABASE_FILE
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA cache_size=1")
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("UPDATE Cache SET value = 'half'")
    writer.executemany(
        "INSERT INTO Cache (key, raw, value) VALUES (?, 1, ?)", [(str(i), "x" * 9999) for i in range(99)]
    )
    started = time.monotonic()
    found = store.load(KERNEL.id, numerics="reassociated").records
    took_s = time.monotonic() - started
    writer.execute("ROLLBACK")
    writer.close()

    assert found[KEY].provenance.created_s == 1.0
    assert took_s < 0.3
