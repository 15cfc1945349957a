"""`autotune compare`: real programs in real processes, with and without tuning."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from autotune import ProgramError
from autotune.cli.progress import Bar
from autotune.measure.regression import FEWEST_PAIRS
from autotune.profile.pairs import comparison, launch, scratch, temporary
from autotune.profile.pairs.comparison import Program, environment
from autotune.settings import as_environ
from tests.reliability.calibrating import family, left_of
from tests.verbs import called

#: What tells whether it is tuned, without the time that importing NumPy takes.
TUNED = "import os\ntuned = os.environ['AUTOTUNE_MODE'] != 'off'\n"
PROGRAM = '''
import sys
import numpy as np
from autotune import tunable

@tunable(size={"n": "x.size"})
def total(x):
    """Sum, slowly."""
    found = np.float64(0)
    for value in x:
        found += value
    return found

@total.variant(kind="vectorized")
def at_once(x):
    return np.sum(x)

def main():
    x = np.arange(float(sys.argv[1]))
    for _ in range(300):
        found = total(x)
    print("total", found)
    print("served by", total.decision(x).source != "none" and "a record" or "none", file=sys.stderr)
    np.save("found.npy", np.array([found]))

if __name__ == "__main__":
    main()
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUTOTUNE_MODE", "first-use")  # by name, so that a busy machine does not keep it from tuning
    return folder


def compare(*arguments, check=0):
    return called("compare", "--pairs", "3", *arguments, check=check)


def write(here, text, name="program.py"):
    (here / name).write_text(text)
    return name


def runs(here, *, text="", tolerance=1e-6, **options):
    """A comparison in this process."""
    name = write(here, text)
    program = Program([sys.executable, name], directory=here, **options)
    return comparison.compare(program, pairs=3, seed=1, tolerance=tolerance)


def test_a_tuned_program_is_faster_and_gives_the_same(here):
    write(here, PROGRAM)

    data = json.loads(compare("--json", "--seed", "7", "program.py", "20000").stdout)

    assert data["seed"] == 7
    assert data["mode"] == "use"
    assert data["pairs"] == 3 == len(data["seconds"]["off"]) == len(data["cpu_s"]["tuned"])
    assert 1 < data["low"] < data["speedup"] < data["high"]
    assert data["significant"]
    assert 0 < data["saved_s"] < max(data["seconds"]["off"])
    assert data["agrees"]
    assert (data["output"]["compared"], data["files"]["compared"]) == (1, 1)
    assert not data["nothing_recorded"]
    assert os.listdir(here) == ["program.py"]


def test_a_module_runs_as_python_m_does(here):
    write(here, "import sys; print(sys.argv[1:], __package__)", "module.py")

    text = compare("-m", "module", "--pairs", "x").stdout

    assert text.startswith("-m module --pairs x: 3 pairs")
    assert "1 of 1 lines agree" in text
    assert "(seed 2" in text
    assert "speed-up" in text
    assert "files written: none" in text


def test_the_counted_runs_never_tune(here):
    found = runs(here, text="import os; open('mode-' + os.environ['AUTOTUNE_MODE'], 'w')")

    assert found.mode == "use"
    names = {name for name, *_ in found.files.different}
    assert names == {"mode-off", "mode-first-use", "mode-use"}


def test_the_rules_on_when_not_to_tune_hold_where_no_mode_was_asked_for(here, monkeypatch):
    monkeypatch.delenv("AUTOTUNE_MODE")

    found = runs(here, text="import os; open('mode-' + os.environ.get('AUTOTUNE_MODE', 'default'), 'w')")

    assert {name for name, *_ in found.files.different} == {"mode-off", "mode-default", "mode-use"}


def test_a_terminal_shows_what_is_being_done(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with Bar(show=True) as bar:
        bar.tell("warming up", 0, 4)
        bar.tell("pair 1 of 2", 2, 4)

    assert "pair 1 of 2" in sys.stderr.getvalue()
    with Bar(show=False) as bar:
        bar.tell("hidden", 0, 4)
    assert "hidden" not in sys.stderr.getvalue()


def test_a_line_that_differs_with_tuning_alone_is_shown_and_fails(here):
    write(here, TUNED + "import random\nprint('sum', 1.5 + tuned)\nprint('drawn', random.random())\nprint('kept')")

    done = compare("program.py", check=1)

    assert "1 of 3 lines agree" in done.stdout
    assert "1 differ between runs without tuning too; 1 DIFFER with tuning" in done.stdout
    assert "line 1: numbers" in done.stdout
    assert "without  sum 1.5" in done.stdout
    assert "with     sum 2.5" in done.stdout


def test_files_that_differ_with_tuning_alone_are_named(here):
    (here / "data").mkdir()
    (here / "data" / "kept.txt").write_text("1 2 3")
    text = TUNED + (
        "open('data/kept.txt', 'a').write('4')\nopen('new.csv', 'w').write(f'{1.0 + tuned},{2.0}')\n"
        "open('same.csv', 'w').write(f'{1.0 + tuned * 1e-9},2.0')"
    )

    found = runs(here, text=text)

    assert found.files.compared == 3
    assert [(name, what) for name, what, *_ in found.files.different] == [
        ("new.csv", "1 of 1 lines, first line 1: numbers")
    ]
    assert found.files.largest == pytest.approx(1e-9)
    assert (here / "data" / "kept.txt").read_text() == "1 2 3"
    assert not (here / "new.csv").exists()


def test_in_place_a_program_runs_where_the_user_is(here):
    found = runs(here, text="import os; print(os.getcwd()); open('out.txt', 'w').write('1')", in_place=True)

    assert (here / "out.txt").read_text() == "1"
    assert found.files.compared == found.output.compared == 1
    assert found.agrees


def test_every_run_has_a_fresh_copy_without_histories_and_environments(here):
    for name in (".git", "venv", "store/db"):
        (here / name).mkdir(parents=True)
    (here / "venv" / "pyvenv.cfg").touch()
    (here / "store" / "db" / "cache.db").touch()
    (here / "link").symlink_to("../outside")
    (here / ".env").touch()
    text = "import os\nprint(sorted(os.listdir()), os.readlink('link'))\nopen('left', 'x')"

    write(here, text)
    with scratch.copied(here, here.parent) as place:
        assert sorted(os.listdir(place)) == [".env", "link", "program.py"]
        assert os.readlink(place / "link") == str(here.parent / "outside")
    assert not place.exists()
    assert runs(here, text=text).agrees


def test_the_settings_of_the_project_hold_in_the_copies(here, monkeypatch):
    monkeypatch.delenv("AUTOTUNE_DB")
    (here.parent / "pyproject.toml").write_text('[tool.autotune]\ndb = "store"\nbudget = 0.5\nlock = "my.lock"\n')
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["src", os.environ.get("PYTHONPATH", "/x")]))
    monkeypatch.setenv("AUTOTUNE_RECORD", "w.json")

    environ = environment(here)

    assert environ["AUTOTUNE_DB"] == str(here / "store")
    assert environ["AUTOTUNE_BUDGET"] == "0.5"
    assert environ["AUTOTUNE_LOCK"] == str(here.parent / "my.lock")
    assert environ["PYTHONPATH"].split(os.pathsep)[0] == str(here / "src")
    assert "AUTOTUNE_RECORD" not in environ
    assert as_environ(str(here), {"AUTOTUNE_DB": "/a"})["AUTOTUNE_DB"] == "/a"


def test_a_locked_project_is_compared_locked(here, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "locked")
    (here / "autotune.lock").touch()

    found = runs(here, text="")

    assert found.mode == "locked"


def test_a_budget_ends_after_the_pair_that_uses_it_up(here):
    write(here, "import time; time.sleep(0.05)")
    program = Program([sys.executable, "program.py"], directory=here)

    found = comparison.compare(program, pairs=50, budget_s=0.0, seed=1)

    assert found.pairs == FEWEST_PAIRS
    assert not found.significant or found.speedup.ratio == pytest.approx(1, abs=0.5)


def test_a_program_that_becomes_slower_is_told_why_that_may_be(here):
    write(here, TUNED + "import time\ntime.sleep(0.3 * tuned)")

    text = compare("program.py").stdout

    assert "significant: slower" in text
    assert "which a short program does not make up for" in text


def test_a_limit_that_is_surely_missed_fails(here):
    write(here, "")

    assert "the speed-up is below 50" in compare("--fail-below", "50", "program.py", check=1).stdout
    assert "nothing is recorded in the store" in compare("--fail-below", "0.01", "program.py").stdout


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("raise ValueError('no')", {}, r"ended with exit code 1 without tuning: ValueError: no\. .* add --in-place"),
        ("import sys; sys.exit(3)", {}, "ended with exit code 3 without tuning"),
        ("import os; os.kill(os.getpid(), 9)", {}, "was killed by SIGKILL without tuning"),
        ("import time; time.sleep(60)", {"timeout_s": 0.3}, r"did not end within 0 s without tuning"),
        (TUNED + "raise SystemExit(4 * tuned)", {}, "exit code 4 in mode first-use, and ended well without"),
        (TUNED + "while tuned: pass", {"timeout_s": 0.5}, "did not end within . s in mode first-use"),
        (TUNED + "import pathlib\nf = pathlib.Path('again')\nif not tuned and f.exists(): raise OSError('twice')\n"
         "f.touch()", {"in_place": True}, "without tuning, and ended well in its first run: OSError: twice"),
    ],
    ids=["raises", "exits", "killed", "hangs", "exits tuned", "hangs tuned", "fails later"],
)  # fmt: skip
def test_a_program_that_does_not_end_well_is_named_with_what_it_said(here, text, options, said):
    with pytest.raises(ProgramError, match=said):
        runs(here, text=text, **options)


def test_a_program_that_fails_exits_with_one_line_and_1(here):
    write(here, "raise ValueError('no')")

    done = compare("program.py", check=1)

    assert "\nautotune: program.py ended with exit code 1 without tuning: ValueError: no" in f"\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_what_cannot_be_run_or_compared_is_said(here, monkeypatch):
    with pytest.raises(ProgramError, match="cannot be started"):
        launch.run(["/no/such"], directory=here, environ={})
    monkeypatch.setattr(scratch, "MAX_COPY_FILES", 1)
    write(here, "")
    write(here, "", "other.py")
    with pytest.raises(ProgramError, match="too much to copy for every run"):
        Program(["x"], directory=here)
    monkeypatch.setenv("AUTOTUNE_MODE", "off")
    with pytest.raises(ProgramError, match="the mode is off"):
        runs(here, in_place=True)


def test_a_disk_that_is_full_is_said(here, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    write(here, "x" * 100)
    monkeypatch.setattr(scratch.shutil, "copy2", full)
    with (
        pytest.raises(ProgramError, match=r"cannot be copied to .*: No space left on device; run the program where"),
        scratch.copied(here, here.parent),
    ):
        pass
    with pytest.raises(ProgramError, match="what the program wrote .* cannot be kept .*: No space left"):
        runs(here, text="open('x', 'w').write('1')", in_place=True)


def test_nothing_named_or_not_there_is_wrong_usage(here):
    assert "name a script" in compare(check=2).stderr
    assert "no such script" in compare("nothing.py", check=2).stderr
    assert "Invalid value for '--pairs'" in called("compare", "--pairs", "2", "x.py", check=2).stderr


def test_what_a_program_leaves_running_is_gone_when_it_ends(here):
    text = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    write(here, text)

    began = time.monotonic()
    ended = launch.run([sys.executable, "program.py"], directory=here, environ=dict(os.environ))

    assert ended.code == 0
    assert time.monotonic() - began < 20
    assert not left_of(psutil.Process().children(recursive=True), 5)


def test_output_without_end_is_not_kept_without_end(here, monkeypatch):
    monkeypatch.setattr(launch, "MAX_OUTPUT_BYTES", 1000)
    monkeypatch.setattr(launch, "MAX_ERRORS_BYTES", 1000)
    write(here, "import sys\nfor i in range(40_000): print(i); print(i, file=sys.stderr)")

    ended = launch.run([sys.executable, "program.py"], directory=here, environ=dict(os.environ))

    assert len(ended.output) == 1000
    assert ended.cut
    assert ended.output.startswith(b"0\n1\n")
    assert len(ended.errors) <= 1000
    assert ended.last_words == "39999"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_comparison_leaves_no_process_and_no_copy(here, tmp_path, number, code):
    write(here, "import pathlib, time\npathlib.Path('running').touch()\ntime.sleep(60)")
    (tmp_path / "tmp").mkdir()
    line = subprocess.Popen(
        [sys.executable, "-m", "autotune", "compare", "program.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    until = time.monotonic() + 60
    while not list((tmp_path / "tmp").rglob("running")) and time.monotonic() < until:
        time.sleep(0.02)
    running = family(line)
    began = time.monotonic()
    line.send_signal(number)
    said = line.communicate(timeout=30)[0]

    assert len(running) == 2
    assert time.monotonic() - began < 5
    assert line.returncode == code, said
    assert not left_of(running, 2.0)
    assert "Traceback" not in said
    assert os.listdir(tmp_path / "tmp") == []


def test_what_a_killed_comparison_left_is_gone_with_the_next_and_what_is_held_stays(run, tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    link = folder / f"{temporary.PREFIX}link"
    link.symlink_to(tmp_path)

    with temporary.directory(ProgramError) as held:
        run(
            "import os\nfrom autotune import ProgramError\nfrom autotune.profile.pairs import temporary\n"
            "with temporary.directory(ProgramError):\n    os.kill(os.getpid(), 9)",
            check=False, TMPDIR=str(folder),
        )  # fmt: skip
        assert len(os.listdir(folder)) == 3
        with temporary.directory(ProgramError) as other:
            assert set(folder.iterdir()) == {link, held, other}
    assert list(folder.iterdir()) == [link]


def test_no_room_for_a_temporary_directory_is_said(here, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/no/such")

    with pytest.raises(ProgramError, match="no temporary directory can be made: No such file or directory; set TMPDIR"):
        runs(here)
