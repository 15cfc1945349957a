"""``python -m tests.benchmarks``: every benchmark in turn, each in a process of its own; 1 if one misses a limit.

Names choose some: ``python -m tests.benchmarks dispatch import``. Nothing else should run beside them.
"""

from __future__ import annotations

import subprocess
import sys

#: Quick ones first; `kernels` and `coverage` calibrate a store of their own.
NAMES = (
    "dispatch", "guard", "race", "thresholds", "search", "import", "worker", "first_use", "cost", "sampling",
    "recording", "regression", "calibrate", "kernels", "headlines", "coverage", "repeat", "load", "audit", "memory",
    "report", "workload",
)  # fmt: skip


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    missed = []
    for name in names or NAMES:
        code = subprocess.run([sys.executable, "-m", f"tests.benchmarks.bench_{name}"], check=False).returncode
        if code:
            missed.append(name)
    print("\nevery figure is met" if not missed else f"\nfigures are missed in: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
