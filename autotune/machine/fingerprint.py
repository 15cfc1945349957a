"""The fingerprint under which records are valid.

Hard fields decide whether a record is visible at all; soft fields only mark it stale; fields of compiled candidates
are read when compiled code is first needed, because reading them loads LLVM. Sources are /proc and /sys, `sysctl` on
macOS, the environment on Windows, and NumPy's own list of processor features: some milliseconds, once a process.

Knows nothing of kernels or records.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..value import Value
from .cores import CoreBudget, usable_cores

#: What is measured may take this share of the free memory (DESIGN.md, "Calibrate").
MAX_MEMORY_SHARE = 1 / 8

Run = Callable[[list[str]], str]


class Machine(Value):
    """What records are valid for."""

    hard: Mapping[str, str]
    soft: Mapping[str, str]
    cores: CoreBudget

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that are equal where records may be shared."""
        text = "\n".join(f"{name}={self.hard[name]}" for name in sorted(self.hard))
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    @property
    def label(self) -> str:
        """A short name for people: processor and usable cores."""
        return f"{self.hard['cpu']}, {self.cores.count} usable core{'s' if self.cores.count > 1 else ''}"


@lru_cache(maxsize=1)
def fingerprint() -> Machine:
    """The machine of this process, read once."""
    return read_fingerprint(system=platform.system(), root=Path("/"), environ=os.environ, run=_run)


def read_fingerprint(*, system: str, root: Path, environ: Mapping[str, str], run: Run) -> Machine:
    """The fingerprint from these sources.

    Parameters
    ----------
    system : str
        ``platform.system()``: Linux, Darwin or Windows; anything else is described by `platform` alone.
    root : Path
        Where /proc and /sys are looked for.
    environ : mapping
        The environment.
    run : callable
        Runs a command and gives its output, or "" if it fails.
    """
    cores = usable_cores(root=root, environ=environ)
    if system == "Linux":
        cpu, caches = _linux_cpu(root), linux_caches(root)
    elif system == "Darwin":
        cpu, caches = run(["sysctl", "-n", "machdep.cpu.brand_string"]).strip(), _darwin_caches(run)
    elif system == "Windows":
        cpu, caches = environ.get("PROCESSOR_IDENTIFIER", ""), {}
    else:
        cpu, caches = platform.processor(), {}
    hard = {
        "system": system,
        "architecture": platform.machine() or "unknown",
        "cpu": cpu or "unknown",
        "features": _features_hash(),
        "caches": " ".join(f"{name}={size}" for name, size in sorted(caches.items())) or "unknown",
        "cores": str(cores.bucket),
        "numpy": _minor(np.__version__),
        "python": f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}",
    }
    soft = {
        "kernel": platform.release(),
        "numpy_full": np.__version__,
        "python_full": platform.python_version(),
        "usable_cores": str(cores.count),
    }
    return Machine(hard, soft, cores)


def _linux_cpu(root: Path) -> str:
    """Model name; on Arm, where there is none, implementer and part."""
    fields: dict[str, str] = {}
    try:
        with open(root / "proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            for line in handle:
                name, colon, value = line.partition(":")
                if not colon and fields:
                    break  # the first processor is described
                fields.setdefault(name.strip(), value.strip())
    except OSError:
        return ""
    if "model name" in fields:
        return " ".join(
            [fields["model name"], *(f"{n}={fields[n]}" for n in ("cpu family", "model", "stepping") if n in fields)]
        )
    return " ".join(f"{n}={fields[n]}" for n in ("CPU implementer", "CPU part", "CPU variant") if n in fields)


def linux_caches(root: Path = Path("/")) -> dict[str, str]:
    """Data and unified caches of the first processor, by level: ``{"L1": "32K", …}``."""
    found = {}
    for folder in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind = (folder / "type").read_text().strip()
            level, size = (folder / "level").read_text().strip(), (folder / "size").read_text().strip()
        except OSError:
            continue
        if kind in ("Data", "Unified"):
            found[f"L{level}"] = size
    return found


def _darwin_caches(run: Run) -> dict[str, str]:
    names = {"L1": "hw.l1dcachesize", "L2": "hw.l2cachesize", "L3": "hw.l3cachesize"}
    found = {level: run(["sysctl", "-n", name]).strip() for level, name in names.items()}
    return {level: size for level, size in found.items() if size.isdigit() and int(size) > 0}


def cache_bytes(text: str) -> int:
    """Bytes of a size as /sys and sysctl write it: ``"32K"``, ``"32768K"``, ``"1M"``, ``"65536"``."""
    units = {"K": 1024, "M": 1024**2, "G": 1024**3}
    unit = text[-1:].upper()
    digits = text[:-1] if unit in units else text
    return int(digits) * units.get(unit, 1) if digits.isdigit() else 0


def last_level_cache_bytes() -> int:
    """Size of the last-level cache in bytes; 32 MiB where the system does not tell (a common size of today)."""
    sizes = _cache_sizes()
    return cache_bytes(sizes[max(sizes)]) if sizes else 32 << 20


def first_level_cache_bytes() -> int:
    """Size of a core's first data cache in bytes; 32 KiB where the system does not tell."""
    return cache_bytes(_cache_sizes().get("L1", "32K"))


def _cache_sizes() -> dict[str, str]:
    return dict(part.split("=", 1) for part in fingerprint().hard["caches"].split() if "=" in part)


def cpu_features() -> list[str]:
    """Processor features as NumPy found them: what its own loops, and the reference, depend on."""
    module: Any = importlib.import_module("numpy._core._multiarray_umath")
    features: Mapping[str, bool] = getattr(module, "__cpu_features__", {})
    return sorted(name for name, found in features.items() if found)


def _features_hash() -> str:
    return hashlib.blake2b(" ".join(cpu_features()).encode(), digest_size=6).hexdigest()


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _run(command: list[str]) -> str:
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


@lru_cache(maxsize=1)
def compiled_fields() -> Mapping[str, str]:
    """What compiled candidates depend on beside the machine's own fields; loads LLVM.

    All are hard but ``threads``, which tells on how many Numba's parallel code was measured: the usable cores, which
    are fields of the machine already.
    """
    import llvmlite.binding

    from ..compile import layers

    numba: Any = importlib.import_module("numba")

    return {
        "numba": _minor(numba.__version__),
        "llvm_cpu": llvmlite.binding.get_host_cpu_name(),
        "layer": layers.expected_layer(),
        "wait_policy": layers.wait_policy(),
        "threads": str(min(fingerprint().cores.count, numba.config.NUMBA_NUM_THREADS)),
    }


def cpu_label() -> str:
    """The processor's marketing name by py-cpuinfo, which takes over a second: for `calibrate` only."""
    import cpuinfo

    return str(cpuinfo.get_cpu_info().get("brand_raw") or fingerprint().hard["cpu"])


def available_memory_bytes() -> int:
    """Memory that this process can have without swapping and within the address space it is allowed, as workers are."""
    import psutil

    available = int(psutil.virtual_memory().available)
    if sys.platform == "linux":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            available = min(available, max(0, limit - psutil.Process().memory_info().vms))
    return available


def too_large(needed_bytes: float) -> bool:
    """Whether calls whose arguments, copies and results need so much are left unmeasured."""
    return needed_bytes > available_memory_bytes() * MAX_MEMORY_SHARE
