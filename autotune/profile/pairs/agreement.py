"""Whether a program gives the same with tuning as without: its standard output line by line, and the files it writes.

The first run without tuning is what others are held against. What differs between runs without tuning, such as times
and random numbers, says nothing about tuning and is counted apart. Knows nothing of how the program is run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .numbers import Difference, arrays, lines, values, worst

#: Files that are larger are compared byte by byte, not as numbers: reading two of them takes seconds.
MAX_READ_BYTES = 256 << 20


@dataclass
class Agreement:
    """What was compared, and what of it differs."""

    #: Lines or files that were compared.
    compared: int = 0
    #: Those that differ between runs without tuning, and those in which only times differ.
    varying: int = 0
    times: int = 0
    #: What is the same in every run without tuning and other in a run with it: line or file, how, expected, found.
    different: list[tuple[str, str, str, str]] = field(default_factory=list)
    #: Largest relative difference among numbers that agree.
    largest: float = 0.0

    @property
    def agrees(self) -> bool:
        return not self.different


class Held:
    """Things by name, held against those of the first run."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._varying: set[str] = set()
        self._times: set[str] = set()
        self._different: dict[str, tuple[str, str, str]] = {}
        self._largest: dict[str, float] = {}

    def note(self, name: str, difference: Difference, *, tuned: bool, expected: str = "", found: str = "") -> None:
        """One thing of a run after the first."""
        self._names[name] = None
        if difference.only_times:
            self._times.add(name)
        elif not difference.agrees and not tuned:
            self._varying.add(name)
        elif not difference.agrees:
            self._different.setdefault(name, (difference.what, expected, found))
        if tuned:
            self._largest[name] = max(self._largest.get(name, 0.0), difference.largest)

    def agreement(self) -> Agreement:
        different = [(name, *what) for name, what in self._different.items() if name not in self._varying]
        apart = self._varying | {name for name, *_ in different}
        largest = max((apart_by for name, apart_by in self._largest.items() if name not in apart), default=0.0)
        return Agreement(len(self._names), len(self._varying), len(self._times - apart), different, largest)


class Texts:
    """Standard outputs, line by line."""

    def __init__(self, first: bytes, tolerance: float) -> None:
        self._first = _lines_of(first)
        self._tolerance = tolerance
        self._held = Held()

    def add(self, output: bytes, *, tuned: bool) -> None:
        """The output of another run."""
        found = _lines_of(output)
        for number in range(max(len(self._first), len(found))):
            a, b = _item(self._first, number), _item(found, number)
            difference = lines(a, b, self._tolerance)
            self._held.note(f"line {number + 1}", difference, tuned=tuned, expected=a or "", found=b or "")

    def agreement(self) -> Agreement:
        return self._held.agreement()


class Files:
    """Files that runs have written, by their path in the working directory.

    Parameters
    ----------
    first : Mapping
        The files of the first run: path in the working directory → where the file is kept.
    """

    def __init__(self, first: Mapping[str, Path], tolerance: float) -> None:
        self._first = first
        self._tolerance = tolerance
        self._held = Held()

    def add(self, found: Mapping[str, Path], *, tuned: bool) -> None:
        """The files of another run."""
        for name in sorted({*self._first, *found}):
            one, other = self._first.get(name), found.get(name)
            if one is None or other is None:
                difference = Difference("is written with tuning alone" if one is None else "is not written with tuning")
            else:
                difference = files(one, other, self._tolerance)
            self._held.note(name, difference, tuned=tuned)

    def agreement(self) -> Agreement:
        return self._held.agreement()


def files(one: Path, other: Path, tolerance: float) -> Difference:
    """Compare two files: as numbers where their kind is known (.npy, .npz, .json, and text), else byte by byte."""
    if _same_bytes(one, other):
        return Difference()
    different = Difference(f"{one.stat().st_size:,} and {other.stat().st_size:,} bytes")
    if max(one.stat().st_size, other.stat().st_size) > MAX_READ_BYTES:
        return different
    try:
        if one.suffix in (".npy", ".npz"):
            return _numpy_files(one, other, tolerance)
        if one.suffix == ".json":
            return values(json.loads(one.read_bytes()), json.loads(other.read_bytes()), tolerance)
        return _text_files(one.read_bytes(), other.read_bytes(), tolerance) or different
    except (ValueError, OSError, EOFError, RecursionError):  # not what its name says
        return different


def _numpy_files(one: Path, other: Path, tolerance: float) -> Difference:
    with _arrays_of(one) as a, _arrays_of(other) as b:
        if a.keys() != b.keys():
            return Difference("other arrays")
        return worst([arrays(a[name], b[name], tolerance) for name in a])


@contextmanager
def _arrays_of(file: Path) -> Iterator[Mapping[str, np.ndarray[Any, Any]]]:
    """The arrays of a .npy or .npz file, by name; nothing pickled is read."""
    loaded = np.load(file, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        yield {"": loaded}
    else:
        with loaded:
            yield loaded


def _text_files(one: bytes, other: bytes, tolerance: float) -> Difference | None:
    """Compare two texts line by line; None where they are none."""
    if b"\0" in one or b"\0" in other:
        return None
    a, b = one.decode().splitlines(), other.decode().splitlines()
    found = [lines(_item(a, i), _item(b, i), tolerance) for i in range(max(len(a), len(b)))]
    wrong = [(i, difference.what) for i, difference in enumerate(found) if not difference.agrees]
    overall = worst(found)
    if overall.agrees or overall.only_times:
        return overall
    number, what = next((i, what) for i, what in wrong if what != "times")
    return Difference(f"{len(wrong)} of {len(found)} lines, first line {number + 1}: {what}", overall.largest)


def _same_bytes(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        while piece := a.read(1 << 20):
            if piece != b.read(1 << 20):
                return False
    return True


def _lines_of(output: bytes) -> list[str]:
    return output.decode("utf-8", "replace").splitlines()


def _item(texts: list[str], number: int) -> str | None:
    return texts[number] if number < len(texts) else None


def keep(found: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Copy files to a folder; where they are then."""
    return dict(_kept(found, folder))


def _kept(found: Mapping[str, Path], folder: Path) -> Iterator[tuple[str, Path]]:
    for name, path in found.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
        yield name, place
