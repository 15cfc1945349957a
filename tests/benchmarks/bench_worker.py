"""What an isolated process costs: a new Python against one forked by the server, until the first job has answered.

Run as ``python -m tests.benchmarks.bench_worker``. Interleaved rounds; both have NumPy, Numba and the tuner imported
when they answer. The server's own start, which the first worker of a process pays, is told beside it.
"""

from __future__ import annotations

import statistics
import sys
import time

from autotune.measure import forkserver
from autotune.measure.worker import Worker
from tests.benchmarks.timing import report, verdict

ROUNDS = 15
NEEDED = ("autotune.tuner.job", "autotune.tuner.trial_job", "numba")
#: A replacement must cost milliseconds where a new Python costs a second (MEASUREMENT.md, section 6: 6 ms and 0.9 s).
LEAST_RATIO = 10.0


def start_s(*, fork: bool) -> float:
    """Seconds until a new worker has answered its first job."""
    started = time.perf_counter()
    with Worker(fork=fork, preload=NEEDED) as worker:
        *_, answer = worker.run("tests.worker_jobs:import_all", {"modules": NEEDED})
        took_s = time.perf_counter() - started
        assert answer == {"result": None}, answer
        assert worker.fork == fork, "the server refused to fork"
    return took_s


def main() -> int:
    if not Worker().fork:
        print("this system has no fork server")
        return 0
    first = start_s(fork=True)
    rounds = [(start_s(fork=False), start_s(fork=True)) for _ in range(ROUNDS)]
    forkserver.shut_down()
    spawned, forked = (statistics.median(times) for times in zip(*rounds, strict=True))
    ratios = sorted(a / b for a, b in rounds)
    ratio = statistics.median(ratios)
    report(
        f"Start of a worker with Numba until its first answer, medians of {ROUNDS} interleaved rounds",
        ["how", "time", "spawn / fork", "range", f"at least {LEAST_RATIO:.0f}"],
        [
            ["a new Python", f"{spawned * 1e3:.0f} ms", "", "", ""],
            ["forked by the server", f"{forked * 1e3:.1f} ms", f"{ratio:.0f} x", f"{ratios[0]:.0f} – {ratios[-1]:.0f}",
             verdict(ratio >= LEAST_RATIO)],
            ["forked, the server's start included", f"{first * 1e3:.0f} ms", "", "", ""],
        ],
    )  # fmt: skip
    return 0 if ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
