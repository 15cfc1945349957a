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
    subprocess.Popen(["sleep", "600"])
    return
