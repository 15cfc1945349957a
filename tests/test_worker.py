"""The isolated process: it can die, hang, print and spoil itself, and the parent goes on unchanged.

Everything holds for both ways of starting it: as a new Python, and forked from the server.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import psutil
import pytest

from autotune.errors import WorkerError
from autotune.measure import child, forkserver, forkserver_main
from autotune.measure.worker import Lost, Worker

LINUX = sys.platform == "linux"
only_linux = pytest.mark.skipif(not LINUX, reason="needs fork and limits as Linux has them")


@pytest.fixture(params=[False, pytest.param(True, marks=only_linux)], ids=["new Python", "forked"])
def new(request):
    """Makes workers that are started one way or the other."""
    made = []

    def worker(**options) -> Worker:
        made.append(Worker(fork=request.param, **options))
        return made[-1]

    yield worker
    assert all(one.fork == request.param for one in made), "the server refused to fork"


@pytest.fixture
def results(new):
    def run(entry: str, **job):
        with new() as worker:
            return list(worker.run(f"tests.worker_jobs:{entry}", job))

    return run


def gone(pid: int, within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def test_a_job_answers_and_tells_events_on_its_way(results):
    assert results("echo", value=[1, "a", None]) == [{"progress": 1}, {"result": [1, "a", None]}]


def test_one_worker_runs_many_jobs(new):
    with new() as worker:
        pids = [list(worker.run("tests.worker_jobs:pid", {}))[-1]["result"] for _ in range(3)]

    assert len(set(pids)) == 1
    assert pids[0] != os.getpid()


def test_a_job_that_raises_is_told_and_the_worker_lives(new):
    with new() as worker:
        (first,) = worker.run("tests.worker_jobs:fail", {})
        (second,) = worker.run("tests.worker_jobs:no_such_entry", {})
        (third,) = worker.run("tests.worker_jobs:exit_python", {})
        *_, fourth = worker.run("tests.worker_jobs:echo", {"value": 1})

    assert first == {"error": "on purpose", "type": "ValueError"}
    assert "no_such_entry" in second["error"]
    assert third == {"error": "3", "type": "SystemExit"}
    assert fourth == {"result": 1}


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
def test_a_lost_worker_says_how_and_at_which_step(results, entry, reason):
    lost = results(entry)[-1]

    assert isinstance(lost, Lost)
    assert lost.step["step"] == "try"
    assert lost.step["candidate"] == entry
    assert reason in lost.reason


def test_after_a_loss_the_next_job_gets_a_new_worker(new):
    with new() as worker:
        list(worker.run("tests.worker_jobs:abort", {}))
        assert list(worker.run("tests.worker_jobs:echo", {"value": 2}))[-1] == {"result": 2}


def test_output_is_discarded(results, capfd):
    assert results("print_much")[-1] == {"result": "done"}
    assert capfd.readouterr() == ("", "")


@only_linux
def test_what_is_printed_is_counted_and_raw_output_is_bounded(results):
    said = results("count_output")[-1]["result"]

    assert said["python"] == 5
    assert said["raw"] == 3
    assert said["library"] == 4
    assert said["beyond"] == "PermissionError"
    assert said["after"] == 0


@only_linux
def test_memory_is_limited(results):
    assert results("allocate", bytes=child.EXTRA_MEMORY_BYTES + (1 << 30))[-1] == {"result": "MemoryError"}


def test_what_a_job_spoils_stays_in_the_worker(results):
    before = (os.getcwd(), os.environ.get("SPOILED"))
    results("spoil")
    where, spoiled = results("where")[-1]["result"]

    assert (os.getcwd(), os.environ.get("SPOILED")) == before
    assert (where, spoiled) == before


def test_a_worker_has_the_environment_and_directory_of_this_moment(results, tmp_path, monkeypatch):
    results("where")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPOILED", "later")
    (tmp_path / "job_written_later.py").write_text("def answer(job, emit): return 42\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert results("where")[-1]["result"] == [str(tmp_path), "later"]
    with Worker() as worker:
        assert list(worker.run("job_written_later:answer", {})) == [{"result": 42}]


def test_nothing_is_left_behind(new, results):
    mine = psutil.Process()
    with new() as worker:
        worker.start()  # the server, which may stay
    before = {child.pid for child in mine.children(recursive=True)}
    started = [
        results(how)[0]["progress"] for how in ("start_a_child", "start_a_child_and_hang", "start_a_child_and_die")
    ]

    assert all(map(gone, started))
    deadline = time.monotonic() + 10
    while {c.pid for c in mine.children(recursive=True)} - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert {c.pid for c in mine.children(recursive=True)} <= before


@only_linux
@pytest.mark.parametrize("fork", [False, True], ids=["new Python", "forked"])
def test_a_worker_goes_with_its_parent(tmp_path, fork):
    script = f"""
        import os, time
        from autotune.measure import forkserver
        from autotune.measure.worker import Worker
        w = Worker(fork={fork})
        events = w.run('tests.worker_jobs:start_a_child_and_hang', {{}})
        print(next(events)["progress"], flush=True)
        print(w._process.pid, forkserver._server.popen.pid if {fork} else w._process.pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    ) as parent:  # fmt: skip
        grandchild = int(parent.stdout.readline())
        pids = [int(text) for text in parent.stdout.readline().split()]
        assert all(map(psutil.pid_exists, pids))
        parent.kill()
        parent.wait()
        assert all(map(gone, pids))
        if fork:  # the server ends the whole group; a new Python is ended by the system, alone
            assert gone(grandchild)
        elif psutil.pid_exists(grandchild):
            os.kill(grandchild, signal.SIGKILL)


@only_linux
def test_a_worker_that_is_forgotten_ends():
    worker = Worker()
    pid = pid_and_parent(worker)[0]
    del worker._process

    assert gone(pid)


def test_a_python_without_an_executable_is_told(new, monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(WorkerError, match="this Python is embedded"):
        new().start()


def test_a_python_that_cannot_be_started_is_told(new, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(WorkerError, match="cannot start a worker with /no/such/python"):
        new().start()


# -- the server


def pid_and_parent(worker: Worker) -> tuple[int, int]:
    (answer,) = worker.run("tests.worker_jobs:pid_and_parent", {})
    return tuple(answer["result"])


@only_linux
def test_forked_workers_are_children_of_one_server_that_has_the_modules_imported():
    with Worker(preload=("numba",)) as one, Worker(preload=("numba",)) as other:
        (first, parent), (second, same) = pid_and_parent(one), pid_and_parent(other)
        (loaded,) = one.run("tests.worker_jobs:is_loaded", {"module": "numba"})

    assert first != second
    assert parent == same == forkserver._server.popen.pid
    assert loaded == {"result": True}


@only_linux
def test_a_forked_worker_computes_with_all_threads():
    """OpenBLAS ends its pool before a fork and starts it anew; Numba's layer is first started in the worker."""
    with Worker(preload=("numba",)) as worker:
        for _ in range(2):
            *_, answer = worker.run("tests.worker_jobs:compute_in_parallel", {})
            assert answer == {"result": [True, True]}


@only_linux
def test_twenty_crashes_in_a_row_cost_the_server_nothing():
    with Worker() as worker:
        server = pid_and_parent(worker)[1]
        files = psutil.Process(server).num_fds()
        own = psutil.Process().num_fds()
        for _ in range(20):
            lost = list(worker.run("tests.worker_jobs:segfault", {}))[-1]
            assert isinstance(lost, Lost)
            assert lost.reason == "was killed by SIGSEGV"
        assert pid_and_parent(worker)[1] == server
        assert psutil.Process(server).num_fds() == files
        assert psutil.Process().num_fds() == own
    assert psutil.Process(server).children() == []


@only_linux
def test_a_killed_server_takes_its_workers_along_and_is_replaced():
    with Worker() as worker:
        pid, server = pid_and_parent(worker)
        os.kill(server, signal.SIGKILL)
        assert gone(pid)
        lost = list(worker.run("tests.worker_jobs:echo", {"value": 1}))
        again, other = pid_and_parent(worker)

    assert lost[-1] == {"result": 1}
    assert again != pid
    assert other != server


@only_linux
def test_a_server_that_is_stopped_or_broken_is_given_up_for_a_new_python(monkeypatch):
    monkeypatch.setattr(forkserver, "ANSWER_DEADLINE_S", 0.2)
    monkeypatch.setattr(forkserver, "END_DEADLINE_S", 0.2)
    forkserver.shut_down()
    start = forkserver._Server.start

    def stopped(environ):
        server = start(environ)
        server.popen.send_signal(signal.SIGSTOP)
        return server

    monkeypatch.setattr(forkserver._Server, "start", stopped)
    with Worker() as worker:
        assert pid_and_parent(worker)[1] == os.getpid()
        assert not worker.fork


@only_linux
def test_other_settings_get_another_server_and_the_old_one_ends_with_its_workers(monkeypatch):
    with Worker() as one:
        _, old = pid_and_parent(one)
        monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
        with Worker() as other:
            _, new = pid_and_parent(other)
            assert list(one.run("tests.worker_jobs:echo", {"value": 1}))[-1] == {"result": 1}

    assert old != new
    assert gone(old)
    forkserver.shut_down()
    assert gone(new)


@only_linux
def test_a_forked_child_of_the_user_has_a_server_of_its_own(run):
    text = """
        import os, sys
        from autotune.measure.worker import Worker
        def parent_of_worker():
            with Worker() as w:
                return list(w.run("tests.worker_jobs:pid_and_parent", {}))[-1]["result"][1]
        first = parent_of_worker()
        child = os.fork()
        if child == 0:
            other = parent_of_worker()
            from autotune.measure import forkserver
            forkserver.shut_down()
            os._exit(0 if other != first else 3)
        status = os.waitpid(child, 0)[1]
        print(status, parent_of_worker() == first)
    """
    root = os.path.dirname(os.path.dirname(__file__))

    assert run(textwrap.dedent(text), PYTHONPATH=root).stdout == "0 True\n"


@only_linux
def test_a_process_with_threads_does_not_fork():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert forkserver_main.unsafe() == "Python threads are running"
    finally:
        stop.set()
        thread.join()


@only_linux
def test_a_server_whose_modules_start_threads_refuses_and_a_new_python_is_started(tmp_path, monkeypatch):
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    with Worker(preload=("starts_a_thread",)) as worker:
        assert pid_and_parent(worker)[1] == os.getpid()
        assert not worker.fork
    forkserver.shut_down()


@only_linux
def test_an_idle_server_ends(monkeypatch):
    """The server's own loop, in this process, with a short patience."""
    monkeypatch.setattr(forkserver_main, "IDLE_S", 0.1)
    ours, theirs = socket.socketpair()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGCHLD, signal.SIGTERM)}
    with ours, theirs:
        server = forkserver_main.Server(theirs, os.getppid())
        try:
            server.run()
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            for file in server._own[1:]:
                os.close(file)

    assert server.children == {}
