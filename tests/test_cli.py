"""The command line: verbs, JSON, exit codes; what people and machines read."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys

import pytest

from autotune.cli import findings
from autotune.machine import CoreBudget
from autotune.machine.load import Load
from autotune.store import store
from tests.conftest import use_only
from tests.test_calibrate import MODULE, command


@pytest.fixture
def module(tmp_path):
    file = tmp_path / "measured.py"
    file.write_text(MODULE.replace("20_000", "500"))
    return file


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """A module and a store with its calibration, made once for all tests here."""
    folder = tmp_path_factory.mktemp("calibrated")
    file, root = folder / "measured.py", folder / "store"
    file.write_text(MODULE.replace("20_000", "500"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        use_only(root, monkeypatch)
        command("calibrate", "-m", file, "--effort", "quick", "--dtype", "float64")
    return file, root


@pytest.fixture
def measured(calibrated, store_root):
    """The module, with a copy of that store for each test."""
    file, root = calibrated
    shutil.copytree(root, store_root)
    return file


def test_help_names_every_verb_with_what_it_does():
    text = command("--help").stdout

    for verb in ("calibrate", "list", "show", "explain", "doctor", "db"):
        assert f"\n  {verb} " in text
        assert command(verb, "--help").stdout.startswith("Usage:")


def test_the_summary_names_winners_by_size_and_speedups(module):
    text = command("calibrate", "-m", module, "--effort", "quick").stdout

    assert "speed-up" in text
    assert "reference" in text
    assert "float64 1-d C" in text
    assert "single_pass" in text
    assert " x (" in text
    assert "2 measured, 0 already known" in text


def test_list_shows_variants_and_what_is_recorded(measured):
    text = command("list", "-m", measured).stdout
    data = json.loads(command("list", "-m", measured, "--json").stdout)

    assert "single_pass (vectorized)" in text
    assert data[0]["kernel"] == "measured:rms"
    assert data[0]["variants"]["by_einsum"]["kind"] == "vectorized"
    assert len(data[0]["records"]) == 1


def test_list_numerics_gives_class_distance_and_the_source_of_the_bound(measured):
    text = command("list", "-m", measured, "--numerics").stdout
    rows = {row["variant"]: row for row in json.loads(command("list", "-m", measured, "--numerics", "--json").stdout)}

    assert "Higham 2002" in text
    assert rows["single_pass"]["numerics"] == "reassociated"
    assert 0 <= rows["single_pass"]["ulp"] < 100
    assert rows["single_pass"]["tolerance"] == "max(8, √terms)"


def test_list_says_what_to_do_when_nothing_is_recorded(module):
    assert "Measure it:  autotune calibrate" in command("list", "-m", module).stdout


def test_show_prints_every_size_with_its_times(measured):
    text = command("show", "rms", "-m", measured).stdout
    data = json.loads(command("show", "measured:rms", "-m", measured, "--json").stdout)

    assert "n=500" in text
    assert "speed-up" in text
    assert data[0]["cells"][-1]["size"] == {"n": 500}


def test_show_tells_with_which_threads_compiled_code_was_measured(measured):
    text = " ".join(command("show", "rms", "-m", measured).stdout.split())
    (data,) = json.loads(command("show", "rms", "-m", measured, "--json").stdout)
    compiled = data["provenance"]["compiled"]

    assert f"compiled code: threading layer {compiled['layer']}, threads {compiled['threads']}, wait policy" in text


def test_show_without_records_exits_with_3(module):
    done = command("show", "rms", "-m", module, check=3)

    assert "measure it: autotune calibrate rms" in done.stderr


def test_explain_gives_the_evidence_of_a_size(measured):
    text = command("explain", "rms", "-m", measured, "--size", "n=400", "--dtype", "float64").stdout
    data = json.loads(command("explain", "rms", "-m", measured, "--size", "n=400", "--json").stdout)

    assert "served by" in text
    records = json.loads(command("show", "rms", "-m", measured, "--json").stdout)
    sizes = [cell["size"]["n"] for cell in records[0]["cells"]]
    assert 500 in sizes
    assert f"measured at n={min(sizes, key=lambda n: abs(math.log(n / 400)))}:" in text
    assert [d["size"] for d in data] == [{"n": 400}, {"n": 400}]
    assert {d["source"] for d in data} == {"store", "none"}
    command("explain", "rms", "-m", measured, "--dtype", "float32", check=3)


def test_the_database_is_exported_cleared_and_imported(measured, tmp_path):
    file = tmp_path / "export.json"
    path = command("db", "path").stdout.strip()
    command("db", "export", "-o", file)
    printed = command("db", "export").stdout
    cleared = json.loads(command("db", "clear", "rms", "--yes", "--json").stdout)
    imported = json.loads(command("db", "import", file, "--json").stdout)

    assert path == str(store.root())
    assert json.loads(printed) == json.loads(file.read_text())
    assert cleared == {"removed": 1}
    assert imported == {"imported": 1, "for_this_machine": 1}
    assert json.loads(command("db", "path", "--json").stdout)["records"] == 1
    assert json.loads(command("calibrate", "-m", measured, "--dtype", "float64", "--effort", "quick", "--json").stdout)[
        "kept"
    ]
    assert command("db", "clear", "--yes").stdout.startswith("1 records removed")
    command("db", "export", check=3)
    command("db", "clear", "rms", "--yes", check=3)


def test_clearing_asks_first(measured):
    done = subprocess.run(
        [sys.executable, "-m", "autotune", "db", "clear"], input="n\n", capture_output=True, text=True, check=False,
        env=os.environ,
    )  # fmt: skip

    assert done.returncode == 130
    assert "Remove all 1 records" in done.stdout
    assert len(store.load_all()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["fly"], 2, "No such command 'fly'"),
        (["calibrate", "--effort", "most"], 2, "'most' is not one of"),
        (["calibrate", "--budget", "-3"], 2, "--budget"),
        (["calibrate", "--size", "n", "-m", "{module}"], 2, "expected a size such as n=1000"),
        (["calibrate", "--size", "n=a:b", "-m", "{module}"], 2, "expected a size such as n=1000"),
        (["calibrate", "--size", "n=9:3", "-m", "{module}"], 2, "0 <= lo <= hi"),
        (["calibrate", "-m", "no.such.module"], 1, "cannot import no.such.module"),
        (["calibrate", "-m", "/no/such/file.py"], 1, "no such file"),
        (["calibrate", "nothing", "-m", "{module}"], 1, "no kernel is named 'nothing'; declared: rms"),
        (["explain", "rms", "-m", "{module}", "--dtype", "int8"], 2, "not calibrated for int8"),
        (["calibrate", "-m", "json"], 1, "no kernels are declared (json)"),
        (["db", "import", "/no/such/file.json"], 1, "cannot be read"),
        (["db", "import", "{module}"], 1, "is not an export of autotune"),
        (["calibrate", "-m", "{module}"], 1, "AUTOTUNE_MODE='wrong'"),
    ],
)  # fmt: skip
def test_wrong_usage_has_a_clear_line_and_the_documented_code(module, arguments, code, part):
    environ = {"AUTOTUNE_MODE": "wrong"} if "AUTOTUNE_MODE" in part else {}
    done = command(*(argument.format(module=module) for argument in arguments), check=code, **environ)

    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_that_cannot_be_written_is_told(measured):
    assert "cannot be written" in command("db", "export", "-o", "/no/such/folder/x.json", check=1).stderr


def test_a_closed_standard_output_is_no_error(measured):
    done = subprocess.run(
        f"{sys.executable} -m autotune show rms -m {measured} | head -1; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip

    assert done.returncode == 0
    assert "Traceback" not in done.stderr


def test_a_narrow_terminal_and_another_locale_are_fine(measured):
    done = command("list", "-m", measured, COLUMNS="30", LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert "rms" in done.stdout


# -- doctor


def test_doctor_looks_over_the_machine():
    done = subprocess.run([sys.executable, "-m", "autotune", "doctor", "--json"], capture_output=True, text=True,
                          check=False, env=os.environ)  # fmt: skip
    found = json.loads(done.stdout)
    what = [finding["what"] for finding in found]

    assert done.returncode in (0, 1)
    assert done.returncode == any(finding["level"] == "warning" for finding in found)
    for topic in ("processor", "caches", "usable cores", "threading layer", "BLAS", "load", "timer", "store"):
        assert topic in what
    assert all(finding["remedy"] for finding in found if finding["level"] == "warning")


def levels(found) -> list[tuple[str, str]]:
    return [(finding.level, finding.remedy) for finding in found]


def test_every_finding_has_its_remedy(monkeypatch, tmp_path):
    pool = {"user_api": "blas", "internal_api": "openblas", "architecture": "Haswell", "num_threads": 2}
    avx512 = ["AVX512_SKX"]

    assert levels(findings.blas([pool], {"OPENBLAS_CORETYPE": "Haswell"}, avx512)) == [
        ("warning", "unset OPENBLAS_CORETYPE")
    ]
    assert levels(findings.blas([pool], {}, avx512)) == [("note", "update NumPy")]
    assert levels(findings.blas([{**pool, "architecture": "SkylakeX"}], {}, avx512)) == [("ok", "")]
    assert levels(findings.blas([pool], {"OPENBLAS_CORETYPE": "Haswell"}, [])) == [
        ("ok", ""), ("note", "unset it unless it is meant"),
    ]  # fmt: skip
    assert levels(findings.blas([], {}, [])) == [("note", "install NumPy from PyPI or conda-forge")]

    assert levels(findings.threading_layer({}, True, "tbb")) == [("ok", "")]
    assert levels(findings.threading_layer({}, False, "omp")) == [("warning", "pip install tbb")]
    assert levels(findings.threading_layer({"NUMBA_THREADING_LAYER": "workqueue"}, True, "workqueue")) == [
        ("warning", "unset NUMBA_THREADING_LAYER=workqueue; tbb is installed")
    ]

    assert levels(findings.load(Load(50.0, 1.0)))[0][0] == "warning"
    assert levels(findings.load(Load(0.0, 0.1))) == [("ok", "")]
    assert levels(findings.cores(CoreBudget(1, (("CPU affinity", 1.0),))))[0][0] == "note"
    assert "raise cgroup CPU quota" in levels(findings.cores(CoreBudget(2, (("cgroup CPU quota", 2.0),))))[0][1]
    assert levels(findings.cores(CoreBudget(2, (("CPU affinity", 2.0),)))) == [("ok", "")]
    ticks = iter(i * 2e-6 for i in range(1000))
    assert levels(findings.timer(lambda: next(ticks)))[0][0] == "warning"
    assert levels(findings.processor("CPU", "unknown", 1 << 30))[1] == ("note", "")

    def wrong():
        from autotune import settings

        return settings.current({"AUTOTUNE_MODE": "x"}, "/")

    assert levels(findings.configuration(wrong))[0][0] == "warning"
    clash = {"kernels": ["autotune-kernels", "gpu-kernels"], "autotune": ["autotune-kernels"]}
    assert levels(findings.names(clash)) == [("warning", "pip uninstall gpu-kernels, or use separate environments")]
    assert levels(findings.names({})) == [("ok", "")]
    assert levels(findings.place()) == [("note", "autotune calibrate")]
    monkeypatch.setattr(findings.mounts, "network_file_system", lambda folder: "lustre")
    assert levels(findings.place())[0][0] == "warning"
    monkeypatch.setenv("AUTOTUNE_DB", "/proc/nowhere")
    assert levels(findings.place())[0][0] == "warning"
