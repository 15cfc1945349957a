"""Entry points that test_worker runs in the isolated process."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time


def _try(emit, name):
    emit({"step": "try", "candidate": name, "deadline_s": 0.5 if "hang" in name else 30})


def echo(job, emit):
    emit({"progress": 1})
    return job["value"]


def pid(job, emit):
    return os.getpid()


def fail(job, emit):
    raise ValueError("on purpose")


def segfault(job, emit):
    _try(emit, "segfault")
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def abort(job, emit):
    _try(emit, "abort")
    os.abort()


def leave(job, emit):
    _try(emit, "leave")
    os._exit(7)


def hang(job, emit):
    _try(emit, "hang")
    time.sleep(600)


def hang_holding_the_gil(job, emit):
    _try(emit, "hang_holding_the_gil")
    ctypes.PyDLL(None).sleep(600)


def close_everything(job, emit):
    _try(emit, "close_everything")
    os.closerange(0, 64)
    time.sleep(0.1)


def print_much(job, emit):
    for _ in range(1000):
        print("x" * 100_000)
    os.write(1, b"raw")
    print("y", file=sys.stderr)
    return "done"


def allocate(job, emit):
    try:
        bytearray(job["bytes"])
    except MemoryError:
        return "MemoryError"
    return "allocated"


def spoil(job, emit):
    os.chdir("/")
    os.environ["SPOILED"] = "1"
    return


def start_a_child(job, emit):
    emit({"progress": subprocess.Popen(["sleep", "600"]).pid})


def exit_python(job, emit):
    sys.exit(3)


def count_output(job, emit):
    """What the meter says of output by Python, by the process and by a C library, and of output without end."""
    meter = sys.stdout.meter
    found = {}
    for name, write in (
        ("python", lambda: print("four")),
        ("raw", lambda: os.write(2, b"raw")),
        ("library", lambda: ctypes.CDLL(None).printf(b"four")),
    ):
        meter.reset()
        write()
        found[name] = meter.read()
    try:
        while True:
            os.write(1, b"x" * 100_000)
    except OSError as error:
        found["beyond"] = type(error).__name__
    meter.reset()
    found["after"] = meter.read()
    return found


def where(job, emit):
    return [os.getcwd(), os.environ.get("SPOILED")]


def start_a_child_and_hang(job, emit):
    emit({"progress": subprocess.Popen(["sleep", "600"]).pid})
    hang(job, emit)


def start_a_child_and_die(job, emit):
    emit({"progress": subprocess.Popen(["sleep", "600"]).pid})
    os.abort()


def pid_and_parent(job, emit):
    return [os.getpid(), os.getppid()]


def is_loaded(job, emit):
    return job["module"] in sys.modules


def compute_in_parallel(job, emit):
    """Whether BLAS and Numba give what they should, each with its threads."""
    import numba
    import numpy as np

    @numba.njit(parallel=True)
    def total(x):
        s = 0.0
        for i in numba.prange(x.size):
            s += x[i]
        return s

    a = np.random.default_rng(0).standard_normal((300, 300))
    right = np.allclose(a @ a, np.einsum("ij,jk->ik", a, a))
    return [bool(right), total(np.ones(10_000)) == 10_000.0]


def import_all(job, emit):
    for name in job["modules"]:
        __import__(name)
