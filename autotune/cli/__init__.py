"""The command line: one file for each verb; the only room that prints or exits.

Exit codes: 0 done, 1 a check failed or an error, 2 wrong usage, 3 nothing recorded, 130 and 143 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from ..errors import AutotuneError


def main() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        from .app import app

        code = app(standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader went away (`autotune list | head`): that is its right, and nothing to report.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except AutotuneError as error:
        print(f"autotune: {error}", file=sys.stderr)
        code = 1
    except Exception as error:  # the command line
        code = _usage(error)
    sys.exit(code if isinstance(code, int) else 0)


def _usage(error: Exception) -> int:
    """Say what was wrong with the command, as click does; anything else is a defect and keeps its traceback."""
    import click

    if isinstance(error, click.Abort):
        return 128 + signal.SIGINT
    if isinstance(error, click.ClickException):
        error.show()
        return int(error.exit_code)
    raise error
