"""The command line in this process: for tests of what a verb says, where a process of its own would only take time."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
from unittest import mock

from autotune import cli


def called(*arguments: object, check: int = 0) -> subprocess.CompletedProcess[str]:
    """What ``autotune`` with these arguments prints; it must exit with this code."""
    words = ["autotune", *map(str, arguments)]
    output, errors = io.StringIO(), io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    try:
        with (
            mock.patch.object(sys, "argv", words),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            cli.main()
    except SystemExit as ended:
        done = subprocess.CompletedProcess(words, int(ended.code or 0), output.getvalue(), errors.getvalue())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
    return done
