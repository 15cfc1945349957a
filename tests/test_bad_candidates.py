"""Every kind of bad candidate in one real calibration: each fails for its own reason, the good ones are tuned, and the
user's process is as before."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil

from autotune.machine import fingerprint
from autotune.measure.state import Snapshot
from autotune.measure.worker import Worker
from autotune.store import store
from autotune.store.record import leaves
from autotune.tuner import locate
from tests import bad_kernels

REASONS = bad_kernels.REASONS
#: A calibration with one candidate that hangs until its deadline, and time for the machine to be busy.
MOST_S = 240


def test_each_bad_candidate_fails_for_its_own_reason_and_the_process_is_as_before(capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.seterr(under="warn")
    with Worker() as worker:
        worker.start()  # the process that workers are forked from may stay
    module = locate.import_file(str(Path(bad_kernels.__file__)))
    before, children = Snapshot.take(), set(psutil.Process().children(recursive=True))
    started = time.monotonic()

    try:
        (record,) = module.running_mean.calibrate(effort="quick")
        took_s, changed = time.monotonic() - started, before.restore()
    finally:
        np.seterr(under="ignore")

    reasons = {str(failure.candidate): failure.reason for failure in record.variants.failures}
    expected = expected_here()
    assert reasons.keys() == expected.keys()
    assert {name: said for name, said in reasons.items() if expected[name] not in said} == {}
    assert len(set(reasons.values())) >= len(reasons) - 2  # two print; two change the directory
    assert took_s < MOST_S
    winners = {leaf.winner.variant for leaf in leaves(record.decision)}
    assert winners & {"one_pass", "in_place"}
    assert not winners & expected.keys()
    assert store.load_all() == [record]
    assert changed == {}
    assert {child for child in psutil.Process().children(recursive=True) if child.is_running()} <= children
    assert capfd.readouterr() == ("", "")


def expected_here() -> dict[str, str]:
    """The reasons that this machine can give: with one core nothing races, and there is no thread count to change."""
    single = ("races", "uses_one_thread", "limits_blas") if fingerprint().cores.count == 1 else ()
    return {name: reason for name, reason in REASONS.items() if name not in single}


PROMPT = """
import os, sys, warnings
import numpy as np
from autotune import tunable

@tunable(size={"n": "x.size"})
def twice(x):
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = 2 * x[i]
    return out

@twice.variant(kind="vectorized")
def good(x):
    return 2 * x

@twice.variant(kind="library")
def moves(x):
    os.chdir("/")
    return 2 * x

@twice.variant(kind="library")
def prints_much(x):
    print("x" * 100_000)
    return 2 * x

@twice.variant(kind="library")
def talks(x):
    print("hello")
    return 2 * x

@twice.variant(kind="library")
def exits(x):
    sys.exit(3)

@twice.variant(kind="library")
def ignores_errors(x):
    np.seterr(all="ignore")
    return 2 * x

@twice.variant(kind="library")
def draws(x):
    np.random.random()
    return 2 * x

@twice.variant(kind="library")
def takes_all_memory(x):
    np.ones(1 << 50)  # past any address space
    return 2 * x

here, errors, random_state = os.getcwd(), np.geterr(), np.random.get_state()[1].tolist()
twice(np.ones(200))
assert twice.cache_info().tuned == 1
assert (os.getcwd(), np.geterr(), np.random.get_state()[1].tolist()) == (here, errors, random_state)
"""


def test_first_use_in_the_users_own_process_refuses_what_changes_it_and_shows_nothing(run):
    """A script without a main guard, as a notebook: nothing can be tried elsewhere."""
    done = run(PROMPT, AUTOTUNE_MODE="first-use", AUTOTUNE_BUDGET="30")
    (record,) = store.load_all()
    reasons = {failure.candidate.variant: failure.reason for failure in record.variants.failures}

    assert reasons.keys() == {"moves", "prints_much", "exits", "ignores_errors", "draws", "takes_all_memory"}
    assert "changes the working directory to /; a variant may not" in reasons["moves"]
    assert "prints more than 64 KiB in one call; a variant may not" in reasons["prints_much"]
    assert "raises SystemExit: 3" in reasons["exits"]
    assert "changes NumPy's error state (np.seterr)" in reasons["ignores_errors"]
    assert "changes NumPy's global random state" in reasons["draws"]
    assert "needs more memory than there is for a candidate" in reasons["takes_all_memory"]
    assert (done.stdout, done.stderr) == ("", "")
