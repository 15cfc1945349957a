"""The pytest plugin: suites of users do not tune by surprise, and are not disturbed where they do not use autotune."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

SUITE = """
import os
import numpy as np
import pytest
from autotune import tunable
from autotune.store import store

@tunable(size={"n": "x.size"})
def total(x):
    return np.sum(x)

@total.variant(kind="vectorized")
def reduced(x):
    return np.add.reduce(x)

X = np.ones(500)
"""


@pytest.fixture
def suite(tmp_path, store_root):
    """Run a suite of a user's in a process of its own, with this plugin as an installed one has it."""

    def run(text: str, *arguments: str, check: int = 0, project: str = "", **environ: str) -> str:
        folder = tmp_path / "suite"
        folder.mkdir(exist_ok=True)
        folder.joinpath("test_it.py").write_text(textwrap.dedent(text))
        folder.joinpath("pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{project}")
        # The other plugins of this environment are not the matter; the plugin is named once whether installed or not.
        command = [sys.executable, "-m", "pytest", "-p", "autotune.pytest_plugin", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, check=False, timeout=120,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environ},
        )  # fmt: skip
        assert done.returncode == check, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_a_suite_reads_records_and_does_not_tune(suite):
    text = suite(
        SUITE
        + """
def test_it():
    total(X)
    assert total.cache_info().tuned == 0
    assert total.__autotune__.dispatcher.open().mode == "use"
    assert os.environ["AUTOTUNE_MODE"] == "use"  # processes that it starts do not tune either
"""
    )

    assert f"autotune: mode use, store {os.environ['AUTOTUNE_DB']}" in text


@pytest.mark.parametrize(
    ("arguments", "environ", "project", "mode"),
    [
        ([], {"AUTOTUNE_MODE": "off"}, "", "off"),
        (["--autotune-mode=first-use"], {"AUTOTUNE_MODE": "off"}, "", "first-use"),
        ([], {}, '[tool.autotune]\nmode = "first-use"', "first-use"),
        (["--autotune-mode", "use"], {}, '[tool.autotune]\nmode = "first-use"', "use"),
        (["--autotune-mode", "use"], {"AUTOTUNE_MODE": "nonsense"}, "", "use"),
    ],
)
def test_the_mode_is_that_of_the_option_the_environment_the_project_in_this_order(
    suite, arguments, environ, project, mode
):
    text = suite(
        SUITE
        + f"""
def test_it():
    total(X)
    assert total.__autotune__.dispatcher.open().mode == "{mode}"
    assert total.cache_info().tuned == {int(mode == "first-use")}
""",
        *arguments, project=project, **environ,
    )  # fmt: skip

    assert f"autotune: mode {mode}, store" in text


def test_locked_is_told_with_its_file(suite, tmp_path):
    text = suite("def test_it(): pass", "--autotune-mode=locked", AUTOTUNE_LOCK=str(tmp_path / "my.lock"))

    assert f"autotune: mode locked, lock file {tmp_path / 'my.lock'}" in text


def test_wrong_settings_are_told_as_wrong_usage(suite):
    assert "AUTOTUNE_MODE='nonsense': expected one of" in suite("", AUTOTUNE_MODE="nonsense", check=4)
    assert "invalid choice: 'fast'" in suite("", "--autotune-mode=fast", check=4)
    text = suite("def test_it(): pass", "--autotune-mode=use", AUTOTUNE_BUDGET="soon")
    assert "autotune: AUTOTUNE_BUDGET='soon': expected a number of seconds" in text


def test_the_store_fixture_is_empty_for_each_test_and_leaves_nothing_behind(suite, store_root):
    suite(
        SUITE
        + """
def tune():
    total.tune(X)
    assert total.cache_info().tuned == 1

@pytest.mark.parametrize("time", [1, 2])
def test_in_a_store_of_its_own(autotune_store, monkeypatch, time):
    monkeypatch.setenv("SOMETHING", "of the test's")
    assert store.load_all() == []
    tune()
    assert len(store.load_all()) == 1
    assert str(store.root()) == str(autotune_store) == os.environ["AUTOTUNE_DB"]
    assert autotune_store.is_dir()

def test_after():
    total(X)
    assert total.decision(X).source == "none"
    assert store.load_all() == []
""",
        "-W", "error",
    )  # fmt: skip

    assert not store_root.exists()


def test_a_suite_that_does_not_use_autotune_is_not_disturbed(suite):
    suite(
        """
        import sys

        def test_it():
            names = {name.partition(".")[0] for name in sys.modules}
            assert not names & {"numpy", "numba", "msgspec", "sqlite3", "diskcache", "click", "rich", "optuna"}
            ours = {name.partition(".")[2] for name in sys.modules if name.startswith("autotune")}
            assert ours == {"", "errors", "events", "pytest_plugin", "settings", "value"}
        """,
        "-W", "error",
    )  # fmt: skip


def test_the_environment_is_as_before_once_the_suite_is_done(run):
    program = """
import os, sys, pytest
open("test_nothing.py", "w").write("def test_it(): pass")
for before in (None, "off"):
    if before: os.environ["AUTOTUNE_MODE"] = before
    assert pytest.main(["-q", "-p", "autotune.pytest_plugin", "-p", "no:cacheprovider", "test_nothing.py"]) == 0
    assert os.environ.get("AUTOTUNE_MODE") == before
"""
    run(program, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")


def test_the_package_declares_the_plugin():
    import tomllib

    from tests.conftest import ROOT

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"autotune": "autotune.pytest_plugin"}
