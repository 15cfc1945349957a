"""Whether each of autotune's errors was raised by some test: a plugin for the suite.

Every error that autotune raises on purpose notes where it is made. When the whole suite has passed, the places that
are in the source and were never reached fail it. The processes of a suite that runs in several steps
(``python -m tests``) tell the last one through the file that ``ERRORS_MADE`` names.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autotune import errors

ROOT = Path(__file__).resolve().parents[1]
#: What pyproject.toml leaves out of the normal run; a run with another expression is not the whole suite.
NORMAL_RUN = "not soak and not benchmark"
NAMES = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.AutotuneError)
}

#: Where the processes of one run of the suite write down what they made; None where one process does it all.
SHARED = os.environ.get("ERRORS_MADE")

#: (file, line) of every place where one of autotune's errors was made in this session.
made_at: set[tuple[str, int]] = set()
_original = errors.AutotuneError.__init__


def _noting(self: errors.AutotuneError, *args: object) -> None:
    frame = sys._getframe(1)
    made_at.add((frame.f_code.co_filename, frame.f_lineno))
    _original(self, *args)


errors.AutotuneError.__init__ = _noting  # type: ignore[method-assign]


def places() -> Iterator[tuple[str, range]]:
    """(file, lines) of every place that makes one of autotune's errors."""
    for path in sorted((ROOT / "autotune").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
                yield str(path), range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _exchange(shared: Path) -> None:
    """Write down what this process made, and take in what the others wrote."""
    with shared.open("a") as made:
        made.write("".join(f"{file}:{line}\n" for file, line in sorted(made_at)))
    for entry in shared.read_text().splitlines():
        file, line = entry.rsplit(":", 1)
        made_at.add((file, int(line)))


def missing() -> list[str]:
    """The places that no test reached."""
    return [
        f"{Path(file).relative_to(ROOT)}:{lines.start}"
        for file, lines in places()
        if not any(seen == file and line in lines for seen, line in made_at)
    ]


def _whole(config: pytest.Config) -> bool:
    chosen = config.args_source is pytest.Config.ArgsSource.ARGS or config.option.keyword
    return not (chosen or config.option.collectonly) and config.option.markexpr in ("", NORMAL_RUN)


class NeverMade:
    """The plugin: looks at the end of a session."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if SHARED:
            _exchange(Path(SHARED))
        if exitstatus == pytest.ExitCode.OK and _whole(session.config):
            self.missing = missing()
            if self.missing:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.missing:
            terminalreporter.section("errors that no test triggers")
            for place in self.missing:
                terminalreporter.line(place)
