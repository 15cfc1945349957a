"""Old or new code, measured in fresh processes: where it lies, and a store of its own.

Each side has a store of its own, because a record holds for the source that it was made for: what the user has recorded
is copied to the new side, and what that lacks is tuned there; the result is copied to the old side, and what differs
there is tuned again. So both are measured as tuned, and what is the same in both is decided the same. Knows nothing of
what the times mean.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import settings
from ...errors import BaselineError
from ...store import store
from . import launch, measuring
from .benchmarks import Benchmark

#: A process that tunes may take this long beside so much for each benchmark; one that measures, so many times what the
#: tuning one took, and at least so long (MEASUREMENT.md, section 6).
TUNING_S, TUNING_EACH_S = 600.0, 60.0
HANG_FACTOR, HANG_S = 20.0, 120.0
#: Directories that hold packages of other projects: on the path of the processes anyway, and not to be put before it.
INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True)
class Run:
    """One benchmark in one run."""

    #: Logarithm of the median time of a call in seconds, and of its reference where that was timed too.
    log: float = 0.0
    reference: float | None = None
    #: Why there is none.
    error: str = ""

    @property
    def ratio_log(self) -> float:
        """The logarithm of the ratio to the reference."""
        assert self.reference is not None
        return self.log - self.reference


class Side:
    """Code that is measured.

    Parameters
    ----------
    name : str
        ``old`` or ``new``, for messages.
    tree : Path
        The root of the code.
    user : Path
        The root of the user's own tree, whose paths lie below `tree` here.
    store_root, scratch : Path
        A store of its own, and a directory for files of the processes.
    """

    def __init__(self, name: str, tree: Path, user: Path, *, store_root: Path, scratch: Path) -> None:
        self.name, self.tree, self._user, self._scratch = name, tree, user, scratch
        self.store_root = store_root
        self._took_s: float | None = None
        asked = settings.current()
        mode = asked.mode if asked.mode in ("off", "locked") else "use"
        self._environ = environment(tree, user) | {"AUTOTUNE_MODE": mode, "AUTOTUNE_DB": str(store_root)}

    def prepare(self, source: Path, benchmarks: Sequence[Benchmark]) -> Mapping[str, Run]:
        """Fill the store, tune and compile what is not known, and run everything once.

        Raises
        ------
        BaselineError
            The process dies or hangs.
        StoreError
            The store cannot be written.
        """
        store.copy(source, self.store_root)
        return self._run(benchmarks, tune=True, ratios=False, at_most_s=TUNING_S + TUNING_EACH_S * len(benchmarks))

    def run(self, benchmarks: Sequence[Benchmark], *, ratios: bool = False) -> Mapping[str, Run]:
        """Time some benchmarks in a fresh process.

        Raises
        ------
        BaselineError
            The process dies or hangs, or a benchmark fails that had succeeded.
        """
        assert self._took_s is not None
        found = self._run(benchmarks, tune=False, ratios=ratios, at_most_s=max(HANG_S, HANG_FACTOR * self._took_s))
        for name, run in found.items():
            if run.error:
                raise BaselineError(f"{name}: fails in the {self.name} code, where it succeeded before: {run.error}")
        return found

    def _run(self, benchmarks: Sequence[Benchmark], *, tune: bool, ratios: bool, at_most_s: float) -> Mapping[str, Run]:
        job, result = self._scratch / f"{self.name}-job.json", self._scratch / f"{self.name}-result.json"
        work: dict[str, Any] = {
            "benchmarks": [one.job(self.tree, self._user) for one in benchmarks], "tune": tune, "ratios": ratios,
            "result": str(result),
        }  # fmt: skip
        try:
            job.write_text(json.dumps(work), encoding="utf-8")
            result.unlink(missing_ok=True)
        except OSError as error:
            raise BaselineError(
                f"{job}: cannot be written: {error.strerror}; set TMPDIR to a directory with room"
            ) from error
        ended = launch.run(
            [sys.executable, "-P", measuring.__file__, str(job)], directory=self._directory(), environ=self._environ,
            timeout_s=at_most_s,
        )  # fmt: skip
        if ended.code or ended.timed_out or not result.is_file():
            said = f": {ended.last_words}" if ended.last_words else ""
            raise BaselineError(
                f"the process that measures the {self.name} code ({self.tree}) {ended.how}{said}; "
                f"name fewer benchmarks to find the one that does it: {', '.join(one.name for one in benchmarks)[:300]}"
            )
        self._took_s = self._took_s or ended.seconds
        found: dict[str, dict[str, Any]] = json.loads(result.read_text(encoding="utf-8"))
        return {one.name: Run(**found[one.name]) for one in benchmarks}

    def _directory(self) -> Path:
        """Where the processes run: the user's working directory, as it is on this side."""
        place = _moved(Path.cwd().resolve(), self._user, self.tree)
        return place if place.is_dir() else self.tree


def environment(tree: Path, user: Path) -> dict[str, str]:
    """The environment of processes that import the code below `tree`, where the user's lies below `user`."""
    environ = launch.environment(Path.cwd())
    if "AUTOTUNE_LOCK" not in os.environ:
        environ["AUTOTUNE_LOCK"] = str(_moved(Path(environ["AUTOTUNE_LOCK"]), user, tree))
    here = Path.cwd().resolve()
    path = [_moved(here, user, tree)] if here.is_relative_to(user) else []
    path += [tree, tree / "src"]
    path += [_moved((here / part).resolve(), user, tree) for part in _split(environ.get("PYTHONPATH", ""))]
    ours = Path(__file__).resolve().parents[3]
    path += [] if ours.name in INSTALLED else [_moved(ours, user, tree)]
    return {**environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(str(part) for part in path if part.is_dir()))}


def _split(path: str) -> list[str]:
    return [part for part in path.split(os.pathsep) if part]


def _moved(place: Path, user: Path, tree: Path) -> Path:
    """Where a path of the user's tree lies in another one; others are where they are."""
    return tree / place.relative_to(user) if place.is_relative_to(user) else place
