"""Shared fixtures: a store of one's own, scripts in processes of their own, and a watch over every error raised."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autotune import errors
from autotune.kernel import registry

ROOT = Path(__file__).resolve().parents[1]
#: Variables of the machine that would change what a test sees.
FOREIGN = ("AUTOTUNE_", "NUMBA_", "OMP_", "PYTEST_CURRENT_TEST", "CI", "GITHUB_ACTIONS", "SLURM_PROCID")

#: What pyproject.toml leaves out of the normal run; a run with another expression is not the whole suite.
NORMAL_RUN = "not soak and not benchmark"

#: (file, line) of every raise of one of autotune's errors seen in this session; test_errors reads it at the end.
raised_at: set[tuple[str, int]] = set()
_original = errors.AutotuneError.__init__


def _noting(self: errors.AutotuneError, *args: object) -> None:
    frame = sys._getframe(1)
    raised_at.add((frame.f_code.co_filename, frame.f_lineno))
    _original(self, *args)


errors.AutotuneError.__init__ = _noting  # type: ignore[method-assign]


def pytest_configure() -> None:
    """Ctrl-C is heard here and in what tests start, also where a shell started the suite in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What looks back at the whole session runs last, and not at all where only a part of the suite runs."""
    last = [item for item in items if item.nodeid.endswith("::test_every_error_is_triggered_once")]
    whole = {path.name for path in (ROOT / "tests").rglob("test_*.py")} <= {item.path.name for item in items}
    marked = config.option.markexpr not in ("", NORMAL_RUN)
    chosen = config.option.keyword or marked or any("::" in argument for argument in config.args)
    others = [item for item in items if item not in last]
    if whole and not chosen:
        items[:] = others + last
    elif last:
        items[:] = others
        config.hook.pytest_deselected(items=last)


@pytest.fixture(autouse=True)
def store_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a store of its own and none of the machine's settings."""
    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    root = tmp_path / "store"
    monkeypatch.setenv("AUTOTUNE_DB", str(root))
    monkeypatch.setenv("AUTOTUNE_SHIPPED", "0")
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
