"""A module to calibrate in a few seconds, with the real command, and looking after its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

#: Many signatures that take little time each, so that something is acknowledged all the time.
MODULE = '''
import numpy as np
from autotune import Choice, Range, tunable

@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, dtype, n: (rng.standard_normal(n).astype(dtype),),
    calibrate={"n": Range(1, 40), "dtype": Choice("float32", "float64", "complex64", "complex128"),
               "layout": Choice("C", "strided")},
)
def total(x):
    """Sum."""
    return np.sum(x)

@total.variant(kind="vectorized")
def by_reduce(x):
    return np.add.reduce(x)

@total.variant(kind="vectorized")
def by_dot(x):
    return np.dot(x, np.ones(x.size, x.dtype))
'''

#: The same with a compiled variant, so that killing meets compilers and the code cache too.
COMPILED = (
    MODULE
    + """
@total.variant(kind="scalar", jit=True)
def loop(x):
    found = x.dtype.type(0)
    for i in range(x.size):
        found += x[i]
    return found
"""
)


def start(module: Path, *more: str, **options: object) -> subprocess.Popen[str]:
    """`autotune calibrate`, in a session of its own."""
    command = [sys.executable, "-m", "autotune", "calibrate", "-m", str(module), "--effort", "quick", *more]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, **options,
    )  # type: ignore[call-overload]  # fmt: skip


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """A process with all it has started, the youngest last."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def left_of(processes: list[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Which of some processes are still there, but for zombies, after at most so long."""
    until = time.monotonic() + within_s
    while True:
        alive = [process for process in processes if _is_alive(process)]
        if not alive or time.monotonic() > until:
            return alive
        time.sleep(0.02)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
