"""A bar for work in steps, with the time left, where there is somebody to look at it."""

from __future__ import annotations

import sys
from typing import Any


class Bar:
    """Shows what is being done on a terminal; nothing elsewhere."""

    def __init__(self, *, show: bool) -> None:
        self._show = show and sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Bar:
        if self._show:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            counts = TextColumn("{task.completed:.0f}/{task.total:.0f}")
            columns = TextColumn("{task.description:32.32}"), BarColumn(), counts, TimeRemainingColumn()
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, doing: str, done: int, of: int) -> None:
        """What is being done now, and how many steps are done."""
        if self._bar is None:
            return
        if self._task is None:
            self._task = self._bar.add_task(doing, total=of)
        self._bar.update(self._task, completed=done, total=of, description=doing)
