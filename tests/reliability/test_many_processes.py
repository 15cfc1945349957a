"""Many processes at once: one tunes, the others lose no time, nobody who must not write does, and all are right."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import textwrap
import time
from pathlib import Path

from autotune.store import reader, shipped, store
from tests.programs import KERNEL
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

MOST_LOSS_S, MOST_LOAD_S = 0.05, 0.01
#: Imports, waits until all are ready, and calls the kernel once; what that cost in time of the processor, because the
#: processes by far outnumber the processors.
PROGRAM = KERNEL + textwrap.dedent("""
    import json, os, pathlib
    from autotune.machine import fingerprint
    from autotune.store import reader, store
    x = np.random.default_rng(0).standard_normal(2000)
    fingerprint()
    print("ready", flush=True)
    while not pathlib.Path(sys.argv[1]).exists():
        time.sleep(0.002)
    about = {}
    started, began = time.perf_counter(), time.process_time()
    if "load" in sys.argv:
        store.load("program:rms", numerics="reassociated")
        about["load_s"], about["load_cpu_s"] = time.perf_counter() - started, time.process_time() - began
    else:
        first = rms(x)
        about["call_s"], about["call_cpu_s"] = time.perf_counter() - started, time.process_time() - began
    result = rms(x)
    about |= {"right": bool(abs(result - rms.reference(x)) < 1e-12), "tuned": rms.cache_info().tuned}
    print(json.dumps({**about, "source": rms.decision(x).source}))
""")


def at_once(folder: Path, environs: list[dict[str, str]], *arguments: str) -> list[dict[str, object]]:
    """What each of many processes says that call the kernel at the same moment; each has its own environment."""
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    program, go = folder / "program.py", folder / f"go{time.monotonic_ns()}"
    program.write_text(PROGRAM)
    processes = [
        subprocess.Popen(
            [sys.executable, str(program), str(go), *arguments], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "30", **bytecode, **environ},
        )
        for environ in environs
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    go.touch()
    return [json.loads(process.communicate(timeout=300)[0].splitlines()[-1]) for process in processes]


@row("processes that meet an untuned kernel at once: one tunes", tries=64)
def stampede(tries: int) -> Outcome:
    with own_store() as folder:
        at_once(folder, [{"AUTOTUNE_MODE": "use"}])  # compiles Python's bytecode, as installing does
        found = at_once(folder, [{}] * tries)
        records = len(store.load_all())
    tuners = [about for about in found if about["tuned"]]
    losses = sorted(about["call_cpu_s"] for about in found if about not in tuners) or [0.0]
    faults = (len(tuners) != 1) + (records != 1) + sum(loss > MOST_LOSS_S for loss in losses)
    wrong = sum(not about["right"] for about in found)
    note = (
        f"{len(tuners)} tuned; the others lost {statistics.median(losses) * 1e3:.1f} ms of processor time, "
        f"at most {losses[-1] * 1e3:.1f}, limit {MOST_LOSS_S * 1e3:.0f}"
    )
    return Outcome(tries, faults, wrong=wrong, note=note)


@row("processes that meet a full store at once: nobody tunes", tries=64)
def full_store(tries: int) -> Outcome:
    with own_store() as folder:
        at_once(folder, [{}])
        (bundle,) = Path(shipped.__file__).parents[2].glob("tuning_db/*-*-cores-*.json")
        store.put(shipped.read_bundle(bundle.read_bytes(), str(bundle)).records)
        file = folder / "store" / store.DATABASE / reader.DATABASE_FILE
        before = (file.read_bytes(), file.stat().st_mtime_ns)
        found = at_once(folder, [{}] * tries, "load")
        changed = before != (file.read_bytes(), file.stat().st_mtime_ns)
        size = file.stat().st_size
    loads = sorted(about["load_cpu_s"] for about in found)
    walls = sorted(about["load_s"] for about in found)
    faults = sum(about["tuned"] or about["source"] != "store" for about in found)
    faults += changed + sum(load > MOST_LOAD_S for load in loads)
    note = (
        f"load from {size / 1e6:.1f} MB: {statistics.median(loads) * 1e3:.1f} ms of processor time, at most "
        f"{loads[-1] * 1e3:.1f}, limit {MOST_LOAD_S * 1e3:.0f}; "
        f"{statistics.median(walls) * 1e3:.1f} ms by the clock, at most {walls[-1] * 1e3:.1f}"
    )
    return Outcome(tries, faults, wrong=sum(not about["right"] for about in found), note=note)


@row("processes with rank variables on one node: only rank 0 writes", tries=200)
def ranks(tries: int) -> Outcome:
    names = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")
    with own_store() as folder:
        others = [{names[rank % len(names)]: str(rank)} for rank in range(1, tries)]
        found = at_once(folder, others)
        early = (folder / "store").exists()
        tuned_early = sum(bool(about["tuned"]) for about in found)
        found += at_once(folder, [dict.fromkeys(names, "0")])
        records = len(store.load_all())
    faults = early + tuned_early + (found[-1]["tuned"] != 1) + (records != 1)
    return Outcome(tries, faults, wrong=sum(not about["right"] for about in found))


def test_of_many_processes_one_tunes_and_the_others_lose_no_time():
    found = stampede(8)

    assert found.sound, found


def test_a_full_store_is_read_by_all_and_written_by_none():
    found = full_store(8)

    assert found.sound, found


def test_only_rank_0_writes():
    found = ranks(5)

    assert found.sound, found
