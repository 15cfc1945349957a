"""Recording as `AUTOTUNE_RECORD` asks, from a program's first call of a kernel to its end.

Knows nothing of what is recorded.
"""

from __future__ import annotations

import atexit
import logging  # noqa: F401 - see `_finish`
import os
from pathlib import Path

from ...dispatch import tap
from ...errors import WorkloadError, WorkloadWarning, warn
from . import parts, recorder

#: The value of `AUTOTUNE_RECORD` with which nothing can be recorded, which has been said.
_refused: str | None = None


def start_as_asked() -> None:
    """Record as `AUTOTUNE_RECORD` says: the process, and those that it starts, whose parts are put together."""
    global _refused
    asked = os.environ[tap.VARIABLE]
    if asked == _refused:
        return
    target = Path(asked).expanduser().absolute()
    reason = parts.unusable(target)
    if reason is not None:
        _refused = asked
        warn(f"{tap.VARIABLE}={asked}: nothing is recorded: {reason}", WorkloadWarning)
        return
    run = os.environ.get(recorder.RUN_VARIABLE) or f"{recorder.new_run()}+"
    recording = recorder.Recorder(target, run.removesuffix("+"), anew=not run.endswith("+"))
    recording.start()
    atexit.register(_finish, recording)


def _finish(recording: recorder.Recorder) -> None:
    """At the end of the process nobody is there to catch an error.

    What is needed here is imported before: a module that makes a named tuple evaluates a text, and Python forgets by
    that (3.11) that it was an interrupt that ended the program, and exits with another code.
    """
    try:
        recording.finish()
    except WorkloadError as error:
        warn(str(error), WorkloadWarning)
