"""Calibrations of one signature, each in a process of its own, as a user runs them."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autotune.store.record import Choice, Decision, Record, Split, decode, lookup

#: Module and name of a kernel; the signature is that of float64.
Which = tuple[str, str]
SIX: Which = ("tests.benchmarks.six_candidates", "rms")
#: Prints the record of the only signature.
PRINT = """
import importlib, sys
from autotune.store import store
from autotune.store.record import encode
module, name = sys.argv[1:]
tuned = getattr(importlib.import_module(module), name)
found = store.load(tuned.__autotune__.kernel.id, numerics="reassociated")
sys.stdout.write(encode(next(iter(found.records.values()))))
"""


@contextlib.contextmanager
def store() -> Iterator[dict[str, str]]:
    """The environment of a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield {**os.environ, "AUTOTUNE_DB": folder, "AUTOTUNE_SHIPPED": "0"}


def calibrated(environ: Mapping[str, str], *options: str, which: Which = SIX) -> Record:
    """Calibrate, and what is recorded then."""
    module, name = which
    command = [sys.executable, "-m", "autotune", "calibrate", name, "--module", module, "--dtype", "float64", "--force"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([*command, "--json", *options], check=True, env=environ, **quiet)
    read = [sys.executable, "-c", PRINT, module, name]
    return decode(subprocess.run(read, check=True, env=environ, stdout=subprocess.PIPE, text=True).stdout)


@dataclass(frozen=True)
class Threshold:
    """A border between two winners."""

    below: Choice
    above: Choice
    at: int


def thresholds(decision: Decision) -> list[Threshold]:
    """All borders, smallest first."""
    borders: list[int] = []

    def walk(node: Decision) -> None:
        if isinstance(node, Split):
            walk(node.below)
            borders.append(node.at)
            walk(node.above)

    walk(decision)
    found = []
    for at in borders:
        below, above = winner(decision, at - 1), winner(decision, at)
        if below != above:
            found.append(Threshold(below, above, at))
    return found


def winner(decision: Decision, size: int) -> Choice:
    leaf = lookup(decision, {"n": size})
    assert leaf is not None
    return Choice(leaf.winner.variant, leaf.winner.params)


def typical_costs(records: Sequence[Record]) -> dict[int, dict[str, float]]:
    """By size and candidate: time over the best's, the worse of warm and cold, as the median over the records."""
    seen: dict[int, dict[str, list[float]]] = {}
    for record in records:
        for cell in record.cells:
            losses: dict[str, float] = {}
            for measured in (cell.measurements, cell.cold):
                best_s = min((m.median_s for m in measured), default=1.0)
                for m in measured:
                    losses[str(m.candidate)] = max(losses.get(str(m.candidate), 0.0), m.median_s / best_s)
            for name, loss in losses.items():
                seen.setdefault(cell.size["n"], {}).setdefault(name, []).append(loss)
    # A size that only some of them measured, because a decision failed there, says nothing of the others.
    typical = {
        size: {name: statistics.median(losses) for name, losses in by_name.items() if 2 * len(losses) > len(records)}
        for size, by_name in seen.items()
    }
    return {size: by_name for size, by_name in typical.items() if by_name}
