"""Shared fixtures: a store of one's own, scripts in processes of their own, and a watch over every error raised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

from autotune.kernel import registry
from tests.every_error import NeverMade

ROOT = Path(__file__).resolve().parents[1]
#: Variables of the machine that would change what a test sees.
FOREIGN = ("AUTOTUNE_", "NUMBA_", "OMP_", "PYTEST_CURRENT_TEST", "CI", "GITHUB_ACTIONS", "SLURM_PROCID")


def pytest_configure(config: pytest.Config) -> None:
    """Ctrl-C is heard here and in what tests start, also where a shell started the suite in the background; and no
    example has a deadline, because machines are shared."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(NeverMade())
    hypothesis.settings.register_profile("shared machine", deadline=None)
    hypothesis.settings.load_profile("shared machine")


def use_only(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a store and none of the machine's settings, in this process and those it starts."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOTUNE_DB", str(root))
    monkeypatch.setenv("AUTOTUNE_SHIPPED", "0")


@pytest.fixture(autouse=True)
def store_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a store of its own."""
    root = tmp_path / "store"
    use_only(root, monkeypatch)
    return root


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that a test declares are gone after it."""
    monkeypatch.setattr(registry, "_kernels", dict(registry._kernels))


@pytest.fixture(scope="session")
def code_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled code that tests of one session share, because compiling is what takes the time."""
    return tmp_path_factory.mktemp("code")


@pytest.fixture
def run(store_root: Path, tmp_path: Path):
    """Run Python source, a file or a command in a process of its own: ``run("print(1)")``."""

    def start(
        source: str | Path, *arguments: str, check: bool = True, timeout: float = 120, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        if isinstance(source, Path):
            command = [sys.executable, str(source), *arguments]
        else:
            command = [sys.executable, "-c", source, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, cwd=tmp_path, check=False,
            env={**os.environ, **environ},
        )  # fmt: skip
        if check:
            assert done.returncode == 0, done.stderr + done.stdout
        return done

    return start
