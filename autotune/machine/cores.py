"""How many cores this process may use, and what limits them: affinity, cgroup quota, environment.

Knows nothing of threading layers or kernels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

from ..value import Value


class CoreBudget(Value):
    """Usable cores with everything that was considered."""

    count: int
    #: (what, cores) for each limit found, the tightest first.
    limits: tuple[tuple[str, float], ...]

    @property
    def limited_by(self) -> str:
        return self.limits[0][0]

    @property
    def bucket(self) -> int:
        """The power of two that records are kept by: 1, 2, 4, 8, …"""
        return 1 << (self.count.bit_length() - 1)


def usable_cores(*, root: Path = Path("/"), environ: Mapping[str, str] | None = None) -> CoreBudget:
    """The cores that this process may keep busy.

    Parameters
    ----------
    root : Path
        Where /proc and /sys are looked for.
    environ : mapping
        The environment; the process's own by default.
    """
    environ = os.environ if environ is None else environ
    limits: list[tuple[str, float]] = [("processors of the machine", float(os.cpu_count() or 1))]
    if hasattr(os, "sched_getaffinity"):
        limits.append(("CPU affinity", float(len(os.sched_getaffinity(0)))))
    quota = cgroup_quota(root)
    if quota is not None:
        limits.append(("cgroup CPU quota", quota))
    threads = environ.get("NUMBA_NUM_THREADS", "")
    if threads.isdigit() and int(threads) > 0:
        limits.append(("NUMBA_NUM_THREADS", float(threads)))
    limits.sort(key=lambda limit: limit[1])  # stable: of equal limits the more general is named
    return CoreBudget(max(1, math.floor(limits[0][1])), tuple(limits))


def cgroup_quota(root: Path = Path("/")) -> float | None:
    """Cores that the control groups of this process allow, or None without a limit."""
    quotas = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        hierarchy, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if hierarchy == "0" and not controllers:
            quotas += [_quota_v2(folder) for folder in _with_parents(root / "sys/fs/cgroup", path)]
        elif "cpu" in controllers.split(","):
            for mount in ("cpu", "cpu,cpuacct"):
                quotas += [_quota_v1(folder) for folder in _with_parents(root / "sys/fs/cgroup" / mount, path)]
    found = [quota for quota in quotas if quota is not None]
    return min(found) if found else None


def _with_parents(mount: Path, path: str) -> list[Path]:
    """The group's folder and those above it: a limit anywhere on the way counts. In a container only the mount is."""
    folder = mount / path.strip("/")
    folders = [folder]
    while folder != mount and mount in folder.parents:
        folder = folder.parent
        folders.append(folder)
    return folders


def _quota_v2(folder: Path) -> float | None:
    fields = _read(folder / "cpu.max").split()
    if len(fields) != 2 or not fields[0].isdigit() or not fields[1].isdigit() or int(fields[1]) == 0:
        return None
    return int(fields[0]) / int(fields[1])


def _quota_v1(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip()
    if not quota.isdigit() or not period.isdigit() or int(period) == 0:
        return None
    return int(quota) / int(period)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
