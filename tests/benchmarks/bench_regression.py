"""Regression watch: false alarms on identical code, and slowdowns of 8 % found.

Run as ``python -m tests.benchmarks.bench_regression [SEED]``. Two hundred real comparisons, each of 28 processes or
more, would take hours, so most are judged on recorded runs (`tests.benchmarks.runs`: fresh processes that timed
unchanged functions one after the other, on a calm machine and beside a busy process on every core). A comparison
begins at a random run of a function and goes on with those that followed, after the last with the first: neighbours
are a pair, which of them counts as old is drawn. No run is used twice in one comparison; as there are fewer runs than
the comparisons need, different ones share runs. The slowdown is added to the recorded times of the new side. Then some
comparisons are made for real, with processes, worktrees and slower code.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from autotune.measure.regression import PAIRS, Pair, Trial, change
from autotune.profile.pairs import benchmarks, watch
from autotune.profile.pairs.repository import repository_of
from tests.benchmarks.runs.record import NAMES, load
from tests.benchmarks.timing import report, seed_of, verdict
from tests.reliability.places import own_store

#: Comparisons on recorded runs, of each kind of noise.
COMPARISONS = 600
SLOWDOWN = 0.08
#: Limits: one false alarm in 200, and slowdowns found.
ALARMS, FOUND = 1 / 200, 0.9
#: Comparisons made for real, each of three functions, with and without a slowdown.
REAL = 3
#: Work in passes whose number is what the slowdown changes: 108 for 100.
LIBRARY = """
import numpy as np

def interpreter(x, passes=100):
    total = 0
    for _ in range(passes):
        for i in range(20):
            total += i * i
    return total

def elementwise(x, passes=100):
    for _ in range(passes):
        np.sqrt(x[:1000])

def sorting(x, passes=100):
    for _ in range(passes):
        np.sort(x[:300])
"""
FILE = """
import library

def inputs_interpreter(rng):
    return (rng.random(3000),)

inputs_elementwise = inputs_sorting = inputs_interpreter

def bench_interpreter(x):
    library.interpreter(x)

def bench_elementwise(x):
    library.elementwise(x)

def bench_sorting(x):
    library.sorting(x)
"""


def sets(recorded: np.ndarray, slower: float, rng: random.Random) -> Iterator[list[Pair]]:
    """Sets of pairs from a random run on, the new ones slowed down; as many as there are without using a run again."""
    start = rng.randrange(len(recorded))
    following = np.roll(recorded, -start)
    for first in range(0, len(following) - 2 * PAIRS + 1, 2 * PAIRS):
        found = []
        for one, other in following[first : first + 2 * PAIRS].reshape(-1, 2):
            old, new = (one, other) if rng.random() < 0.5 else (other, one)
            found.append(Pair(float(old), float(new) + math.log(1 + slower)))
        yield found


def simulated(noise: str, slowdown: float, seed: int) -> tuple[float, dict[str, float], float]:
    """Share of comparisons that report a slowdown, in all and by function, and the pairs that one took on average."""
    rng = random.Random(seed)
    recorded = load(noise)
    said: dict[str, list[bool]] = {name: [] for name in recorded}
    taken = 0
    for number in range(COMPARISONS):
        name = [*recorded][number % len(recorded)]
        trial, more = Trial(change), sets(recorded[name], slowdown, rng)
        while trial.wants:
            trial.add(next(more))
            taken += PAIRS
        said[name].append(trial.verdict.change == "slower")
    by_function = {name: sum(found) / len(found) for name, found in said.items()}
    return sum(map(sum, said.values())) / COMPARISONS, by_function, taken / COMPARISONS


def real(slowdown: float, seed: int) -> list[str]:
    """The verdicts of real comparisons: a commit, then its code with more passes, or with a comment."""
    said = []
    with own_store() as folder:
        root = folder / "project"
        root.mkdir()
        (root / "library.py").write_text(LIBRARY)
        (root / "bench.py").write_text(FILE)
        parts = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
        identity = dict.fromkeys(parts, "bench@example.org")
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "old"]):
            subprocess.run(["git", *arguments], cwd=root, check=True, env={**os.environ, **identity})
        text = LIBRARY.replace("passes=100", f"passes={round(100 * (1 + slowdown))}")
        (root / "library.py").write_text(f"{text}\n# edited\n")
        before = Path.cwd()
        os.chdir(root)
        try:
            repository = repository_of(root)
            chosen = benchmarks.of_file("bench.py", root)
            for number in range(REAL):
                found = watch.with_commit(repository, repository.head, chosen, seed=seed + number)
                said += [entry.verdict.change for entry in found.entries if entry.verdict is not None]
        finally:
            os.chdir(before)
    return said


def main() -> int:
    seed = seed_of(sys.argv, 20260101)
    rows, worst = [], []
    for noise in NAMES:
        for slowdown, title, limit in ((0.0, "false alarms", ALARMS), (SLOWDOWN, "slowdowns of 8 % found", FOUND)):
            share, by_function, taken = simulated(noise, slowdown, seed)
            met = share >= limit if slowdown else share <= limit
            rows.append([
                f"{noise} machine, recorded runs", title, str(COMPARISONS), f"{taken:.0f}", f"{share:.1%}",
                f"{limit:.1%}", verdict(met),
            ])  # fmt: skip
            if slowdown:
                each = ", ".join(f"{name.removeprefix('bench_')} {part:.0%}" for name, part in by_function.items())
                worst.append(f"found on the {noise} machine: {each}")
    for slowdown, title in ((0.0, "false alarms"), (SLOWDOWN, "slowdowns of 8 % found")):
        said = real(slowdown, seed)
        share = said.count("slower") / len(said)
        met = share >= FOUND if slowdown else share == 0
        rows.append(["this machine, real processes", title, str(len(said)), "", f"{share:.1%}", "", verdict(met)])
    runs = ", ".join(f"{len(next(iter(load(noise).values())))} {noise}" for noise in NAMES)
    report(
        f"Regression watch, sets of {PAIRS} pairs; recorded runs of each of {len(load(NAMES[0]))} functions: {runs}",
        ["noise", "", "comparisons", "pairs", "share", "limit", ""], rows,
    )  # fmt: skip
    print("\n".join(worst))
    return 0 if all(row[-1] == "met" for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
