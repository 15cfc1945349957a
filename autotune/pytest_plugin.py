"""pytest plugin: a test suite does not tune by surprise, and a test can have a store of its own.

The suite, and the processes that it starts, run in mode ``use``: what is recorded serves, nothing is measured. Another
mode is chosen with ``--autotune-mode``, with `AUTOTUNE_MODE`, or in ``[tool.autotune]``. In a suite that never imports
autotune only this file and the settings are loaded, not even NumPy.

Knows nothing of tuning; it sets the environment that every other room reads.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .errors import SettingsError
from .settings import MODES, current

MODE, DB = "AUTOTUNE_MODE", "AUTOTUNE_DB"
_before = pytest.StashKey[str | None]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("autotune").addoption(
        "--autotune-mode", choices=MODES,
        help="what tuned functions do in this run; by default what is set for the project, else use: never measure",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.getoption("--autotune-mode")
    if chosen is None:
        try:
            asked = current()
        except SettingsError as error:
            raise pytest.UsageError(str(error)) from None
        chosen = asked.mode if asked.mode_is_explicit else "use"
    config.stash[_before] = os.environ.get(MODE)
    os.environ[MODE] = chosen


def pytest_unconfigure(config: pytest.Config) -> None:
    before = config.stash.get(_before, os.environ.get(MODE))
    if before is None:
        os.environ.pop(MODE, None)
    else:
        os.environ[MODE] = before


def pytest_report_header() -> str:
    try:
        asked = current()
    except SettingsError as error:  # --autotune-mode has mended the mode alone
        return f"autotune: {error}"
    where = f"lock file {asked.lock_file()}" if asked.locked else f"store {asked.root}"
    return f"autotune: mode {asked.mode}, {where}"


@pytest.fixture
def autotune_store(tmp_path: Path) -> Iterator[Path]:
    """A store of the test's own, empty, and gone after it: its directory. Processes that the test starts use it too."""
    root = tmp_path / "autotune-store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(DB, str(root))
        _forget()
        yield root
    _forget()


def _forget() -> None:
    """Let every kernel that has been called read its settings and records anew."""
    registry = sys.modules.get("autotune.kernel.registry")
    for tuned in registry.all_kernels() if registry is not None else ():
        tuned.__autotune__.forget()
