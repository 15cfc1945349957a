"""A saved baseline: how long each benchmark takes in units of its reference, as a readable JSON file to keep or commit.

``.autotune/NAME.json`` beside the code. Times are never kept: ratios to the reference of a kernel, or to the yardstick
of `measuring`, which were timed in the same processes. Knows nothing of how they are measured.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
from importlib import metadata
from pathlib import Path

import msgspec

from ... import __version__
from ...errors import BaselineError
from ...machine import fingerprint
from .. import document, head
from .benchmarks import Benchmark

#: What the file says of itself, and the number of its schema; a higher one was written by a newer autotune.
FORMAT = "autotune baseline"
SCHEMA = 1
FOLDER, DEFAULT = ".autotune", "baseline"
#: Five digits: the sixth of a median is noise.
DIGITS = 5
#: A baseline of 10,000 benchmarks has 3 MB.
MAX_BYTES = 64 << 20
#: Fields of the machine in which ratios cannot be compared with those of another one; versions only are named.
HARDWARE = ("system", "architecture", "cpu", "features", "caches", "cores")


class Saved(msgspec.Struct, frozen=True):
    """One benchmark."""

    benchmark: Benchmark
    #: Time over that of the reference, one of each run.
    ratios: list[float]

    @property
    def logs(self) -> list[float]:
        return [math.log(ratio) for ratio in self.ratios]


class Baseline(msgspec.Struct, frozen=True):
    """What was saved, when and where."""

    format: str
    schema: int
    #: The commit that was checked out; empty without git. Dirty: the code was not that of the commit.
    commit: str
    dirty: bool
    #: Hard fields of the machine, its name, and what was installed.
    machine: dict[str, str]
    label: str
    versions: dict[str, str]
    #: Seconds since 1970, UTC.
    saved_s: float
    benchmarks: list[Saved]

    @property
    def elsewhere(self) -> list[str]:
        """In what this machine is another one."""
        here = fingerprint().hard
        return [name for name in HARDWARE if self.machine.get(name) != here.get(name)]

    @property
    def updated(self) -> list[str]:
        """Versions that are others now: ``"numpy 2.3.0, now 2.4.6"``."""
        now = versions()
        return [
            f"{name} {self.versions.get(name, 'none')}, now {now.get(name, 'none')}"
            for name in sorted({*self.versions, *now}) if self.versions.get(name) != now.get(name)
        ]  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of what times depend on."""
    found = {"python": platform.python_version(), "autotune": __version__}
    for name in ("numpy", "numba", "scipy"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def file_of(name: str, root: Path) -> Path:
    """Where the baseline of a name lies; a name with a suffix or a directory is a path."""
    return Path(name) if name.endswith(".json") or os.sep in name else root / FOLDER / f"{name}.json"


def write(baseline: Baseline, file: Path) -> None:
    """Save a baseline: all of it, or what was there before stays.

    Raises
    ------
    BaselineError
        It cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(baseline), indent=1) + b"\n"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        document.write_whole(file, text)
    except OSError as error:
        raise BaselineError(f"{file}: the baseline cannot be written: {error.strerror}") from error


def read(file: Path) -> Baseline:
    """A saved baseline.

    Raises
    ------
    BaselineError
        It cannot be read, is damaged, foreign, or of a newer autotune.
    """
    try:
        content = document.content_of(file, MAX_BYTES)
        found = head.decode(content, Baseline, format=FORMAT, schema=SCHEMA, otherwise="is no baseline")
        for saved in found.benchmarks:
            if not saved.ratios or not all(0 < ratio < math.inf for ratio in saved.ratios):
                raise ValueError(f"holds ratios that are none, of {saved.benchmark.name}")
    except OSError as error:
        raise BaselineError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BaselineError(f"{file}: {error}; save it again: autotune baseline save") from None
    return found


def rounded(log: float) -> float:
    """A ratio by its logarithm, as it is kept."""
    return float(f"{math.exp(log):.{DIGITS}g}")
