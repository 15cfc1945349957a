"""How quiet the machine is now, and what may disturb a measurement.

Knows nothing of kernels or of how a race reacts.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..value import Value
from .cores import usable_cores

#: Share of time in which some process waited for a processor, above which a machine counts as busy.
BUSY_PRESSURE_PERCENT = 20.0


class Load(Value):
    """Load of the machine."""

    #: Percent of the last ten seconds in which some task waited for a processor; None where the kernel does not tell.
    pressure_percent: float | None
    #: Runnable tasks over the last minute, for each usable core; None where the system does not tell.
    runnable_per_core: float | None

    @property
    def busy(self) -> bool:
        if self.pressure_percent is not None:
            return self.pressure_percent > BUSY_PRESSURE_PERCENT
        return self.runnable_per_core is not None and self.runnable_per_core > 1.0

    def __str__(self) -> str:
        parts = []
        if self.pressure_percent is not None:
            parts.append(f"tasks waited for a processor {self.pressure_percent:.0f} % of the last 10 s")
        if self.runnable_per_core is not None:
            parts.append(f"{self.runnable_per_core:.2f} runnable tasks a core over the last minute")
        return "; ".join(parts) or "unknown"


def current_load(root: Path = Path("/")) -> Load:
    """Read the load; costs some ten microseconds."""
    try:
        per_core: float | None = os.getloadavg()[0] / usable_cores(root=root).count
    except (OSError, AttributeError):
        per_core = None
    return Load(cpu_pressure_percent(root), per_core)


def cpu_pressure_percent(root: Path = Path("/")) -> float | None:
    """The ``avg10`` of CPU pressure (Linux PSI), or None."""
    try:
        text = (root / "proc/pressure/cpu").read_text()
    except OSError:
        return None
    for field in text.partition("\n")[0].split():
        name, _, value = field.partition("=")
        if name == "avg10":
            try:
                return float(value)
            except ValueError:
                return None
    return None
