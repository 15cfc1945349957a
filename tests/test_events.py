"""The log: every entry has a text for people and the fields that `autotune.events` documents."""

from __future__ import annotations

import ast
import logging
import re

import numpy as np
import pytest

import autotune
from autotune import VariantWarning, errors, events
from tests.conftest import ROOT
from tests.records import decide, leaf
from tests.test_recording import declared


def logged(caplog: pytest.LogCaptureFixture, event: str) -> logging.LogRecord:
    (found,) = [record for record in caplog.records if record.event == event]
    assert found.name == "autotune"
    assert found.levelname == events.EVENTS[event][0]
    assert events.EVENTS[event][1] <= vars(found).keys()
    return found


def test_a_miss_tells_why(caplog, monkeypatch):
    monkeypatch.setenv("SLURM_PROCID", "3")
    one = declared()

    with caplog.at_level(logging.DEBUG, "autotune"):
        one(np.ones(5))

    found = logged(caplog, "miss")
    assert (found.kernel, found.signature) == (one.__autotune__.kernel.id, '[["x","array","float64",1,"C"]]')
    assert "running under pytest" in found.reason
    assert found.getMessage() == f"declared (float64 1-d C): not tuned: {found.reason}"


def test_first_use_tells_what_it_found(caplog, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "first-use")
    one = declared()

    with caplog.at_level(logging.INFO, "autotune"):
        one(np.ones(5000))

    found = logged(caplog, "tuned")
    assert found.size == {"n": 5000}
    assert found.variant in ("reference", "other")
    assert found.seconds > 0
    assert found.ratio <= 1


def test_a_variant_that_is_disabled_is_told(caplog):
    @autotune.tunable(size={"n": "x.size"})
    def shaky(x):
        return x + 1

    @shaky.variant(kind="vectorized")
    def raising(x):
        raise RuntimeError("broken")

    decide(shaky, (np.ones(5),), leaf("raising"))
    with caplog.at_level(logging.INFO, "autotune"), pytest.warns(VariantWarning, match="raised RuntimeError: broken"):
        shaky(np.ones(5))

    found = logged(caplog, "disabled")
    assert (found.kernel, found.variant, found.reason) == (
        shaky.__autotune__.kernel.id, "raising", "raised RuntimeError: broken",
    )  # fmt: skip


def test_a_recording_is_told(caplog, tmp_path):
    one = declared()

    with caplog.at_level(logging.INFO, "autotune"), autotune.recording(tmp_path / "w.json"):
        one(np.ones(5))

    found = logged(caplog, "recorded")
    assert (found.path, found.kernels, found.calls) == (str(tmp_path / "w.json"), 1, 1)


def test_a_warning_is_logged_where_warnings_are_errors(caplog):
    with caplog.at_level(logging.WARNING, "autotune"):
        errors.warn("50 % of it is lost", errors.StoreWarning)

    assert logged(caplog, "warned").category == "StoreWarning"
    assert caplog.messages == ["50 % of it is lost"]


def test_every_entry_of_the_log_is_an_event_that_is_documented():
    """All of the package logs through `autotune.events`, with exactly the fields of the event."""
    named = {}
    for path in (ROOT / "autotune").rglob("*.py"):
        text = path.read_text()
        if path.name not in ("events.py", "settings.py"):
            assert "getLogger" not in text, path
        for node in ast.walk(ast.parse(text)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("events.log", "log") and isinstance(node.args[0], ast.Constant):
                given = {word.arg for word in node.keywords} - {"error"}
                named[node.args[0].value] = given
                assert None in given or given == events.EVENTS[node.args[0].value][1], f"{path}:{node.lineno}"

    assert named.keys() == events.EVENTS.keys()
    documented = re.findall(r"^(\w+) +(debug|info|warning|error) ", events.__doc__, re.MULTILINE)
    assert {name: level.upper() for name, level in documented} == {
        name: level for name, (level, _) in events.EVENTS.items()
    }


def test_fields_that_are_not_those_of_the_event_are_a_defect():
    with pytest.raises(AssertionError, match="recorded has the fields"):
        events.log("recorded", "text", path=None)
