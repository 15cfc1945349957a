"""The table of trials: each row is a function that tries one kind of trouble many times and counts what went wrong.

Knows nothing of what is tried.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Outcome(NamedTuple):
    """What a row found. A sound project has noughts everywhere but in `tries`."""

    tries: int
    #: Crashes, hangs, limits missed, wrong exit codes: promises broken in some other way than the next two.
    faults: int = 0
    #: Records that were acknowledged or sound, and are gone.
    lost: int = 0
    #: Wrong results, or records that nobody wrote.
    wrong: int = 0
    #: The figures that belong to it: "slowest load 3 ms, limit 50".
    note: str = ""

    @property
    def sound(self) -> bool:
        return not (self.faults or self.lost or self.wrong)


class Row(NamedTuple):
    """One kind of trouble."""

    name: str
    #: What is tried, for the table.
    title: str
    #: How often, for the table; a test of the normal run tries it less often.
    tries: int
    function: Callable[[int], Outcome]


rows: dict[str, Row] = {}


def row(title: str, *, tries: int) -> Callable[[Callable[[int], Outcome]], Callable[[int], Outcome]]:
    """Enter a function in the table, under its own name.

    It is called with the number of tries in a process of its own, without pytest's fixtures; `places.own_store` gives
    it a store and an environment without the machine's settings.
    """

    def enter(function: Callable[[int], Outcome]) -> Callable[[int], Outcome]:
        name = function.__name__
        if name in rows and rows[name].function.__module__ != function.__module__:
            raise ValueError(f"two rows are named {name}")
        rows[name] = Row(name, title, tries, function)
        return function

    return enter


def all_rows() -> dict[str, Row]:
    """The rows of every file of this package, by name."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"{__package__}.{file.stem}")
    return rows
