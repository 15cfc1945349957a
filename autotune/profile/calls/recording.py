"""`autotune.recording`: records what a part of a program calls."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from ...errors import WorkloadError
from .. import document
from ..workload import Workload
from . import parts, recorder


class recording:  # noqa: N801 - it is used like a function
    """Record the calls of kernels within the context, in this process and in those that are started within it.

    >>> with autotune.recording("workload.json") as recorded:
    ...     simulate()
    >>> recorded.workload.kernels[0].calls

    Parameters
    ----------
    path : str or path, optional
        File of the workload, which is made anew; without one it is kept in memory alone, and only of this process.

    Raises
    ------
    WorkloadError
        On entering: the file may not be written, or is another one. On leaving: it could not be written.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = None if path is None else Path(path).expanduser().absolute()
        self._recorder: recorder.Recorder | None = None
        self._workload: Workload | None = None

    def __enter__(self) -> Self:
        reason = None if self.path is None else parts.unusable(self.path)
        if reason is not None:
            raise WorkloadError(f"{self.path}: nothing can be recorded: {reason}")
        self._recorder = recorder.Recorder(self.path, recorder.new_run(), anew=True)
        self._recorder.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._recorder is not None, "it was entered"
        self._workload = self._recorder.workload()
        self._recorder.stop()
        if self.path is not None and self.path.exists():
            self._workload = document.read(self.path)

    @property
    def workload(self) -> Workload:
        """What was recorded, of this process until the context is left, and then of all.

        Raises
        ------
        WorkloadError
            The context has not been entered.
        """
        if self._workload is not None:
            return self._workload
        if self._recorder is None:
            raise WorkloadError("nothing has been recorded yet: enter the context first (with autotune.recording():)")
        return self._recorder.workload()
