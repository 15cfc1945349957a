"""Recording: what a program calls is in the workload, whatever becomes of the program; and nothing else changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import autotune
from autotune import WorkloadWarning, tunable
from autotune.errors import WorkloadError
from autotune.profile import files
from autotune.profile.calls import part, parts
from autotune.profile.calls import recorder as recorders
from autotune.profile.workload import Workload
from tests.conftest import ROOT
from tests.full_disk import no_room, posix
from tests.records import decide, leaf, split

KERNELS = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
import autotune
from autotune import tunable

@tunable(size={{"n": "x.size"}}, name="double")
def double(x):
    return x + x

@double.variant(kind="vectorized")
def twice(x):
    return 2 * x

def call(times, n=100):
    for _ in range(times):
        double(np.ones(n))
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a program that has the kernel `double`, and `call(times, n)`; where it is to be recorded to."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    (tmp_path / "calls.py").write_text(KERNELS)

    def write(source: str) -> Path:
        path = tmp_path / "program.py"
        path.write_text(f"from calls import *\n{textwrap.dedent(source)}")
        return path

    return write


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "workload.json"


def declared(name: str = "declared"):
    @tunable(size={"n": "x.size"}, name=name)
    def one(x):
        return x + 1

    @one.variant(kind="vectorized")
    def other(x):
        return 1 + x

    return one


def calls_of(workload: Workload, kernel: str = "double") -> dict[int, float]:
    """Calls by size of a kernel; its exact number of calls under -1."""
    found = {each.kernel.rpartition(":")[2]: each for each in workload.kernels}[kernel]
    sizes: dict[int, float] = {}
    for signature in found.signatures:
        for calls in signature.calls:
            sizes[calls.size.get("n", 0)] = sizes.get(calls.size.get("n", 0), 0.0) + calls.calls
    assert sum(sizes.values()) == pytest.approx(found.calls)
    return {-1: found.calls, **sizes}


def left_beside(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.glob(f"{target.name}.*"))


# -- what is recorded


def test_a_kernel_that_is_called_ten_times_is_recorded_exactly(target):
    one = declared()

    with autotune.recording(target) as recorded:
        for n in (3, 3, 3, 50, 50, 50, 50, 50, 50, 7000):
            one(np.ones(n))

    assert calls_of(recorded.workload, "declared") == {-1: 10, 3: 3, 50: 6, 7000: 1}
    assert recorded.workload == files.read(target)
    (kernel,) = recorded.workload.kernels
    (signature,) = kernel.signatures
    assert kernel.module == __name__
    assert signature.calls[0].sampled == signature.calls[0].calls
    assert {calls.argument_bytes for calls in signature.calls} == {24, 400, 56000}
    assert {calls.allocated_bytes for calls in signature.calls} == {24, 400, 56000}
    assert signature.calls[0].example["x"].shape == [signature.calls[0].size["n"]]


def test_calls_are_counted_exactly_and_by_size_however_few_are_looked_at():
    one = declared()
    small, large = np.ones(20_000), np.ones(50_000)

    with autotune.recording() as recorded:
        for index in range(10_000):
            one(large if index % 20 == 0 else small)

    assert calls_of(recorded.workload, "declared") == {-1: 10_000, 20_000: 9500, 50_000: 500}
    assert sum(calls.sampled for calls in recorded.workload.kernels[0].signatures[0].calls) < 1000


def test_calls_that_are_dense_are_counted_exactly_with_fewer_looks_still():
    one = declared()
    x = np.ones(100)

    with autotune.recording() as recorded:
        for _ in range(100_000):
            one(x)

    assert calls_of(recorded.workload, "declared") == {-1: 100_000, 100: pytest.approx(100_000)}
    assert recorded.workload.kernels[0].signatures[0].calls[0].sampled < 1000


def test_a_few_long_calls_among_very_many_short_ones_are_seen():
    one = declared()
    small, large = np.ones(10), np.ones(1_000_000)

    with autotune.recording() as recorded:
        for _ in range(80):
            for _ in range(4000):
                one(small)
            one(large)

    found = calls_of(recorded.workload, "declared")
    assert found[-1] == 80 * 4001
    assert found[1_000_000] == pytest.approx(80, abs=1)


def test_the_code_of_a_kernel_is_the_same_before_and_after_and_another_during():
    one = declared()
    decide(one, (np.ones(5),), split("n", 50, leaf("reference"), leaf("other")))
    one(np.ones(5))
    one(np.ones(100))
    before = one.__code__

    with autotune.recording():
        during = one.__code__
        one(np.ones(100))
    after = one.__code__

    assert (before.co_code, before.co_consts, before.co_names) == (after.co_code, after.co_consts, after.co_names)
    assert during.co_code != before.co_code


def test_results_and_errors_are_those_of_the_reference_while_recording():
    one = declared()
    x = np.arange(5.0)

    with autotune.recording() as recorded:
        assert (one(x) == x + 1).all()
        assert (one(x=x) == x + 1).all()
        with pytest.raises(TypeError, match="can only concatenate list") as raised:
            one([1])
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            one()

    assert raised.value.__context__ is None
    found = {signature.untuned: signature for kernel in recorded.workload.kernels for signature in kernel.signatures}
    assert found["x is a list, not exactly a numpy.ndarray"].calls[0].calls == 1


def test_every_kind_of_parameter_list_is_recorded_and_a_call_counted_once():
    @tunable(size={"n": "a.size"}, name="mean_of")
    def mean_of(a, axis=None, *, keepdims=False, where=True):
        return np.mean(a, axis=axis, keepdims=keepdims)

    @mean_of.variant(kind="vectorized")
    def whole(a):
        return np.sum(a) / a.size

    @tunable(size={"n": "x.size"}, name="all_of")
    def all_of(x, *rest, **more):
        return (x, rest, more)

    x = np.ones((4, 5))
    with autotune.recording() as recorded:
        for _ in range(3):
            assert mean_of(x) == 1
            assert mean_of(x, None, keepdims=False) == 1
            assert mean_of(x, keepdims=True).shape == (1, 1)
            assert mean_of(x, axis=0).shape == (5,)
            assert all_of(x, 1, 2, y=3)[1:] == ((1, 2), {"y": 3})

    assert calls_of(recorded.workload, "mean_of")[-1] == 12
    assert calls_of(recorded.workload, "all_of")[-1] == 3


def test_calls_that_tuning_makes_are_not_the_programs(monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "first-use")
    inner = tunable(lambda x: x + 1, size={"n": "x.size"}, name="inner")

    @tunable(size={"n": "x.size"}, name="outer")
    def outer(x):
        return inner(x)

    @outer.variant(kind="vectorized")
    def direct(x):
        return x + 1

    with autotune.recording() as recorded:
        inner(np.ones(500))
        outer(np.ones(500))

    assert outer.cache_info().tuned == 1
    assert calls_of(recorded.workload, "outer") == {-1: 1, 500: 1}
    found = next(each for each in recorded.workload.kernels if each.kernel.endswith(":inner"))
    assert found.calls <= 2
    assert found.total_s < 0.01


def test_what_tuning_starts_is_not_recorded(monkeypatch, target):
    from autotune.measure import worker

    started: dict[str, str] = {}
    monkeypatch.setattr(worker, "Spawned", started.update)
    monkeypatch.setenv("AUTOTUNE_RECORD", str(target))

    worker.Worker({"AUTOTUNE_MODE": "use"}, fork=False).start()

    assert started["AUTOTUNE_MODE"] == "use"
    assert "AUTOTUNE_RECORD" not in started


def test_arguments_that_cannot_be_looked_at_cost_the_look_and_not_the_call():
    class Odd(np.ndarray):
        @property
        def nbytes(self):
            raise RuntimeError("mine")

    one = declared()
    odd = np.ones(5).view(Odd)
    with autotune.recording() as recorded:
        with pytest.warns(WorkloadWarning, match=r"a call could not be looked at \(RuntimeError: mine\)"):
            first = one(odd)
        with warnings.catch_warnings(record=True) as again:
            warnings.simplefilter("always")
            second = one(odd)
        one(np.ones(7))

    assert (first == 2).all()
    assert (second == 2).all()
    assert again == []
    assert recorded.workload.kernels[0].calls == 3


def test_what_a_call_takes_beyond_its_variant_is_measured():
    one = declared()

    with autotune.recording() as recorded:
        one(np.ones(5))

    assert 1e-8 < recorded.workload.run.dispatch_s < 1e-5


def test_who_served_and_why_nobody_was_tuned_is_recorded():
    one, untouched = declared("tuned_one"), declared("untuned_one")
    decide(one, (np.ones(5),), split("n", 50, leaf("reference"), leaf("other")))

    with autotune.recording() as recorded:
        for n in (5, 100):
            one(np.ones(n))
            untouched(np.ones(n))
        with one.force("other"):
            one(np.ones(5))

    found = {kernel.kernel.rpartition(":")[2]: kernel.signatures[0] for kernel in recorded.workload.kernels}
    assert {calls.size["n"]: calls.served for calls in found["tuned_one"].calls} == {
        5: {"reference": 1, "other": 1}, 100: {"other": 1},
    }  # fmt: skip
    assert found["tuned_one"].untuned == ""
    assert "under pytest" in found["untuned_one"].untuned or "recorded" in found["untuned_one"].untuned


def test_the_time_of_kernels_that_are_called_inside_is_told_apart():
    inner = declared("inner")

    @tunable(size={"n": "x.size"}, name="outer")
    def outer(x):
        time.sleep(0.01)
        for _ in range(5):
            slow(x)
        return inner(x)

    @tunable(size={"n": "x.size"}, name="slow")
    def slow(x):
        time.sleep(0.004)

    with autotune.recording() as recorded:
        outer(np.ones(10))
        outer(np.ones(10))

    found = {kernel.kernel.rpartition(":")[2]: kernel for kernel in recorded.workload.kernels}
    assert found["outer"].total_s == pytest.approx(found["outer"].self_s + found["slow"].total_s, rel=0.05)
    assert 0.02 <= found["outer"].self_s < found["outer"].total_s - 0.035
    assert found["slow"].self_s == pytest.approx(found["slow"].total_s)


def test_arguments_are_warm_where_the_call_before_touched_them_and_cold_where_they_are_new():
    again, stream = declared("again"), declared("stream")
    same = np.ones(1000)
    others = [np.ones(1000) for _ in range(20)]

    with autotune.recording() as recorded:
        for other in others:
            again(same)
            stream(other)

    found = {kernel.kernel.rpartition(":")[2]: kernel.signatures[0].calls[0] for kernel in recorded.workload.kernels}
    assert found["again"].warm == 1.0
    assert found["stream"].warm < 0.5


def test_workspace_that_a_kernel_takes_is_counted_as_allocated():
    @tunable(size={"n": "x.size"}, name="scratching")
    def scratching(x):
        scratch = autotune.workspace.take(1 << 20, np.uint8)
        autotune.workspace.give(scratch)
        return x.sum()

    with autotune.recording() as recorded:
        scratching(np.ones(10))

    assert recorded.workload.kernels[0].signatures[0].calls[0].allocated_bytes == (1 << 20) + 8


@pytest.fixture
def restless():
    """Threads that give way to each other much more often than they do by default."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def test_calls_of_many_threads_are_counted_exactly(restless):
    one = declared()
    x = np.ones(100)
    one(x)

    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        for _ in range(3000):
            one(x)

    with autotune.recording() as recorded:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert recorded.workload.kernels[0].calls == 12_000
    assert 1 <= recorded.workload.run.threads <= 4  # of the calls that were looked at


def test_a_recording_inside_another_is_a_part_of_it(tmp_path):
    one = declared()

    with autotune.recording(tmp_path / "outer.json") as outer:
        one(np.ones(5))
        with autotune.recording(tmp_path / "inner.json") as inner:
            one(np.ones(5))
            one(np.ones(6))
        one(np.ones(5))

    assert calls_of(inner.workload, "declared") == {-1: 2, 5: 1, 6: 1}
    assert calls_of(outer.workload, "declared") == {-1: 4, 5: 3, 6: 1}


def test_a_workload_that_was_not_begun_is_refused():
    with pytest.raises(WorkloadError, match="enter the context first"):
        _ = autotune.recording().workload


# -- what becomes of the program

ENDS = {
    "it ends": ("call(10)", 0),
    "it exits": ("call(10); sys.exit(3)", 3),
    "it raises": ("call(10); raise KeyError('mine')", 1),
    "it leaves at once": ("call(10); import os; os._exit(4)", 4),
    "it is killed": ("call(10); import os; os.kill(os.getpid(), 9)", -9),
    "it is terminated": ("call(10); import os, time; os.kill(os.getpid(), 15); time.sleep(9)", -15),
    "it is interrupted": ("call(10); import os, time; os.kill(os.getpid(), 2); time.sleep(9)", -2),
}


@pytest.mark.parametrize(("source", "code"), ENDS.values(), ids=ENDS)
def test_the_workload_so_far_is_kept_however_the_program_ends(program, target, run, source, code):
    done = run(program(source), check=False, AUTOTUNE_RECORD=str(target))

    assert done.returncode == code
    assert calls_of(files.read(target)) == {-1: 10, 100: 10}
    assert left_beside(target) == []


def test_an_error_of_the_program_looks_as_it_does_without_recording(program, target, run):
    path = program("def fail(x): raise ValueError('mine')\nbad = tunable(fail, name='bad', size={'n': 'x.size'})\n"
                   "call(1)\nbad(np.ones(3))")  # fmt: skip

    plain = run(path, check=False).stderr
    recorded = run(path, check=False, AUTOTUNE_RECORD=str(target)).stderr

    assert recorded.splitlines()[-1] == plain.splitlines()[-1] == "ValueError: mine"
    assert "During handling" not in recorded
    assert "profile" not in recorded
    assert calls_of(files.read(target), "bad")[-1] == 1


#: A program that forks three times; how its children end is put in.
FORKS = """
    import os
    call(1, 5)
    for _ in range(3):
        if os.fork() == 0:
            call(7)
            {}
    for _ in range(3): os.wait()
"""
CHILDREN = {
    "fork": FORKS.format("os._exit(0)"),
    "fork that exits": FORKS.format("sys.exit(0)"),
    "pool of forked workers, terminated": """
        import multiprocessing
        if __name__ == "__main__":
            call(1, 5)
            with multiprocessing.get_context("fork").Pool(2) as pool:
                pool.map(call, [7, 7, 7])
    """,
    "spawn": """
        import multiprocessing
        if __name__ == "__main__":
            call(1, 5)
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                pool.map(call, [7, 7, 7])
    """,
    "subprocess": """
        import subprocess
        call(1, 5)
        for times in (7, 14):
            subprocess.run([sys.executable, "-c", f"from calls import *; call({times})"], check=True)
    """,
    "subprocess in another directory, of a parent without kernels": """
        import os, subprocess
        os.environ["PYTHONPATH"] = os.getcwd()
        for times in (7, 14):
            subprocess.run([sys.executable, "-c", f"from calls import *; call({times})"], check=True)
        call(1, 5)
    """,
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("source", CHILDREN.values(), ids=CHILDREN)
def test_child_processes_are_recorded_and_put_together(program, target, run, source):
    run(program(source), AUTOTUNE_RECORD=str(target))

    workload = files.read(target)
    assert calls_of(workload) == {-1: 22, 5: 1, 100: 21}
    assert 2 <= workload.run.processes * workload.run.runs <= 4
    assert left_beside(target) == []


def test_a_child_that_is_killed_leaves_what_it_had(program, target, run):
    run(
        program("""
        import os
        pid = os.fork()
        if pid == 0:
            call(7)
            os.kill(os.getpid(), 9)
        os.waitpid(pid, 0)
        call(1, 5)
        """),
        AUTOTUNE_RECORD=str(target),
    )

    assert calls_of(files.read(target)) == {-1: 8, 5: 1, 100: 7}


def test_a_program_that_is_running_can_be_read(program, target, run):
    path = program("call(10); print('called', flush=True); sys.stdin.readline(); call(5)")
    with subprocess.Popen(
        [sys.executable, str(path)], env={**os.environ, "AUTOTUNE_RECORD": str(target)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        running.stdout.readline()

        while_running = calls_of(files.read(target))
        running.communicate("\n")

    assert while_running[-1] == 10
    assert calls_of(files.read(target))[-1] == 15


def test_programs_one_after_the_other_are_added_up_where_the_variable_is_set(program, target, run):
    path = program("call(10)")

    for _ in range(2):
        run(path, AUTOTUNE_RECORD=str(target))

    workload = files.read(target)
    assert (workload.kernels[0].calls, workload.run.runs) == (20, 2)


def test_a_context_makes_its_file_anew(target):
    one = declared()

    for times in (3, 5):
        with autotune.recording(target):
            for _ in range(times):
                one(np.ones(5))

    assert files.read(target).kernels[0].calls == 5


def test_sampling_is_not_seen_by_the_program(program, target, run):
    """Standard streams, arguments and the main module are the program's own."""
    path = program("print(sys.argv, __name__, __file__ == sys.argv[0], sys.stdin.read()); call(3)")

    done = subprocess.run(
        [sys.executable, str(path), "-x", "y"], env={**os.environ, "AUTOTUNE_RECORD": str(target)}, input="given",
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == f"{[str(path), '-x', 'y']} __main__ True given\n"
    assert done.stderr == ""


# -- what cannot be written or read


def test_a_directory_that_may_not_be_written_is_said_before_anything_runs(tmp_path):
    for path, reason in (
        (tmp_path, "is a directory; name a file in it"),
        (tmp_path / "none" / "w.json", "does not exist; make it"),
    ):
        with pytest.raises(WorkloadError, match=reason), autotune.recording(path):
            pytest.fail("it was entered")


def test_a_file_that_is_no_workload_is_not_overwritten(tmp_path):
    precious = tmp_path / "script.py"
    precious.write_text("print(1)")

    with (
        pytest.raises(WorkloadError, match="another file in its place, which is left as it is"),
        autotune.recording(precious),
    ):
        pytest.fail("it was entered")

    assert precious.read_text() == "print(1)"


def test_a_variable_that_cannot_be_obeyed_is_said_once_and_the_program_runs(program, tmp_path, run):
    done = run(program("call(5); tunable(lambda x: x, name='b', size={'n': 'x.size'})(np.ones(3)); print('ran')"),
               AUTOTUNE_RECORD=str(tmp_path / "none" / "w.json"))  # fmt: skip

    assert done.stdout == "ran\n"
    assert done.stderr.count("nothing is recorded") == 1
    assert "WorkloadWarning" in done.stderr


@posix
def test_a_disk_that_becomes_full_costs_the_part_and_not_the_program(target):
    one = declared()

    with autotune.recording(target):
        one(np.ones(5))
        with no_room():
            with pytest.warns(WorkloadWarning, match="cannot be written: File too large; it is recorded in memory"):
                one(np.ones(5))
            one(np.ones(5))

    assert files.read(target).kernels[0].calls == 3
    assert left_beside(target) == []


@posix
def test_a_disk_that_stays_full_is_an_error_of_the_recording(target):
    one, recorded = declared(), autotune.recording(target)
    with no_room():
        recorded.__enter__()
        with pytest.warns(WorkloadWarning, match="cannot be written: File too large"):
            one(np.ones(5))

        with pytest.raises(WorkloadError, match="could not be written: File too large"):
            recorded.__exit__(None, None, None)

    assert recorded.workload.kernels[0].calls == 1
    assert recorders.active is None
    with pytest.raises(WorkloadError, match="workload.json: cannot be read: No such file"):
        files.read(target)
    assert left_beside(target) == []


def test_damaged_parts_are_named_and_the_others_are_used(program, target, run):
    run(program("call(10); import os; os._exit(0)"), AUTOTUNE_RECORD=str(target))
    target.with_name("workload.json.abc.1-2.part").write_bytes(b"\x00\xff")
    good = next(path for path in target.parent.glob("workload.json.*.part") if ".abc." not in path.name)
    with good.open("ab") as file:
        file.write(b'["look",0,{"n":100},1e-6,1.0,"refer')  # killed while writing

    with pytest.warns(WorkloadWarning, match=r"workload.json.abc.1-2.part: this part of the workload is left out"):
        workload = files.read(target)

    assert workload.kernels[0].calls == 10
    assert left_beside(target) == ["workload.json.abc.1-2.part.damaged"]


def test_what_stands_before_a_damage_is_used(program, target, run):
    run(program("call(10); import os; os._exit(0)"), AUTOTUNE_RECORD=str(target))
    (left,) = target.parent.glob("workload.json.*.part")
    lines = left.read_bytes().split(b"\n")
    left.write_bytes(b"\n".join([*lines[:6], b'["look", "nonsense"]', *lines[6:]]))

    with pytest.warns(WorkloadWarning, match=r"line 7: what follows in this part is left out"):
        workload = files.read(target)

    assert 0 < workload.kernels[0].calls < 10


def test_a_part_that_is_no_part_is_told_from_one():
    with pytest.raises(ValueError, match="not a part of a workload: its format is 'x'"):
        part.decode_first(b'{"format": "x", "workload": {"format": "", "schema": 1, "run": {"command": [], '
                          b'"started_s": 0, "wall_s": 0}, "kernels": []}, "anew": true}')  # fmt: skip


def test_a_part_that_was_put_in_and_not_removed_is_not_put_in_twice(program, target, run, monkeypatch):
    run(program("call(10); import os; os._exit(0)"), AUTOTUNE_RECORD=str(target))
    kept = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: None)  # as if killed before
    files.read(target)
    monkeypatch.setattr(Path, "unlink", kept)

    assert files.read(target).kernels[0].calls == 10
    assert left_beside(target) == []


def test_a_part_written_anew_says_what_the_lines_said(target, monkeypatch):
    from autotune.profile.calls import writer

    monkeypatch.setattr(writer, "MOST_BYTES", 300)
    one = declared()
    run = recorders.Recorder(target, "abc", anew=True)
    run.start()
    try:
        for n in (5, 6, 7) * 10:
            one(np.ones(n))
        (left,) = target.parent.glob("workload.json.*.part")
        size = left.stat().st_size
        (read,) = parts._parts(target)
    finally:
        run.stop()

    assert calls_of(read.workload, "declared") == {-1: 30, 5: 10, 6: 10, 7: 10}
    assert size < 30_000
    assert not read.over


def test_signal_handlers_and_finalizers_that_call_kernels_do_not_stop_the_recording():
    one = declared()
    x = np.ones(10)

    def handler(number: int, frame: object) -> None:
        one(x)

    one(x)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        with autotune.recording() as recorded:
            signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
            for _ in range(20_000):
                one(x)
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert recorded.workload.kernels[0].calls > 20_000
