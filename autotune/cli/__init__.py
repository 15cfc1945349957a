"""The command line: one file for each verb; the only room that prints or exits.

Exit codes: 0 done, 1 a check failed or an error, 2 wrong usage, 3 nothing recorded, 130 and 143 interrupted.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import NoReturn

from ..errors import AutotuneError


def main() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    _mend_streams()
    output = sys.stdout
    try:
        from .app import app

        code = app(standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BrokenPipeError:
        _abandon_output()  # the reader went away (`autotune list | head`): that is its right, and nothing to report
        code = 0
    except SystemExit:  # of a signal, or of click, which on a broken pipe puts another stream in its place
        if sys.stdout is output:
            raise
        _abandon_output()
        code = 0
    except AutotuneError as error:
        print(f"autotune: {error}", file=sys.stderr)
        code = 1
    except OSError as error:  # what an output leads to is full, or failing; every other file has an error of its own
        _abandon_output()
        print(f"autotune: the output cannot be written: {error.strerror}", file=sys.stderr)
        code = 1
    except Exception as error:  # the command line
        code = _usage(error)
    sys.exit(code if isinstance(code, int) else 0)


def _mend_streams() -> None:
    """Standard streams that were closed lead to nowhere; what a terminal cannot show is replaced."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the life of the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _abandon_output() -> None:
    """Let nothing be written to standard output any more, also not when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage(error: Exception) -> int:
    """Say what was wrong with the command, as click does; anything else is a defect and keeps its traceback."""
    import click

    if isinstance(error, click.Abort):
        return 128 + signal.SIGINT
    if isinstance(error, click.ClickException):
        error.show()
        return int(error.exit_code)
    raise error
