"""`autotune baseline`: real repositories, worktrees and processes; saved ratios; what goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import yaml

from autotune import BaselineError, UnknownKernel
from autotune.cli import baseline_verb, markdown
from autotune.cli.app import VERBS, app
from autotune.measure.paired import Interval
from autotune.measure.regression import Verdict
from autotune.profile.pairs import baseline, benchmarks, side, watch
from autotune.profile.pairs.repository import repository_of
from autotune.profile.pairs.side import Side
from autotune.profile.pairs.watch import Entry, Report
from tests.conftest import ROOT
from tests.reliability.calibrating import family, left_of
from tests.test_calibrate import command
from tests.verbs import called

LIBRARY = """
import math

def work(times=400):
    return sum(math.sqrt(i) for i in range(times))

def kept():
    return sorted(range(500), reverse=True)
"""
SLOW = LIBRARY.replace("times=400", "times=1200")
BENCH = """
import library

def bench_work():
    library.work()

def inputs_kept(rng):
    return (rng.integers(9),)

def bench_kept(n):
    return library.kept()
"""
KERNELS = '''
import numpy as np
from autotune import Choice, Range, tunable

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.random(n).astype(dtype),),
    calibrate={"n": Range(100, 1000), "dtype": Choice("float64", "float32"), "layout": Choice("strided")},
)
def rms(x):
    """Root mean square."""
    return np.sqrt(np.mean(x * x))

@rms.variant(kind="vectorized")
def by_dot(x):
    return np.sqrt(np.dot(x, x) / x.size)
'''
IDENTITY = {f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True, env={**os.environ, **IDENTITY}
    )
    return done.stdout.strip()


def commit(folder, **files):
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, library=LIBRARY, bench=BENCH)
    monkeypatch.chdir(folder)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    for name in ("library", "bench", "kernels_here"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def compare(*arguments, check=0):
    """A limit that a busy machine does not reach; what is injected is three times slower."""
    return called("baseline", "compare", "--pairs", "3", "--fail-above", "50%", *arguments, check=check)


def save(*arguments, check=0):
    return called("baseline", "save", "--pairs", "3", *arguments, check=check)


def verdicts(done):
    return {entry["name"]: entry.get("change", entry["note"]) for entry in json.loads(done.stdout)["entries"]}


# -- with the old code at hand


def test_uncommitted_slower_code_is_found_and_what_is_as_before_is_not(project, tmp_path):
    old = git(project, "rev-parse", "HEAD")
    (project / "library.py").write_text(SLOW + "\ndef added():\n    pass\n")
    (project / "bench.py").write_text(BENCH + "\ndef bench_broken():\n    raise KeyError('gone')\n")

    done = compare("--against", "HEAD", "--benchmarks", "bench.py", "--function", "library.py:added", "--markdown",
                   "report.md", check=1)  # fmt: skip
    text = (project / "report.md").read_text()

    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line.strip()}
    assert "SLOWER" in rows["bench_work"]
    assert "no change" in rows["bench_kept"]
    assert rows["bench_broken"] == "fails: KeyError: 'gone'"
    assert "new: AttributeError: module 'library' has no attribute 'added'" in rows["library.py:added"]
    assert "1 of 2 became slower by more than 50 %, 1 fail" in done.stdout
    assert text.startswith("### ❌ Performance: 1 of 2 became slower by more than 50 %, 1 fail")
    assert f"against HEAD ({old[:12]}): 3 pairs of processes" in text
    assert text.index("bench_work") < text.index("bench_kept")
    assert git(project, "worktree", "list").count("\n") == 0
    assert os.listdir(tmp_path / "tmp") == []


@pytest.mark.soak
def test_a_function_is_taken_from_both_sides_and_a_higher_limit_lets_it_pass(project):
    (project / "library.py").write_text(SLOW)

    done = compare("--against", "main", "--fail-above", "900%", "--function", "library.py:work", "--json")
    data = json.loads(done.stdout)

    assert verdicts(done) == {"library.py:work": "same"}
    assert data["paired"]
    assert data["commit"] == git(project, "rev-parse", "HEAD")
    assert data["entries"][0]["first"]["low"] > 1.2
    assert data["entries"][0]["second"] is None


def test_kernels_are_measured_as_tuned_on_both_sides(project, store_root):
    commit(project, kernels_here=KERNELS)
    slow = KERNELS.replace("np.sqrt(np.dot(x, x) / x.size)", "[np.sqrt(np.dot(x, x) / x.size) for _ in range(9)][0]")
    new = KERNELS.replace("rms", "other").partition("@tunable")[2]
    (project / "kernels_here.py").write_text(slow + "\n@tunable" + new)

    done = compare("--against", "HEAD", "-m", "kernels_here.py", "--size", "n=300", "--json", check=1)
    found = verdicts(done)

    assert found.pop("other [float64 1-d strided] n=300").startswith("new: UnknownKernel: no kernel is named")
    assert found == {"rms [float64 1-d strided] n=300": "slower"}
    assert not store_root.exists()  # the user's own store is read, not written


def test_nothing_is_measured_where_nothing_changed(project):
    (project / ".autotune").mkdir()
    (project / ".autotune" / "baseline.json").touch()
    (project / "report.md").touch()
    for cache in (project / "__pycache__", project / "package" / "__pycache__"):
        cache.mkdir(parents=True)
        (cache / "library.cpython-311.pyc").touch()

    done = compare("--against", "main", "--benchmarks", "bench.py", "--json")

    assert "no changes against main" in done.stderr
    assert json.loads(done.stdout) == {"against": "main", "changed": False, "failed": False, "entries": []}


def test_a_process_that_dies_is_named_with_its_side(project):
    old = commit(project, library=LIBRARY.replace("def kept", "import os\nos.abort()\ndef kept"))
    (project / "library.py").write_text(LIBRARY)
    chosen = benchmarks.of_file("bench.py", project)

    with pytest.raises(BaselineError, match=r"measures the old code \(.*\) was killed by SIGABRT; name fewer"):
        watch.with_commit(repository_of(project), old, chosen, pairs=3, seed=1)


def test_a_benchmark_that_fails_later_is_named(project, tmp_path):
    (project / "bench.py").write_text(
        "import pathlib\ndef bench_once():\n    if pathlib.Path('done').exists(): raise OSError('done before')\n"
    )
    one = Side("new", project, project, store_root=tmp_path / "s", scratch=tmp_path)
    chosen = benchmarks.of_file("bench.py", project)
    one.prepare(tmp_path / "none", chosen)
    (project / "done").touch()

    with pytest.raises(BaselineError, match="bench_once: fails in the new code, where it succeeded before: OSError"):
        one.run(chosen)


# -- with saved ratios


def test_saved_ratios_are_compared_and_hold_no_times(project):
    saved = json.loads(save("--benchmarks", "bench.py", "--json").stdout)
    (project / "library.py").write_text(SLOW)

    done = compare("--stored", check=1)
    kept = baseline.read(project / ".autotune" / "baseline.json")

    assert saved["commit"] == git(project, "rev-parse", "HEAD") == kept.commit
    assert not saved["dirty"]
    assert "Working tree against ratios saved in baseline: 3 processes" in done.stdout
    assert "SLOWER" in done.stdout
    assert "1 of 2 became slower" in done.stdout
    assert "weaker than running the old code beside the new" in done.stdout
    assert [len(one.ratios) for one in kept.benchmarks] == [3, 3]
    assert "seconds" not in (project / ".autotune" / "baseline.json").read_text()


def test_a_saved_commit_is_compared_by_its_code_where_that_is_at_hand(project):
    head, here = git(project, "rev-parse", "HEAD"), repository_of(project)
    file = project / ".autotune" / "one.json"

    def target(*, stored=False, **changes):
        baseline.write(of(**changes), file)
        return baseline_verb.target_of("one", project, here, stored=stored)[1:]

    assert target(commit=head, dirty=False) == (head, "one")
    assert target(commit=head, dirty=False, stored=True) == ("", "one")
    assert target(commit=head, dirty=True) == ("", "one")
    assert target(commit="0" * 40, dirty=False) == ("", "one")
    assert baseline_verb.target_of("main", project, here, stored=False) == (None, head, "main")
    assert baseline_verb.target_of(None, project, here, stored=False) == (None, "", "baseline")


@pytest.mark.soak
def test_without_git_ratios_are_saved_and_compared(tmp_path, monkeypatch):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "library.py").write_text(LIBRARY)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

    assert "no commit saved" in save("--function", "library.py:work").stdout
    done = compare("--json", "--function", "library.py:kept", "--function", "library.py:work")
    assert verdicts(done) == {"library.py:kept": "new: baseline does not hold it", "library.py:work": "same"}
    assert "is not in the working tree of a git repository" in compare("--against", "main", check=1).stderr


def test_nothing_saved_exits_with_3_and_says_what_to_do(project):
    done = compare("--benchmarks", "bench.py", check=3)

    assert "save it first: autotune baseline save" in done.stderr
    assert "--against main" in done.stderr


def of(**changes):
    saved = baseline.Saved(benchmarks.Benchmark("f", "library.py", function="work"), [1.0, 1.1])
    machine = dict(watch.fingerprint().hard)
    made = baseline.Baseline(baseline.FORMAT, 1, "", True, machine, "here", baseline.versions(), 0.0, [saved])
    return msgspec.structs.replace(made, **changes)


def test_a_baseline_of_another_machine_is_refused_and_of_other_versions_named(project):
    elsewhere = of(machine={**watch.fingerprint().hard, "cpu": "Z80"}, label="a Z80")

    with pytest.raises(BaselineError, match=r"saved on another machine \(a Z80; cpu differ\)"):
        watch.with_saved(elsewhere, "old", root=project)
    updated = of(versions={**baseline.versions(), "numpy": "1.0"})
    found = watch.with_saved(updated, "old", root=project, pairs=3, limit=1e6)
    assert any(note.startswith("updated since: numpy 1.0, now ") for note in found.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Input data was truncated"),
        (b"{", "truncated"),
        (b"[1]", "Expected `object`"),
        (b'{"format": "workload", "schema": 1}', "is no baseline: its format is 'workload'"),
        (b'{"format": "autotune baseline", "schema": 9}', "has schema 9, this version reads 1, and was"),
        (b'{"format": "autotune baseline", "schema": 1}', "missing required field"),
        (b"[" * 100_000, "Expected `object`|recursion"),
    ],
    ids=["empty", "cut", "list", "foreign", "newer", "incomplete", "deep"],
)  # fmt: skip
def test_a_damaged_foreign_or_newer_file_is_told_apart(tmp_path, content, said):
    file = tmp_path / "x.json"
    file.write_bytes(content)

    with pytest.raises(BaselineError, match=said):
        baseline.read(file)


def test_ratios_that_are_none_are_refused_and_sound_ones_come_back(tmp_path, monkeypatch):
    file = tmp_path / "folder" / "x.json"
    baseline.write(of(), file)
    assert baseline.read(file) == of()
    assert os.listdir(file.parent) == ["x.json"]

    for ratios in ([], [0.0], [-1.0]):
        one = of().benchmarks[0]
        baseline.write(of(benchmarks=[baseline.Saved(one.benchmark, ratios)]), file)
        with pytest.raises(BaselineError, match="holds ratios that are none, of f"):
            baseline.read(file)
    monkeypatch.setattr(baseline, "MAX_BYTES", 10)
    with pytest.raises(BaselineError, match="it has more than 10 bytes"):
        baseline.read(file)


def test_files_that_cannot_be_read_or_written_are_named(tmp_path, project):
    with pytest.raises(BaselineError, match="cannot be read: No such file"):
        baseline.read(tmp_path / "none.json")
    with pytest.raises(BaselineError, match="the baseline cannot be written: File exists"):
        baseline.write(of(), project / "library.py" / "x.json")
    nowhere = Side("new", project, project, store_root=tmp_path / "s", scratch=project / "library.py")
    with pytest.raises(BaselineError, match="cannot be written: Not a directory; set TMPDIR"):
        nowhere.prepare(tmp_path / "none", [])


def test_a_full_disk_is_said_and_leaves_the_old_baseline(tmp_path, monkeypatch):
    file = tmp_path / "x.json"
    baseline.write(of(label="old"), file)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(BaselineError, match="No space left on device"):
        baseline.write(of(label="new"), file)
    with pytest.raises(BaselineError, match="the report cannot be written: No space left on device"):
        baseline_verb.write("text", tmp_path / "report.md")
    monkeypatch.undo()
    assert baseline.read(file).label == "old"


def test_no_room_for_a_temporary_directory_is_said(monkeypatch, project):
    monkeypatch.setattr("tempfile.tempdir", "/no/such")

    with pytest.raises(BaselineError, match="no temporary directory can be made"):
        watch.save([], root=project, repository=None)
    with (
        pytest.raises(BaselineError, match="no temporary directory can be made"),
        repository_of(project).worktree("main"),
    ):
        pass


def test_saving_what_fails_saves_nothing(project):
    (project / "bench.py").write_text("def bench_bad():\n    raise KeyError('gone')\n")

    with pytest.raises(BaselineError, match="bench_bad: fails: KeyError: 'gone'; nothing is saved"):
        watch.save(benchmarks.of_file("bench.py", project), root=project, repository=repository_of(project))


# -- git


def test_an_unknown_commit_is_named_also_in_a_shallow_clone(project, tmp_path):
    commit(project, other="")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{project}", str(shallow))

    for name in ("no-such", "--upload-pack=x", ""):
        with pytest.raises(BaselineError, match="is no commit of .*; see git log"):
            repository_of(project).commit(name)
    with pytest.raises(BaselineError, match=r"which is a shallow clone; see git fetch --unshallow \(fetch-depth: 0"):
        repository_of(shallow).commit("HEAD~1")
    assert "is no commit of" in compare("--against", "no-such", "--benchmarks", "bench.py", check=1).stderr


def test_git_that_fails_or_is_not_there_is_named(project, tmp_path, monkeypatch):
    with (
        pytest.raises(BaselineError, match="git worktree failed in .*: fatal: invalid reference: nothing"),
        repository_of(project).worktree("nothing"),
    ):
        pass
    assert os.listdir(tmp_path / "tmp") == []
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(BaselineError, match="is not in the working tree of a git repository; .*autotune baseline save"):
        repository_of(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BaselineError, match="git cannot be run in"):
        repository_of(project)


def test_hooks_of_the_repository_are_not_run(project, tmp_path):
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)

    with repository_of(project).worktree("main") as tree:
        assert (tree / "library.py").read_text() == LIBRARY
    assert not (tmp_path / "hooked").exists()
    assert not tree.exists()


def test_a_working_tree_is_like_a_commit_but_for_reports_and_baselines(project):
    here = repository_of(project)
    head = here.commit("HEAD")

    assert not here.dirty
    (project / "new.md").touch()
    assert not here.dirty
    (project / "new.py").touch()
    assert here.dirty
    (project / "new.py").unlink()
    (project / "library.py").write_text("")
    assert here.dirty
    assert not here.is_like(head)
    assert here.has(head)
    assert not here.has("0" * 40)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_comparison_leaves_no_worktree_and_no_process(project, tmp_path, number, code):
    (project / "bench.py").write_text("import pathlib, time\ndef bench_long():\n    time.sleep(60)\n")
    line = subprocess.Popen(
        [sys.executable, "-m", "autotune", "baseline", "compare", "--against", "HEAD", "--benchmarks", "bench.py"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while len(family(line)) < 2 or not list((tmp_path / "tmp").rglob("*-job.json")):
        assert time.monotonic() < until
        time.sleep(0.02)
    running = family(line)
    assert git(project, "worktree", "list").count("\n") == 1
    began = time.monotonic()
    line.send_signal(number)
    said = line.communicate(timeout=30)[0]

    assert time.monotonic() - began < 5
    assert line.returncode == code, said
    assert not left_of(running, 2.0)
    assert "Traceback" not in said
    assert git(project, "worktree", "list").count("\n") == 0
    assert not (project / ".git" / "worktrees").exists()
    assert os.listdir(tmp_path / "tmp") == []


def test_the_worktree_of_a_killed_comparison_is_gone_with_the_next(project, tmp_path, run):
    run(
        "import os\nfrom pathlib import Path\nfrom autotune.profile.pairs.repository import repository_of\n"
        f"with repository_of(Path({str(project)!r})).worktree('main'):\n    os.kill(os.getpid(), 9)",
        check=False,
    )  # fmt: skip
    assert git(project, "worktree", "list").count("\n") == 1

    with repository_of(project).worktree("main") as tree:
        assert git(project, "worktree", "list").count("\n") == 1
        assert tree.name in git(project, "worktree", "list")
    assert git(project, "worktree", "list").count("\n") == 0
    assert os.listdir(tmp_path / "tmp") == []


# -- what is measured


def test_a_kernel_is_measured_at_three_sizes_of_its_first_type(project, monkeypatch):
    (project / "kernels_here.py").write_text(KERNELS)
    tuned = benchmarks.locate.import_module("kernels_here.py").rms

    names = [one.name for one in benchmarks.of_kernel(tuned, project)]
    assert names == [f"rms [float64 1-d strided] n={n}" for n in (178, 316, 562)]
    (one, *_) = benchmarks.of_kernel(tuned, project, only={"dtype": "float32"})
    assert one.keywords == {"dtype": "float32", "n": 178}
    assert one.layout == "strided"
    assert one.job(Path("/old"), Path("/new"))["module"] == "/old/kernels_here.py"


def test_a_file_of_benchmarks_is_the_new_one_on_both_sides(project):
    found = {one.name: one for one in benchmarks.of_file("bench.py", project)}

    assert found.keys() == {"bench_work", "bench_kept"}
    assert found["bench_kept"].inputs == "inputs_kept"
    assert found["bench_work"].job(Path("/old"), Path("/new")) | {"keywords": {}} == {
        "name": "bench_work", "module": "/new/bench.py", "function": "bench_work", "fixed": True, "keywords": {},
        "layout": "C", "beside": "/old",
    }  # fmt: skip


def test_what_is_named_wrongly_or_not_there_is_said(project):
    for name in ("work", ":work", "library:"):
        with pytest.raises(BaselineError, match="expected module:function or file.py:function"):
            benchmarks.of_function(name, project)
    with pytest.raises(BaselineError, match="library has no function 'play'"):
        benchmarks.of_function("library:play", project)
    with pytest.raises(BaselineError, match="holds no function named bench_…; write one"):
        benchmarks.of_file("library.py", project)
    with pytest.raises(UnknownKernel):
        baseline_verb.chosen_of(project, kernels=["none"], modules=[], functions=[], files=[], dtype=None, sizes=[],
                                workload=None)  # fmt: skip
    assert (
        "nothing to measure: no kernel is declared below this directory" in command("baseline", "save", check=2).stderr
    )
    assert "nothing to measure" in command("baseline", "compare", "--against", "HEAD", check=2).stderr


def test_a_recorded_workload_names_the_sizes(project):
    (project / "kernels_here.py").write_text(KERNELS)
    tuned = benchmarks.locate.import_module("kernels_here.py").rms
    key = next(iter(benchmarks.grid.problems(tuned.__autotune__.kernel, only={"dtype": "float32"}))).signature().key
    calls = [{"size": {"n": n}, "calls": 9, "sampled": 9, "total_s": 1, "median_s": 1, "tail_s": 1} for n in (7, 5)]
    called = {
        "kernel": "kernels_here:rms", "module": "", "calls": 1, "self_s": 1, "total_s": 1,
        "signatures": [{"signature": key, "calls": calls}],
    }  # fmt: skip
    run = {"command": [], "started_s": 0, "wall_s": 1}
    (project / "w.json").write_text(
        json.dumps({"format": "autotune workload", "schema": 1, "run": run, "kernels": [called]})
    )

    found = baseline_verb.chosen_of(project, kernels=[], modules=["kernels_here.py"], functions=[], files=[],
                                    dtype=None, sizes=[], workload="w.json")  # fmt: skip

    assert [one.name for one in found] == ["rms [float32 1-d strided] n=7", "rms [float32 1-d strided] n=5"]


def test_each_side_imports_its_own_code(project, tmp_path, monkeypatch):
    (project / "sub").mkdir()
    (tmp_path / "old" / "sub").mkdir(parents=True)
    (tmp_path / "old" / "src").mkdir()
    monkeypatch.chdir(project / "sub")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project / "sub"), str(tmp_path), "/no/such"]))

    found = side.environment(tmp_path / "old", project)["PYTHONPATH"].split(os.pathsep)

    old = tmp_path / "old"
    assert found[:4] == [str(place) for place in (old / "sub", old, old / "src", tmp_path)]
    assert "/no/such" not in found


# -- the report, and continuous integration


def test_the_report_says_why_something_was_not_reported():
    once = Verdict("same", Interval(1.2, 1.1, 1.3), Interval(1.01, 0.9, 1.1))
    entries = [
        Entry("a|b", once, seconds=1e-3),
        Entry("c", note="new: not there"),
        Entry("d", note="fails", failed=True),
    ]
    text = markdown.report(Report("0" * 40, True, 0.05, 7, 1, entries, ["a note"]), "main")

    assert "none of 1 became slower by more than 5 %, 1 fail" in text
    assert "| a\\|b | 1 ms | +1.0% | -10.0% – +10.0% | no change: slower in the first set alone |" in text
    assert text.index("| d |") < text.index("| a")
    assert "> a note" in text
    assert "against main (000000000000): 7 pairs of processes, seed 1." in text


def options_of(words):
    """The options of a command of autotune, and the command itself."""
    found = app.get_command(None, words[0])
    if words[0] == "baseline":
        found = found.commands[words[1]]
    return {name for parameter in found.params for name in parameter.opts}


def test_the_workflow_is_valid_its_actions_pinned_and_its_commands_exist():
    file = ROOT / "examples" / "ci" / "regression.yml"
    flow = yaml.safe_load(file.read_text())
    steps = flow["jobs"]["regression"]["steps"]

    assert "pull_request" in flow[True]  # YAML reads `on` as a boolean
    assert flow["permissions"] == {"contents": "read"}
    for step in steps:
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"]), step
    checkout = next(step for step in steps if step.get("uses", "").startswith("actions/checkout"))
    assert checkout["with"]["fetch-depth"] == 0
    commands = [line.split() for step in steps for line in step.get("run", "").replace("\\\n", " ").splitlines()
                if line.strip().startswith("autotune ")]  # fmt: skip
    assert ["baseline", "compare"] in [words[1:3] for words in commands]
    for words in commands:
        assert words[1] in VERBS
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= options_of(words[1:]), given - options_of(words[1:])
