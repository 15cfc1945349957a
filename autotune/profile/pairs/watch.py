"""Regression watch: new code against that of a commit, or against a saved baseline.

With the old code at hand, old and new run interleaved, minutes apart at most, on the same machine: that is the sound
way. Without it, ratios to a reference are compared with those of an earlier day. That is weaker: what changed the
machine between the days (its neighbours, its clock, an update) changed old and new differently, a reference cancels
only what slows both alike, and one that became slower itself hides a slowdown. Knows nothing of the command line.
"""

from __future__ import annotations

import itertools
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from ... import settings
from ...errors import BaselineError
from ...machine import fingerprint
from ...measure.regression import LIMIT, PAIRS, Pair, Trial, Verdict, change, orders, unpaired
from . import baseline, temporary
from .baseline import Baseline, Saved
from .benchmarks import Benchmark
from .repository import Repository
from .side import Run, Side

OLD, NEW = "old", "new"
Tell = Callable[[str, int, int], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Entry:
    """One benchmark of a report."""

    name: str
    #: None where it was not compared; then `note` says why.
    verdict: Verdict | None = None
    note: str = ""
    #: Median time of a call now.
    seconds: float | None = None
    #: Whether the new code fails.
    failed: bool = False

    @property
    def bad(self) -> bool:
        return self.failed or (self.verdict is not None and self.verdict.change == "slower")


@dataclass(frozen=True)
class Report:
    """What a comparison found."""

    #: What was compared with, and whether its code ran beside the new.
    against: str
    paired: bool
    limit: float
    pairs: int
    seed: int
    entries: list[Entry]
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(entry.bad for entry in self.entries)


def with_commit(
    repository: Repository, commit: str, benchmarks: Sequence[Benchmark], *, pairs: int = PAIRS, seed: int,
    limit: float = LIMIT, tell: Tell = lambda doing, done, of: None,
) -> Report:  # fmt: skip
    """Compare the working tree with a commit, by randomised pairs of fresh processes.

    Parameters
    ----------
    repository : Repository
    commit : str
        Full hash.
    benchmarks : sequence of Benchmark
    pairs : int
        In one set; what looks slower, or differs much from run to run, is measured in further ones.
    seed : int
        Of the order within the pairs.
    limit : float
        Share of the time by which something may become slower.
    tell : callable
        Told what is being done, how many processes are done, and of how many.

    Raises
    ------
    BaselineError
        git fails, or a process dies or hangs.
    """
    user = repository.root
    with repository.worktree(commit) as tree, temporary.directory(BaselineError) as scratch:
        new, old = (
            Side(name, place, user, store_root=scratch / f"{name}-store", scratch=scratch)
            for name, place in ((NEW, user), (OLD, tree))
        )
        tell("tuning and compiling, new code", 0, 2 + 2 * pairs)
        first = new.prepare(settings.current().root, benchmarks)
        works = [one for one in benchmarks if not first[one.name].error]
        tell("tuning and compiling, old code", 1, 2 + 2 * pairs)
        before = old.prepare(new.store_root, works) if works else {}
        common = [one for one in works if not before[one.name].error]
        times: dict[str, list[float]] = {one.name: [] for one in common}

        def one_set(some: Sequence[Benchmark], number: int, tell: Callable[[int], None]) -> dict[str, list[Pair]]:
            found: dict[str, list[Pair]] = {one.name: [] for one in some}
            for index, order in enumerate(orders((OLD, NEW), pairs, seed + number)):
                runs = {}
                for place, side in enumerate(order):
                    tell(2 * index + place)
                    runs[side] = (old if side == OLD else new).run(some)
                for name, several in found.items():
                    several.append(Pair(runs[OLD][name].log, runs[NEW][name].log))
                    times[name].append(runs[NEW][name].log)
            return found

        trials = {one.name: Trial(change, limit) for one in common}
        _judged(common, trials, one_set, lambda doing, done, of: tell(doing, 2 + done, 2 + of), each=2 * pairs)
    entries = []
    for one in benchmarks:
        if one not in works:
            entries.append(Entry(one.name, note=f"fails: {first[one.name].error}", failed=True))
        elif one not in common:
            entries.append(Entry(one.name, note=f"new: {before[one.name].error}"))
        else:
            entries.append(Entry(one.name, trials[one.name].verdict, seconds=_typical(times[one.name])))
    return Report(commit, True, limit, pairs, seed, entries)


def _judged(
    benchmarks: Sequence[Benchmark], trials: Mapping[str, Trial[T]],
    one_set: Callable[[Sequence[Benchmark], int, Callable[[int], None]], Mapping[str, Sequence[T]]], tell: Tell, *,
    each: int,
) -> None:  # fmt: skip
    """Measure sets until nobody wants more; each of what still does. A set takes `each` processes."""
    for number in itertools.count():
        some = [one for one in benchmarks if trials[one.name].wants]
        if not some:
            return
        doing = f"set {number + 1}, {len(some)} benchmarks"
        found = one_set(some, number, _within(tell, doing, number * each, each))
        for name, runs in found.items():
            trials[name].add(runs)


def _within(tell: Tell, doing: str, before: int, each: int) -> Callable[[int], None]:
    """Tells how far a set is, after so many processes in others."""
    return lambda done: tell(doing, before + done, before + each)


def _typical(logs: Sequence[float]) -> float:
    """The time in the middle, in seconds."""
    return math.exp(statistics.median(logs))


def save(
    benchmarks: Sequence[Benchmark], *, root: Path, repository: Repository | None, pairs: int = PAIRS,
    tell: Tell = lambda doing, done, of: None,
) -> Baseline:  # fmt: skip
    """Measure ratios to the references, in as many fresh processes as a set has pairs.

    Raises
    ------
    BaselineError
        A benchmark fails, or a process dies or hangs.
    """
    total = 1 + pairs
    with temporary.directory(BaselineError) as scratch:
        side = _ready(root, scratch, benchmarks, lambda doing: tell(doing, 0, total))
        runs = _ratios(side, benchmarks, pairs, lambda doing, done: tell(doing, 1 + done, total))
    return Baseline(
        baseline.FORMAT, baseline.SCHEMA, repository.head if repository else "",
        repository.dirty if repository else True, dict(fingerprint().hard), fingerprint().label, baseline.versions(),
        round(time.time(), 0),
        [Saved(one, [baseline.rounded(run.ratio_log) for run in runs[one.name]]) for one in benchmarks],
    )  # fmt: skip


def with_saved(
    saved: Baseline, name: str, *, root: Path, only: Sequence[Benchmark] = (), pairs: int = PAIRS,
    limit: float = LIMIT, tell: Tell = lambda doing, done, of: None,
) -> Report:  # fmt: skip
    """Compare ratios to the references with those of a saved baseline.

    Parameters
    ----------
    saved, name
        The baseline, and what it is called.
    only : sequence of Benchmark
        What to measure; by default all that the baseline holds.

    Raises
    ------
    BaselineError
        It was made on another machine, or a process dies or hangs.
    """
    if saved.elsewhere:
        raise BaselineError(
            f"{name}: was saved on another machine ({saved.label}; {', '.join(saved.elsewhere)} differ), whose ratios "
            "mean nothing here; compare with the old code itself: autotune baseline compare --against COMMIT"
        )
    known = {one.benchmark.name: one for one in saved.benchmarks}
    benchmarks = list(only) or [one.benchmark for one in saved.benchmarks]
    with temporary.directory(BaselineError) as scratch:
        failures: dict[str, str] = {}
        side = _ready(root, scratch, benchmarks, lambda doing: tell(doing, 0, 1 + pairs), failures)
        common = [one for one in benchmarks if one.name in known and one.name not in failures]
        times: dict[str, list[float]] = {one.name: [] for one in common}

        def one_set(some: Sequence[Benchmark], number: int, tell: Callable[[int], None]) -> dict[str, list[float]]:
            runs = _ratios(side, some, pairs, lambda doing, done: tell(done))
            for name, found in runs.items():
                times[name] += [run.log for run in found]
            return {name: [run.ratio_log for run in found] for name, found in runs.items()}

        trials = {one.name: Trial(partial(unpaired, known[one.name].logs), limit) for one in common}
        _judged(common, trials, one_set, lambda doing, done, of: tell(doing, 1 + done, 1 + of), each=pairs)
    entries = []
    for one in benchmarks:
        if one.name in failures:
            entries.append(Entry(one.name, note=f"fails: {failures[one.name]}", failed=True))
        elif one.name not in known:
            entries.append(Entry(one.name, note=f"new: {name} does not hold it"))
        else:
            entries.append(Entry(one.name, trials[one.name].verdict, seconds=_typical(times[one.name])))
    notes = [
        "ratios to references, saved earlier: weaker than running the old code beside the new, because what changed "
        "between the days counts as a change of the code; use --against COMMIT where the old code is at hand",
        *(f"updated since: {what}" for what in saved.updated),
    ]
    return Report(name, False, limit, pairs, 0, entries, notes)


def _ready(
    root: Path, scratch: Path, benchmarks: Sequence[Benchmark], tell: Callable[[str], None],
    failures: dict[str, str] | None = None,
) -> Side:  # fmt: skip
    """The user's own code, tuned and compiled; failures are collected, or raised where nobody does."""
    side = Side(NEW, root, root, store_root=scratch / "store", scratch=scratch)
    tell("tuning and compiling")
    for name, run in side.prepare(settings.current().root, benchmarks).items():
        if run.error and failures is None:
            raise BaselineError(f"{name}: fails: {run.error}; nothing is saved")
        if run.error and failures is not None:
            failures[name] = run.error
    return side


def _ratios(
    side: Side, benchmarks: Sequence[Benchmark], count: int, tell: Callable[[str, int], None]
) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {one.name: [] for one in benchmarks}
    for number in range(count if benchmarks else 0):
        tell(f"run {number + 1} of {count}", number)
        for name, run in side.run(benchmarks, ratios=True).items():
            found[name].append(run)
    return found
