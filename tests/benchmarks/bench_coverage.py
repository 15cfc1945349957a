"""The share of calls that the compiled path served, for every kernel and every example.

Run as ``python -m tests.benchmarks.bench_coverage``. Calibrates a store of its own first, or uses the one that
``AUTOTUNE_DB`` names. A kernel is called at every
size of the kernel benchmark, with arrays that were made here and with arrays that were pickled and unpickled; an
example runs whole. The first call of each kind in a process looks its decision up and is not counted; from then on
calls are counted by the interpreter (`sys.setprofile`), not by the code under test.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import re
import runpy
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from autotune.dispatch.dispatcher import Dispatcher
from tests.benchmarks.calibrated import run_calibrated
from tests.benchmarks.cells import all_cells
from tests.benchmarks.timing import report, verdict

LIMIT = 0.99
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
#: Code of the slow path.
SLOW = {Dispatcher.miss.__code__, Dispatcher.rescue.__code__}


class Calls:
    """Counts calls of tuned functions, and those of them that left the compiled path."""

    def __init__(self) -> None:
        self.all: Counter[str] = Counter()
        self.slow: Counter[str] = Counter()

    def _see(self, frame, event: str, _: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code in SLOW:
            self.slow[frame.f_locals["self"].kernel.name] += 1
        elif code.co_filename.startswith("<autotune "):
            name = re.split(r"[.:]", code.co_filename[:-1])[-1]
            if name == code.co_name:  # the public function, not what it calls
                self.all[name] += 1

    @contextlib.contextmanager
    def counted(self):
        sys.setprofile(self._see)
        try:
            yield
        finally:
            sys.setprofile(None)

    def share(self, name: str) -> float:
        return 1 - self.slow[name] / self.all[name]


def of_kernels() -> Calls:
    """Every cell called again and again, once it is known."""
    calls = Calls()
    for cell in all_cells():
        arguments = cell.make()
        unpickled = tuple(pickle.loads(pickle.dumps(a)) if isinstance(a, np.ndarray) else a for a in arguments)
        repeats = 3 if sum(getattr(a, "nbytes", 0) for a in arguments) > 1e6 else 50
        cell.tuned(*arguments)
        with calls.counted():
            for _ in range(repeats):
                cell.tuned(*arguments)
                cell.tuned(*unpickled)
    return calls


def of_example(file: Path) -> Calls:
    """A whole example, the second time in this process."""
    calls = Calls()
    module = runpy.run_path(str(file))
    main: Callable[[], None] = module["main"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main()
        with calls.counted():
            main()
    return calls


def measure() -> bool:
    """Print the shares; whether all are over the limit."""
    rows = []
    found = {"the benchmark's calls": of_kernels(), **{f.name: of_example(f) for f in sorted(EXAMPLES.glob("*.py"))}}
    for where, calls in found.items():
        for name in sorted(calls.all):
            share = calls.share(name)
            rows.append([where, name, f"{calls.all[name]:,}", str(calls.slow[name]), f"{share:.2%}", f"{LIMIT:.0%}",
                         verdict(share >= LIMIT)])  # fmt: skip
    report("Calls served by the compiled path", ["where", "kernel", "calls", "left it", "share", "limit", ""], rows)
    return all(row[-1] == "met" for row in rows)


def main() -> int:
    if sys.argv[1:] == ["measure"]:
        return 0 if measure() else 1
    return run_calibrated("tests.benchmarks.bench_coverage", "first-use", "measure")


if __name__ == "__main__":
    sys.exit(main())
