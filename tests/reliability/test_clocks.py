"""Clocks of the day that step back and forth, or stand still: no negative time, no budget without end."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from autotune.store import store
from tests.programs import SCRIPT
from tests.reliability.calibrating import MODULE

#: Every Python process that finds this beside it has such a clock; what the operating system's clock says cannot be
#: changed for one process.
CLOCKS = {
    "stands still": "lambda: 1.7e9",
    "goes back": "lambda n=iter(range(10**9)): 1.7e9 - 3600 * next(n)",
    "jumps": "lambda n=iter(range(10**9)): 1.7e9 + 86400 * (-1) ** next(n)",
    "is before 1970": "lambda: -5.0",
}


@pytest.fixture(params=[n if n == "goes back" else pytest.param(n, marks=pytest.mark.soak) for n in CLOCKS])
def clock(request, tmp_path, monkeypatch):
    folder = tmp_path / "clock"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import time\ntime.time = {CLOCKS[request.param]}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    return request.param


def test_the_clock_is_not_this_one(clock):
    said = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"], capture_output=True, text=True, check=True
    ).stdout

    assert float(said) != pytest.approx(__import__("time").time(), abs=1e6)


def test_calibrating_and_first_use_take_no_negative_time(clock, run, tmp_path):
    module, program = tmp_path / "measured.py", tmp_path / "program.py"
    module.write_text(MODULE)
    program.write_text(SCRIPT)
    command = [sys.executable, "-m", "autotune", "calibrate", "-m", str(module), "--effort", "quick", "--dtype"]
    done = subprocess.run([*command, "float32", "--json"], capture_output=True, text=True, timeout=120, check=True)
    first = run(program, AUTOTUNE_MODE="first-use", AUTOTUNE_BUDGET="1").stdout
    shown = subprocess.run(
        [sys.executable, "-m", "autotune", "show", "total", "-m", str(module)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "right True True" in first
    assert "tuned 1" in first
    assert json.loads(done.stdout)["measured"] == 2
    assert "Traceback" not in shown.stderr
    for record in store.load_all():
        assert record.provenance.spent_s >= 0
        assert record.provenance.origin == "calibrate" or record.provenance.spent_s < 20
