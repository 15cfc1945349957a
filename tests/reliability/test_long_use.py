"""Long use: threads, processes, saves and kills, again and again; nothing grows and the store is whole."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
import time

import pytest

from autotune.store import store
from tests.programs import KERNEL
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

#: May grow by so much between a tenth of the rounds and the last: what allocators keep.
MOST_GROWTH = 0.1
#: Calls from threads, forgets and reads the store again, saves; says after each tenth what it holds.
USER = KERNEL.replace(", jit=True", "") + textwrap.dedent("""
    import json, os, threading
    from autotune.store import store
    sizes = [np.random.default_rng(n).standard_normal(n) for n in (3, 100, 2000)]
    expected = [rms.reference(x) for x in sizes]
    wrong, rounds = [], int(sys.argv[1])
    def call():
        for x, right in zip(sizes, expected):
            for _ in range(20):
                if abs(rms(x) - right) > 1e-12: wrong.append(x.size)
    for round in range(rounds):
        call()
        threads = [threading.Thread(target=call) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        for record in store.load_all():
            if record.kernel.endswith(":rms"): store.save(record)
        rms.cache_clear()
        if round % max(1, rounds // 10) == 0 or round == rounds - 1:
            resident = int(open("/proc/self/statm").read().split()[1]) * 4096
            print(json.dumps([resident, len(os.listdir("/proc/self/fd")), len(wrong)]), flush=True)
""")
#: Saves as fast as it can, until it is killed.
SAVER = """
import itertools
from autotune.store import store
from tests.reliability.made_records import made
import msgspec
for number in itertools.count():
    store.save(msgspec.structs.replace(made(created_s=float(number)), kernel=f"saved:k{number % 20}"))
    print(number, flush=True)
"""


@row("long use: threads, saves, and writers that are killed", tries=300)
def long_use(tries: int) -> Outcome:
    rng = random.Random(1)
    kills = lost = 0
    with own_store() as folder:
        program = folder / "program.py"
        program.write_text(USER)
        environ = {**os.environ, "AUTOTUNE_MODE": "first-use", "PYTHONPATH": os.environ["PYTHONPATH"]}
        user = subprocess.Popen(
            [sys.executable, str(program), str(tries)], stdout=subprocess.PIPE, text=True, env=environ
        )
        while user.poll() is None:
            saver = subprocess.Popen([sys.executable, "-c", SAVER], stdout=subprocess.PIPE, text=True)
            assert saver.stdout is not None
            first = saver.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.5))
            saver.kill()
            said = [first, *saver.communicate()[0].splitlines()]
            kills += 1
            saved = {f"saved:k{int(number) % 20}" for number in said if number.strip().isdigit()}
            lost += len(saved - {record.kernel for record in store.load_all()})
        assert user.stdout is not None
        states = [json.loads(line) for line in user.stdout]
        user.stdout.close()
        damaged = list((folder / "store").rglob("*.damaged"))
    after, end = states[len(states) // 10 + 1], states[-1]
    grown = end[0] / after[0] - 1
    faults = (user.returncode != 0) + (grown > MOST_GROWTH) + (end[1] > after[1]) + len(damaged)
    note = f"{kills} writers killed; memory {grown:+.1%}, descriptors {after[1]} then {end[1]}"
    return Outcome(tries, faults, lost, end[2], note)


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory and descriptors in /proc, which only Linux has")
def test_long_use_neither_grows_nor_loses_anything():
    found = long_use(20)

    assert (found.faults, found.lost, found.wrong) == (0, 0, 0), found
