"""``python -m tests``: the whole suite, in two steps.

What only computes runs first, in as many processes as there are cores (at most four), because compiling is what takes
its time. What measures time, or looks at how the process stands on the machine, runs after it, alone. Options are
handed to pytest: ``python -m tests -x``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent
#: Tests that measure nothing.
COMPUTING = (
    "kernels", "reliability/test_code_cache.py", "reliability/test_command_line.py",
    "reliability/test_foreign_records.py", "reliability/test_inputs.py", "reliability/test_locked.py",
    "test_benchmarks.py", "test_compile.py", "test_declaration.py", "test_gate.py",
    "test_packaging.py", "test_pytest_plugin.py", "test_regression.py", "test_report.py", "test_report_pages.py",
    "test_search.py", "test_signature.py", "test_store.py", "test_strategies.py", "test_upstream.py",
    "test_workload.py",
)  # fmt: skip


def main(options: list[str]) -> int:
    processes = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    paths = [str(TESTS / name) for name in COMPUTING]
    pytest = [sys.executable, "-m", "pytest", *options]
    steps = (
        [*pytest, "--numprocesses", str(processes), "--dist", "loadgroup", *paths],
        [*pytest, *(f"--ignore={path}" for path in paths)],
    )
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "ERRORS_MADE": str(Path(folder) / "errors_made.txt")}
        codes = [subprocess.run(step, check=False, cwd=TESTS.parent, env=environ).returncode for step in steps]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
