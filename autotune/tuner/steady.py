"""The conditions under which everything is verified and measured, in the worker and in the user's own process.

Threads are limited to the usable cores, output is swallowed, and the state of the process is put back afterwards.

Where candidates run:

* **In a worker** (`measure.worker`): all that `calibrate` tries, and the compiled variants of first use. It needs to
  import the kernel: from its module, or, for a script, from its file, if the script keeps its work under
  ``if __name__ == "__main__":``, as multiprocessing asks for as well. A hang or crash costs the candidate.
* **In this process**: kernels of notebooks and prompts, of scripts without a main guard, of functions (``<locals>``),
  and what takes part in first use without compiled code. A candidate that raises, prints, is wrong or changes the
  process is refused here too; one that hangs or crashes takes the process along, memory is not limited, and what
  native code writes to the standard output is shown. Who wants such a kernel isolated moves it to a module, which a
  notebook then imports: ``%%writefile mykernels.py``, ``from mykernels import mine``.

Knows nothing of candidates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..machine import fingerprint
from ..measure.output import swallowed
from ..measure.state import preserved
from ..measure.threads import limited
from ..measure.worker import Worker


@contextlib.contextmanager
def steady_state() -> Iterator[None]:
    """Limit threads, swallow output, and put back on leaving what candidates changed of the process."""
    with preserved(), swallowed(), limited(fingerprint().cores.count):
        yield


def worker(*, compiled: bool) -> Worker:
    """A worker for jobs of the tuner, with what they need imported where it can be.

    Parameters
    ----------
    compiled : bool
        Whether some candidate needs Numba, which takes most of the time.
    """
    needed = ("autotune.tuner.job", "autotune.tuner.trial_job", *(("numba",) if compiled else ()))
    return Worker({"AUTOTUNE_MODE": "use"}, preload=needed)
