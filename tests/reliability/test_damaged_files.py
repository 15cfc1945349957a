"""Files that are damaged in every way: what is sound of them is used, nothing of the rest, and nobody notices."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from autotune.compile import code_cache
from autotune.store import reader, store
from autotune.store.record import encode
from tests.reliability.made_records import KERNEL, made, marked, pages_of
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

RECORDS = 40
PAGE = 4096
MOST_LOAD_S = 0.05


def flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def flip_in_the_header(content: bytearray, rng: random.Random) -> None:
    content[rng.randrange(200)] ^= 1 << rng.randrange(8)


def truncate(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content)) :]


def swap_pages(content: bytearray, rng: random.Random) -> None:
    first, second = (rng.randrange(len(content) // PAGE) * PAGE for _ in "ab")
    content[first : first + PAGE], content[second : second + PAGE] = (
        content[second : second + PAGE],
        content[first : first + PAGE],
    )


def zero_pages(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 3))):
        start = rng.randrange(len(content) // PAGE) * PAGE
        content[start : start + PAGE] = bytes(PAGE)


def junk_pages(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content) // PAGE) * PAGE
    content[start : start + PAGE] = rng.randbytes(PAGE)


def junk(content: bytearray, rng: random.Random) -> None:
    content[:] = rng.randbytes(rng.randrange(90_000))


DAMAGES: list[Callable[[bytearray, random.Random], None]] = [
    flip, flip_in_the_header, truncate, swap_pages, zero_pages, junk_pages, junk,
]  # fmt: skip


def sound_numbers(before: bytes, after: bytes) -> set[int]:
    """The numbers of the records of which no page was touched."""
    return {
        number
        for number, pages in pages_of(before).items()
        if all(before[start : start + PAGE] == after[start : start + PAGE] for start in pages)
    }


def number_of(kernel: str) -> int:
    return int(re.fullmatch(r"other:k(\d{4})", kernel).group(1))


@row("damaged stores: loaded, and written to", tries=1000)
def damaged_stores(tries: int, seed: int = 1) -> Outcome:
    rng = random.Random(seed)
    faults = lost = wrong = 0
    slowest_s = 0.0
    with own_store() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        originals = {number: marked(number, rng) for number in range(RECORDS)}
        texts = {number: encode(record) for number, record in originals.items()}
        store.put([*originals.values(), made()])
        file = folder / "store" / store.DATABASE / reader.DATABASE_FILE
        whole = file.read_bytes()
        assert set(pages_of(whole)) == set(originals)
        for attempt in range(tries):
            content = bytearray(whole)
            damage = DAMAGES[attempt % len(DAMAGES)]
            damage(content, rng)
            file.write_bytes(bytes(content))
            kept = {texts[number] for number in sound_numbers(whole, bytes(content))}
            started = time.perf_counter()
            store.load(KERNEL.id, numerics="reassociated")
            slowest_s = max(slowest_s, time.perf_counter() - started)
            loaded = {encode(found) for found in store.load_all() if found.kernel != KERNEL.id}
            wrong += len(loaded - set(texts.values()))
            lost += len(kept - loaded)
            if attempt % 4 == 0:  # and the store goes on
                store.put([made(created_s=float(attempt))])
                after = store.load_all()
                faults += store.load(KERNEL.id, numerics="reassociated").records.popitem()[1] != made(
                    created_s=float(attempt)
                )
                lost += len(kept - {encode(found) for found in after})
                for leftover in file.parent.iterdir():
                    leftover.unlink()
    faults += slowest_s > MOST_LOAD_S
    return Outcome(tries, faults, lost, wrong, f"slowest load {slowest_s * 1e3:.1f} ms, limit {MOST_LOAD_S * 1e3:.0f}")


def test_damaged_stores_keep_their_sound_rows_and_give_no_wrong_one():
    found = damaged_stores(42, seed=2)

    assert (found.lost, found.wrong) == (0, 0)
    assert found.tries == 42


@row("damaged files of compiled code: never given to Numba", tries=1000)
def damaged_code(tries: int, seed: int = 1) -> Outcome:
    rng = random.Random(seed)
    wrong = 0
    with own_store() as folder:
        file = folder / "a.code"
        payload = rng.randbytes(20_000)
        code_cache.write_checked(file, payload)
        whole = file.read_bytes()
        for attempt in range(tries):
            content = bytearray(whole)
            DAMAGES[attempt % len(DAMAGES)](content, rng)
            file.write_bytes(bytes(content))
            wrong += bytes(content) != whole and code_cache.read_checked(file) is not None
    return Outcome(tries, wrong=wrong)


def test_damaged_code_is_never_given_to_numba():
    assert damaged_code(100).sound


PROGRAM = """
import sys, time
import numpy as np
from autotune import tunable
from autotune.compile import build
from autotune.kernel.model import Candidate
from autotune.kernel.signature import signature_of

@tunable(size={"n": "x.size"})
def total(x): return x.sum()

@total.variant(kind="scalar", jit=True)
def loop(x):
    found = 0.0
    for i in range(x.size): found += x[i]
    return found

kernel = total.__autotune__.kernel
x = np.arange(5.0)
made = build.load(kernel, Candidate("loop", ()), signature_of(kernel, kernel.bind(x)))
print("right", made(x) == 10.0, "loaded", sum(made.stats.cache_hits.values()))
"""


@pytest.mark.parametrize(
    "damage", ["flip", *(pytest.param(name, marks=pytest.mark.soak) for name in ("truncate", "another's", "link"))]
)
def test_damaged_compiled_code_means_compiling_again(run, tmp_path, store_root, damage):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    first = run(program).stdout
    (file,) = (store_root / "code").glob("*/*.code")
    content = file.read_bytes()
    if damage == "flip":
        file.write_bytes(content[:999] + bytes((content[999] ^ 1,)) + content[1000:])
    elif damage == "truncate":
        file.write_bytes(content[:-100])
    elif damage == "another's":
        file.write_bytes(b"\0" * 32 + content[32:])
    else:
        file.rename(tmp_path / "elsewhere.code")
        Path(file).symlink_to(tmp_path / "elsewhere.code")
    second, third = run(program).stdout, run(program).stdout

    assert [first, second, third] == ["right True loaded 0\n", "right True loaded 0\n", "right True loaded 1\n"]


def test_rows_that_an_inner_page_hides_are_found_without_an_error_of_sqlite(store_root):
    """The number of branches on an inner page is lowered by one: SQLite walks the rest and says nothing."""
    rng = random.Random(3)
    originals = [marked(number, rng) for number in range(RECORDS)]
    store.put(originals)
    file = store_root / store.DATABASE / reader.DATABASE_FILE
    content = bytearray(file.read_bytes())
    inner = [start for start in range(PAGE, len(content), PAGE) if content[start] == 0x05]  # file format, 1.6
    assert inner, "so few records need no inner page"
    content[inner[0] + 4] -= 1
    file.write_bytes(bytes(content))

    with pytest.warns(UserWarning, match="it does not hold as many rows as it says"):
        assert {encode(found) for found in store.load_all()} == set(map(encode, originals))


#: Damages a store, has a process write to it that is killed at a random moment, and counts what is still there.
MENDING = """
import json, os, random, signal, sys, time, warnings
from autotune.store import reader, store
from autotune.store.record import encode
from tests.reliability.made_records import made, marked
warnings.simplefilter("ignore")
rng = random.Random(int(sys.argv[2]))
originals = [marked(number, rng) for number in range(5)]
texts = set(map(encode, originals))
store.put(originals)
file = store.root() / store.DATABASE / reader.DATABASE_FILE
damaged = bytearray(file.read_bytes())
damaged[:100] = rng.randbytes(100)
lost = unmended = killed = longest = 0
for attempt in range(int(sys.argv[1])):
    for other in file.parent.iterdir():
        other.unlink()
    file.write_bytes(bytes(damaged))
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        store.put([made()])
        os._exit(0)
    if attempt:
        time.sleep(rng.uniform(0.0, longest))
        os.kill(child, signal.SIGKILL)
    killed += os.waitpid(child, 0)[1] != 0
    longest = longest or time.monotonic() - started
    lost += len(texts - {encode(found) for found in store.load_all()})
    store.put([made()])
    unmended += {encode(found) for found in store.load_all()} != {*texts, encode(made())}
print(json.dumps([lost, unmended, killed]))
"""


@row("damaged stores: killed while they are made anew", tries=300)
def killed_mending(tries: int, seed: int = 1) -> Outcome:
    with own_store():
        command = [sys.executable, "-c", MENDING, str(tries), str(seed)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    lost, unmended, killed = json.loads(done.stdout)
    return Outcome(tries, unmended, lost, note=f"{killed} were killed before they were done")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks this process, which Windows cannot")
def test_who_is_killed_while_mending_leaves_the_sound_rows_where_they_were():
    found = killed_mending(30)

    assert found.sound, found
