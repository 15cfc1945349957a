"""The isolated process: it can die, hang, print and spoil itself, and the parent goes on unchanged."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from autotune.errors import WorkerError
from autotune.measure import worker as module
from autotune.measure.worker import Lost, Worker


def results(entry: str, **job):
    with Worker() as worker:
        return list(worker.run(f"tests.worker_jobs:{entry}", job))


def test_a_job_answers_and_tells_events_on_its_way():
    assert results("echo", value=[1, "a", None]) == [{"progress": 1}, {"result": [1, "a", None]}]


def test_one_worker_runs_many_jobs():
    with Worker() as worker:
        pids = [list(worker.run("tests.worker_jobs:pid", {}))[-1]["result"] for _ in range(3)]

    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()


def test_a_job_that_raises_is_told_and_the_worker_lives():
    with Worker() as worker:
        (first,) = worker.run("tests.worker_jobs:fail", {})
        (second,) = worker.run("tests.worker_jobs:no_such_entry", {})
        *_, third = worker.run("tests.worker_jobs:echo", {"value": 1})

    assert first == {"error": "on purpose", "type": "ValueError"}
    assert "no_such_entry" in second["error"]
    assert third == {"result": 1}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("segfault", "was killed by SIGSEGV"),
        ("abort", "was killed by SIGABRT"),
        ("leave", "ended the process with status 7"),
        ("hang", "took longer than 0.5 s"),
        ("hang_holding_the_gil", "took longer than 0.5 s"),
        ("close_everything", ""),
    ],
)
def test_a_lost_worker_says_how_and_at_which_step(entry, reason):
    lost = results(entry)[-1]

    assert isinstance(lost, Lost)
    assert lost.step["step"] == "try"
    assert lost.step["candidate"] == entry
    assert reason in lost.reason


def test_after_a_loss_the_next_job_gets_a_new_worker():
    with Worker() as worker:
        list(worker.run("tests.worker_jobs:abort", {}))
        assert list(worker.run("tests.worker_jobs:echo", {"value": 2}))[-1] == {"result": 2}


def test_output_is_discarded():
    assert results("print_much")[-1] == {"result": "done"}


def test_memory_is_limited():
    if sys.platform != "linux":
        return
    assert results("allocate", bytes=module.EXTRA_MEMORY_BYTES + (1 << 30))[-1] == {"result": "MemoryError"}


def test_what_a_job_spoils_stays_in_the_worker():
    before = (os.getcwd(), os.environ.get("SPOILED"))
    results("spoil")

    assert (os.getcwd(), os.environ.get("SPOILED")) == before


def test_nothing_is_left_behind():
    mine = psutil.Process()
    before = {child.pid for child in mine.children(recursive=True)}
    results("start_a_child")
    results("hang")
    deadline = time.monotonic() + 10
    while {c.pid for c in mine.children(recursive=True)} - before and time.monotonic() < deadline:
        time.sleep(0.02)

    assert {child.pid for child in mine.children(recursive=True)} == before


def test_a_worker_goes_with_its_parent(tmp_path):
    if sys.platform != "linux":
        return
    script = (
        "import sys, time\n"
        "from autotune.measure.worker import Worker\n"
        "w = Worker()\n"
        "print(list(w.run('tests.worker_jobs:pid', {}))[-1]['result'], flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
    ) as parent:
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 10
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie"


def test_a_python_without_an_executable_is_told(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(WorkerError, match="this Python is embedded"):
        Worker().start()


def test_a_python_that_cannot_be_started_is_told(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(WorkerError, match="cannot start a worker with /no/such/python"):
        Worker().start()
