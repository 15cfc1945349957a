"""``autotune record``: the program runs as it does without, and what it calls is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autotune.cli import record_verb
from autotune.errors import WorkloadError
from autotune.profile import files
from tests.conftest import ROOT
from tests.full_disk import can_mount, on_disk, posix
from tests.test_recording import KERNELS, calls_of, left_beside
from tests.verbs import called


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run ``autotune record`` on a program that has the kernel `double`, and `call(times, n)`."""
    monkeypatch.setenv("AUTOTUNE_MODE", "use")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "calls.py").write_text(KERNELS)

    def start(source: str, *options: str, arguments: tuple[str, ...] = (), **more) -> subprocess.CompletedProcess[str]:
        (tmp_path / "program.py").write_text(f"from calls import *\n{source}")
        words = [sys.executable, "-m", "autotune", "record", *options]
        words += [] if "-m" in options else ["program.py"]
        return subprocess.run(
            [*words, *arguments], cwd=tmp_path, text=True, capture_output=True, check=False, timeout=60, **more
        )

    return start


def test_a_program_is_recorded_and_said_what_it_called(record, tmp_path):
    done = record("call(10); print('out', *sys.argv, sys.stdin.read())", arguments=("--json", "-o", "x"), input="in")

    assert (done.returncode, done.stdout) == (0, "out program.py --json -o x in\n")
    assert "autotune: 10 calls of 1 kernel(s)" in done.stderr
    assert "autotune report workload.json" in done.stderr
    workload = files.read(tmp_path / "workload.json")
    assert calls_of(workload) == {-1: 10, 100: 10}
    assert workload.run.command == ["program.py", "--json", "-o", "x"]
    assert workload.run.exit_code == 0
    assert workload.kernels[0].module == "calls"
    assert left_beside(tmp_path / "workload.json") == []


def test_a_module_is_run_with_all_that_follows_it(record, tmp_path):
    done = record("call(10); print(sys.argv[1:], __name__)", "-o", "w.json", "-m", "program", arguments=("-m", "-o"))

    assert done.stdout == "['-m', '-o'] __main__\n"
    assert files.read(tmp_path / "w.json").kernels[0].calls == 10


def test_a_kernel_of_the_program_itself_is_told_with_its_file(record, tmp_path):
    record("mine = tunable(lambda x: x, name='mine', size={'n': 'x.size'}); mine(np.ones(3))")

    assert files.read(tmp_path / "workload.json").kernels[0].module == str(tmp_path / "program.py")


@pytest.mark.parametrize(
    ("source", "code"),
    [("sys.exit(3)", 3), ("raise KeyError('mine')", 1), ("import os; os._exit(4)", 4),
     ("import os; os.kill(os.getpid(), 9)", 137)],
)  # fmt: skip
def test_the_exit_code_is_the_programs_own_and_the_workload_is_kept(record, tmp_path, source, code):
    done = record(f"call(10); {source}")

    assert done.returncode == code
    workload = files.read(tmp_path / "workload.json")
    assert (workload.kernels[0].calls, workload.run.exit_code) == (10, code)
    assert left_beside(tmp_path / "workload.json") == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_program_and_the_workload_is_kept(record, tmp_path, number, code):
    (tmp_path / "program.py").write_text("from calls import *\nimport time; call(10); print('called', flush=True); "
                                         "time.sleep(30)")  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "autotune", "record", "program.py"], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    ) as running:  # fmt: skip
        assert running.stdout is not None
        running.stdout.readline()
        os.kill(running.pid, number)
        running.communicate(timeout=30)

    assert running.returncode == code
    assert files.read(tmp_path / "workload.json").kernels[0].calls == 10


def test_what_is_recorded_again_is_made_anew_and_a_program_without_kernels_leaves_it(record, tmp_path):
    for times in (10, 4):
        record(f"call({times})")
    silent = record("pass")

    assert silent.returncode == 3
    assert "no kernel was called, so there is nothing to record" in silent.stderr
    assert files.read(tmp_path / "workload.json").kernels[0].calls == 4


def test_data_for_machines_come_last(record):
    done = record("call(10); print('out')", "--json")

    data = json.loads(done.stdout.removeprefix("out\n"))
    assert (data["exit_code"], data["kernels"][0]["calls"], data["file"]) == (0, 10, "workload.json")


@pytest.mark.parametrize(
    ("options", "said"),
    [((), "name a script, or a module with -m"), (("none.py",), "there is no file 'none.py'")],
)
def test_wrong_usage_is_said_before_anything_runs(tmp_path, options, said, run):
    done = subprocess.run([sys.executable, "-m", "autotune", "record", *options], cwd=tmp_path, text=True,
                          capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip

    assert done.returncode == 2
    assert said in done.stderr


def test_a_place_where_nothing_can_be_written_is_said_before_anything_runs(record, tmp_path):
    (tmp_path / "notes.txt").write_text("precious")

    for output, said in (
        ("none/w.json", "does not exist"), ("notes.txt", "another file in its place"), (os.devnull, "no regular file"),
    ):  # fmt: skip
        done = record("print('ran')", "-o", output)

        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr

    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_the_place_is_looked_at_by_the_command_itself(tmp_path):
    (tmp_path / "program.py").write_text("")

    with pytest.raises(WorkloadError, match="nothing can be recorded: the directory .* does not exist"):
        record_verb.command.main(
            ["-o", str(tmp_path / "none" / "w.json"), str(tmp_path / "program.py")], standalone_mode=False
        )


def test_a_workload_that_is_spoilt_meanwhile_is_said_and_nothing_is_lost(record, tmp_path):
    done = record("call(10); open('workload.json', 'w').write('mine')")

    assert done.returncode == 1
    assert "is no workload that can be read" in done.stderr
    (tmp_path / "workload.json").unlink()
    assert files.read(tmp_path / "workload.json").kernels[0].calls == 10


@posix
@pytest.mark.parametrize(("ends", "code"), [("pass", 1), ("sys.exit(5)", 5)])
def test_a_program_that_could_write_nothing_of_what_it_called_is_not_said_to_have_called_nothing(
    record, tmp_path, ends, code
):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))"

    done = record(f"{full}; call(10); print('out'); {ends}")

    assert (done.returncode, done.stdout) == (code, "out\n")
    assert "what was recorded could not be written: File too large; make room" in done.stderr
    assert "autotune: workload.json: what the program called could not be written; make room" in done.stderr
    assert "no kernel was called" not in done.stderr
    assert list(tmp_path.glob("workload.json*")) == []


def test_an_empty_part_tells_of_a_process_that_could_write_nothing(tmp_path):
    (tmp_path / "program.py").write_text(
        "import os, pathlib\n"
        "place = os.environ['AUTOTUNE_RECORD'], os.environ['AUTOTUNE_RECORD_RUN'], str(os.getpid()), 'part'\n"
        "pathlib.Path('.'.join(place)).touch()\n"
    )

    done = called("record", "-o", tmp_path / "w.json", tmp_path / "program.py", check=1)

    assert "w.json: what the program called could not be written; make room" in done.stderr
    assert [path.name for path in tmp_path.glob("w.json*")] == []


@posix
@pytest.mark.skipif(not can_mount(), reason="mounts a small file system, which needs root")
def test_a_full_file_system_is_said_and_the_program_runs(record, tmp_path):
    (tmp_path / "program.py").write_text("from calls import *\ncall(10)\nprint('out')")
    (place := tmp_path / "place").mkdir()
    command = [sys.executable, "-m", "autotune", "record", "-o", str(place / "w.json"), "program.py"]

    done = subprocess.run(
        on_disk(place, "64k", *command, first=f"head -c 1M /dev/zero > {place}/filler 2> /dev/null"),
        cwd=tmp_path, text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "out\n")
    assert "what was recorded could not be written: No space left on device" in done.stderr
    assert "what the program called could not be written" in done.stderr
    assert "no kernel was called" not in done.stderr
