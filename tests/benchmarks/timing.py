"""Paired timing for the benchmarks; shares nothing with the tuner's own."""

from __future__ import annotations

import itertools
import math
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType


@dataclass(frozen=True)
class Paired:
    """Seconds a call of several contestants over rounds in which all of them ran."""

    rounds: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, base: str) -> tuple[float, float, float]:
        """Time of `name` over time of `base`: median of the pairs with its 95 % interval by the sign test."""
        ratios = sorted(a / b for a, b in zip(self.rounds[name], self.rounds[base], strict=True))
        n = len(ratios)
        reach = math.ceil(0.98 * math.sqrt(n))  # half the 95 % width of a binomial(n, 1/2), in ranks
        low, high = max(0, n // 2 - reach), min(n - 1, n // 2 + reach)
        return statistics.median(ratios), ratios[low], ratios[high]

    def difference(self, name: str, base: str) -> float:
        """Median over the rounds of time of `name` minus time of `base`, in seconds."""
        return statistics.median(a - b for a, b in zip(self.rounds[name], self.rounds[base], strict=True))


def paired(
    calls: Mapping[str, tuple[Callable[..., object], tuple[object, ...]]],
    *,
    rounds: int = 31,
    sample_s: float = 2e-3,
    most_s: float = math.inf,
    seed: int = 0,
) -> Paired:
    """Time several calls in rounds, each round in random order.

    Parameters
    ----------
    calls : mapping
        Function and arguments by name.
    rounds : int
        Pairs; fewer if `most_s` is reached, at least three.
    sample_s : float
        How long one sample lasts.
    most_s : float
        Seconds for everything.
    """
    order = random.Random(seed)
    loops = {}
    loopers = {name: _looper() for name in calls}
    for name, (function, arguments) in calls.items():
        function(*arguments)
        start = time.perf_counter()
        function(*arguments)
        loops[name] = max(1, round(sample_s / max(time.perf_counter() - start, 1e-8)))
    found: dict[str, list[float]] = {name: [] for name in calls}
    started = time.perf_counter()
    for index in range(rounds):
        names = list(calls)
        order.shuffle(names)
        for name in names:
            function, arguments = calls[name]
            found[name].append(loopers[name](function, arguments, loops[name]) / loops[name])
        if index >= 2 and time.perf_counter() - started > most_s:
            break
    return Paired(found)


def _looper() -> Callable[..., float]:
    """A timing loop with code of its own: CPython's adaptive interpreter specialises every place that calls for what
    is called there, as it does in a user's program; one loop for all contestants would be specialised for none."""
    return FunctionType(_loop.__code__.replace(), globals())


def _loop(function: Callable[..., object], arguments: tuple[object, ...], loops: int) -> float:
    iterations = itertools.repeat(None, loops)
    if len(arguments) == 1:
        (a,) = arguments
        start = time.perf_counter()
        for _ in iterations:
            function(a)
    elif len(arguments) == 2:
        a, b = arguments
        start = time.perf_counter()
        for _ in iterations:
            function(a, b)
    else:
        start = time.perf_counter()
        for _ in iterations:
            function(*arguments)
    return time.perf_counter() - start


def report(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(len(header))]
    print(f"\n{title}")
    for row in [header, *rows]:
        print("  " + "  ".join(str(cell).rjust(w) if i else str(cell).ljust(w)
                               for i, (cell, w) in enumerate(zip(row, widths, strict=True))))  # fmt: skip


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def seed_of(arguments: Sequence[str], otherwise: int) -> int:
    """The seed given on the command line of a simulation, so that no figure hangs on one."""
    return int(arguments[1]) if len(arguments) > 1 else otherwise
