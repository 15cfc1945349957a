"""Ctrl-C while a call is being tuned: the interrupt arrives, and the process, its streams and the store are sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from autotune.store import store
from tests.programs import KERNEL
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row

#: Interrupts the first call at a random moment of it, again and again, and looks around each time.
PROGRAM = KERNEL.replace(", jit=True", "") + textwrap.dedent("""
    import json, os, random, signal, tempfile, warnings
    from pathlib import Path
    from autotune.store import store
    from autotune.dispatch import learning, policy
    warnings.simplefilter("ignore")

    def interrupt(*about):
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    rng = random.Random(int(sys.argv[2]))
    x = np.random.default_rng(0).standard_normal(2000)
    expected = rms.reference(x)
    rms(x)
    rms.cache_clear(disk=True)
    started = time.monotonic()
    rms(x)  # everything is imported by now
    length_s = time.monotonic() - started
    counts = {"interrupted": 0, "faults": [], "wrong": 0, "unopened": 0}
    streams, directory, threads = (sys.stdout, sys.stderr), os.getcwd(), dict(np.geterr())
    descriptors = None
    for attempt in range(int(sys.argv[1])):
        rms.cache_clear(disk=True)
        learning.spending.spent_s = 0.0
        try:
            signal.setitimer(signal.ITIMER_REAL, rng.uniform(1e-4, length_s))
            result = rms(x)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            counts["interrupted"] += 1
            result = rms(x)
        counts["wrong"] += not abs(result - expected) < 1e-12 or not abs(rms(x) - expected) < 1e-12
        with store.kernel_lock(rms.__autotune__.kernel.id) as free:
            found = {
                "the lock is held": not free, "streams": (sys.stdout, sys.stderr) != streams,
                "directory": os.getcwd() != directory, "error state": dict(np.geterr()) != threads,
                "still tuning": policy.is_tuning(),
                "leftover": any(Path(tempfile.gettempdir()).glob("autotune-*")),
            }
        counts["faults"] += [name for name, there in found.items() if there]
        counts["unopened"] += len(store.load_all()) > 1
        open_now = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        if attempt == 5:
            descriptors = open_now
    counts["grown"] = open_now - (descriptors or open_now)
    print(json.dumps(counts))
""")


@row("first uses that are interrupted at random moments (Ctrl-C)", tries=300)
def interrupted_calls(tries: int, seed: int = 1) -> Outcome:
    with own_store() as folder:
        program = folder / "program.py"
        program.write_text(PROGRAM)
        (folder / "tmp").mkdir()
        done = subprocess.run(
            [sys.executable, str(program), str(tries), str(seed)], capture_output=True, text=True, check=False,
            env={**os.environ, "AUTOTUNE_MODE": "first-use", "AUTOTUNE_BUDGET": "1", "TMPDIR": str(folder / "tmp")},
        )  # fmt: skip
        if done.returncode != 0:
            return Outcome(tries, faults=1, note=done.stderr[-300:])
        counts = json.loads(done.stdout.splitlines()[-1])
        store.load_all()
    # An interrupt between two instructions of Python may leave a descriptor open: 3 in 300 were seen.
    faults = len(counts["faults"]) + (counts["grown"] > max(3, counts["interrupted"] // 20))
    note = f"{counts['interrupted']} interrupted; descriptors {counts['grown']:+d}; {sorted(set(counts['faults']))}"
    return Outcome(tries, faults, counts["unopened"], counts["wrong"], note)


@pytest.mark.skipif(os.name != "posix", reason="interrupts itself by setitimer, which Windows does not have")
def test_a_first_use_that_is_interrupted_leaves_everything_sound():
    found = interrupted_calls(6, seed=2)

    assert found.sound, found
