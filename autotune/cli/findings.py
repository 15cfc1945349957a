"""What `doctor` looks at: each examination gives findings, each warning has a remedy.

Takes its inputs as arguments, so that every finding can be provoked in a test.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from .. import settings
from ..compile import layers
from ..errors import LockError, SettingsError
from ..machine import fingerprint
from ..machine.cores import CoreBudget, usable_cores
from ..machine.fingerprint import available_memory_bytes, cpu_features, cpu_label
from ..machine.load import Load, current_load
from ..private import private_directory
from ..store import lockfile, mounts, store

#: Environment variables that make a BLAS use code for another processor than the one it finds.
BLAS_PINS = {
    "openblas": ("OPENBLAS_CORETYPE",),
    "mkl": ("MKL_DEBUG_CPU_TYPE", "MKL_ENABLE_INSTRUCTIONS"),
    "blis": ("BLIS_ARCH_TYPE",),
}
#: NumPy's names for AVX-512 on server processors, before and since 2.4.
AVX512 = {"AVX512_SKX", "X86_V4"}
#: OpenBLAS core types by what they need, weakest first (OpenBLAS, cpuid and DYNAMIC_ARCH lists, x86-64).
CORE_RANK = {"Prescott": 0, "Core2": 0, "Nehalem": 1, "Barcelona": 1, "Sandybridge": 2, "Bulldozer": 2, "Piledriver": 2,
             "Haswell": 3, "Zen": 3, "SkylakeX": 4, "Cooperlake": 5, "Sapphirerapids": 6}  # fmt: skip
#: A clock that takes longer to read than this makes samples inexact (MEASUREMENT.md, section 1: 42 ns).
SLOW_CLOCK_S = 1e-6
#: Names that this project installs; another distribution that brings one of them shadows it or is shadowed.
OUR_PACKAGES = ("autotune", "kernels", "tuning_db")


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    level: str  # ok, note or warning
    what: str
    found: str
    remedy: str = ""

    def data(self) -> dict[str, str]:
        return asdict(self)


def all_findings() -> list[Finding]:
    """Every examination of this machine and process."""
    from threadpoolctl import threadpool_info

    return [
        *processor(cpu_label(), fingerprint().hard["caches"], available_memory_bytes()),
        *cores(usable_cores()),
        *threading_layer(os.environ, layers.tbb_library() is not None, layers.expected_layer()),
        *blas(threadpool_info(), os.environ, cpu_features()),
        *load(current_load()),
        *timer(time.perf_counter),
        *configuration(settings.current),
        *lock(settings.current),
        *place(),
        *names(metadata.packages_distributions()),
    ]


def processor(label: str, caches: str, memory_bytes: int) -> Iterator[Finding]:
    yield Finding("ok", "processor", label)
    yield Finding("ok" if caches != "unknown" else "note", "caches", caches)
    yield Finding("ok", "memory available", f"{memory_bytes / 2**30:.1f} GiB")


def cores(budget: CoreBudget) -> Iterator[Finding]:
    considered = "; ".join(f"{what} {count:g}" for what, count in budget.limits)
    found = f"{budget.count}, limited by {budget.limited_by} ({considered})"
    if budget.count == 1:
        yield Finding("note", "usable cores", found, "variants with threads are not considered on one core")
    elif budget.limited_by in ("processors of the machine", "CPU affinity"):
        yield Finding("ok", "usable cores", found)
    else:
        yield Finding("note", "usable cores", found, f"raise {budget.limited_by} to use more; records are kept apart")


def threading_layer(environ: Mapping[str, str], has_tbb: bool, layer: str) -> Iterator[Finding]:
    if layer == "tbb":
        yield Finding("ok", "threading layer", "tbb: survives threads and forks, and does not collapse under load")
        return
    asked = environ.get("NUMBA_THREADING_LAYER", "")
    unset = f"unset NUMBA_THREADING_LAYER={asked}; tbb is installed"
    remedy = unset if asked and has_tbb else "pip install tbb"
    trouble = {
        "omp": "OpenMP: a busy neighbour can make a parallel kernel 80 times slower, and a forked child that enters "
        "one is killed; OMP_WAIT_POLICY=passive softens the first",
        "workqueue": "workqueue: the process is aborted when two threads enter a parallel kernel",
    }.get(layer, layer)
    yield Finding("warning", "threading layer", trouble, remedy)


def blas(pools: list[dict[str, Any]], environ: Mapping[str, str], features: list[str]) -> Iterator[Finding]:
    for pool in pools:
        if pool.get("user_api") != "blas":
            continue
        kind = pool.get("architecture", "unknown core type")
        found = f"{pool['internal_api']} {pool.get('version', '')}, {kind}, {pool.get('num_threads')} threads"
        pinned = [
            f"{name}={environ[name]}" for name in BLAS_PINS.get(str(pool["internal_api"]), ()) if environ.get(name)
        ]
        slower = bool(AVX512 & set(features)) and CORE_RANK.get(kind, 9) < CORE_RANK["SkylakeX"]
        if slower and pinned:
            yield Finding("warning", "BLAS", f"{found}; {', '.join(pinned)} pins code for a weaker processor than this",
                          f"unset {pinned[0].partition('=')[0]}")  # fmt: skip
        elif slower:
            yield Finding("note", "BLAS", f"{found}; the processor could run AVX-512 code", "update NumPy")
        else:
            yield Finding("ok", "BLAS", found)
            for pin in pinned:
                yield Finding("note", "BLAS", f"{pin} is set", "unset it unless it is meant")
    if not any(pool.get("user_api") == "blas" for pool in pools):
        yield Finding("note", "BLAS", "none that threadpoolctl knows", "install NumPy from PyPI or conda-forge")


def load(now: Load) -> Iterator[Finding]:
    if now.busy:
        yield Finding("warning", "load", str(now), "stop what else is running before calibrating")
    else:
        yield Finding("ok", "load", str(now))


def timer(clock: Callable[[], float]) -> Iterator[Finding]:
    costs = []
    for _ in range(101):
        first = clock()
        costs.append(clock() - first)
    cost = statistics.median(costs)
    if cost > SLOW_CLOCK_S:
        yield Finding("warning", "timer", f"{cost * 1e9:.0f} ns a reading: an emulated clock source",
                      "use the tsc clock source (/sys/devices/system/clocksource)")  # fmt: skip
    else:
        yield Finding("ok", "timer", f"{cost * 1e9:.0f} ns a reading")


def configuration(read: Callable[[], settings.Settings]) -> Iterator[Finding]:
    try:
        asked = read()
    except SettingsError as error:
        yield Finding("warning", "settings", str(error), "correct it; until then the references serve")
        return
    yield Finding(
        "ok", "settings", f"mode {asked.mode}, numerics {asked.numerics}, first-use budget {asked.budget_s:g} s"
    )


def lock(read: Callable[[], settings.Settings]) -> Iterator[Finding]:
    """The file that decides in mode `locked`."""
    try:
        asked = read()
        if not asked.locked:
            return
        count = len(lockfile.read(asked.lock_file()).decisions)
    except SettingsError:
        return  # which `configuration` tells
    except LockError as error:
        yield Finding("warning", "lock file", str(error), f"autotune freeze -o {asked.lock_file()}")
        return
    yield Finding("ok", "lock file", f"{asked.lock_file()}: {count} decisions; nothing else is obeyed")


def place() -> Iterator[Finding]:
    folder = store.root()
    if folder.is_file():
        yield Finding("note", "store", f"{folder}: an export of {len(store.load_all())} records, which is only read",
                      "set AUTOTUNE_DB to a directory to save records")  # fmt: skip
        return
    if not private_directory(folder):
        yield Finding("warning", "store", f"{folder}: is not a directory that only you may write",
                      "chmod 700 it, or choose another with AUTOTUNE_DB")  # fmt: skip
        return
    kind = mounts.network_file_system(folder)
    if kind is not None:
        yield Finding("warning", "store", f"{folder}: on {kind}, where a database cannot be shared safely",
                      "set AUTOTUNE_DB to a directory on a local disk")  # fmt: skip
        return
    records = store.load_all()
    here = sum(record.provenance.hard == dict(fingerprint().hard) for record in records)
    remedy = "" if here else "autotune calibrate"
    yield Finding(
        "ok" if here else "note", "store", f"{folder}: {len(records)} records, {here} for this machine", remedy
    )


def names(packages: Mapping[str, list[str]]) -> Iterator[Finding]:
    for package in OUR_PACKAGES:
        others = sorted(set(packages.get(package, [])) - {"autotune-kernels"})
        if others:
            yield Finding("warning", "package names", f"{package} is also installed by {', '.join(others)}",
                          f"pip uninstall {others[0]}, or use separate environments")  # fmt: skip
    if not any(set(packages.get(package, [])) - {"autotune-kernels"} for package in OUR_PACKAGES):
        yield Finding("ok", "package names", f"{', '.join(OUR_PACKAGES)} belong to autotune-kernels alone")
