"""A program with and without tuning: randomised pairs of fresh processes, and whether they give the same.

One run without tuning and one or two with it come first and are not counted: they fill the caches of the system and,
in the user's own mode, tune what is not known and compile it. The counted runs with tuning are in mode ``use`` (or
``locked``, where that is the user's): they never measure. Knows nothing of the command line.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ... import settings
from ...errors import ProgramError
from ...measure.paired import Interval, paired_interval
from ...measure.regression import FEWEST_PAIRS, orders
from . import launch, scratch, temporary
from .agreement import Agreement, Files, Texts, keep
from .launch import Ended
from .numbers import TOLERANCE

OFF, TUNED = "off", "tuned"
#: A run with tuning may take so many times as long as one without (MEASUREMENT.md, section 6), and at least so long:
#: a hang is told from a slow run.
HANG_FACTOR, HANG_S = 20.0, 60.0
#: With tuning in it, and compiling: half of the library's calibration takes this long.
TUNING_S = 600.0


@dataclass(frozen=True)
class Comparison:
    """What was found."""

    command: list[str]
    seed: int
    #: Mode of the counted runs with tuning.
    mode: str
    #: Wall and processor time of each run by mode, in the order of the pairs.
    seconds: Mapping[str, list[float]]
    cpu_s: Mapping[str, list[float]]
    output: Agreement
    #: Whether more was printed than is compared.
    cut: bool
    files: Agreement

    @property
    def pairs(self) -> int:
        return len(self.seconds[OFF])

    @property
    def speedup(self) -> Interval:
        """Time without over time with tuning."""
        return paired_interval(self.seconds[OFF], self.seconds[TUNED])

    @property
    def saved_s(self) -> float:
        """Wall time that tuning saves in a run: by the ratio, so that one long run does not decide."""
        return self._typical_s * (1 - 1 / self.speedup.ratio)

    @property
    def saved_between_s(self) -> tuple[float, float]:
        """The 95 % interval of `saved_s`."""
        found = self.speedup
        return self._typical_s * (1 - 1 / found.low), self._typical_s * (1 - 1 / found.high)

    @property
    def _typical_s(self) -> float:
        ordered = sorted(self.seconds[OFF])
        return ordered[len(ordered) // 2]

    @property
    def significant(self) -> bool:
        """Whether the interval leaves out that there is no difference."""
        return self.speedup.low > 1 or self.speedup.high < 1

    @property
    def agrees(self) -> bool:
        return self.output.agrees and self.files.agrees


class Program:
    """A program as it is run for a comparison.

    Parameters
    ----------
    command : sequence of str
        What to run.
    directory : Path
        The user's working directory.
    in_place : bool
        Run it there, not in copies.
    timeout_s : float, optional
        Seconds that a run may take; by default as long as it takes without tuning, and 20 times that with it.
    """

    def __init__(
        self, command: Sequence[str], *, directory: Path, in_place: bool = False, timeout_s: float | None = None
    ) -> None:
        self.command = list(command)
        self.directory = directory
        self.in_place = in_place
        self.timeout_s = timeout_s
        if not in_place:
            scratch.measured(directory)

    def run(
        self, environ: Mapping[str, str], base: Path, kept: Path, *, at_most_s: float | None
    ) -> tuple[Ended, dict[str, Path]]:
        """One run, in a copy below `base`, and the files that it has written, copied to `kept`."""
        if self.in_place:
            return self._run_in(self.directory, environ, kept, at_most_s)
        with scratch.copied(self.directory, base) as place:
            return self._run_in(place, environ, kept, at_most_s)

    def _run_in(
        self, place: Path, environ: Mapping[str, str], kept: Path, at_most_s: float | None
    ) -> tuple[Ended, dict[str, Path]]:
        before = scratch.states(place)
        ended = launch.run(
            self.command, directory=place, environ={**environ, "PWD": str(place)}, timeout_s=self.timeout_s or at_most_s
        )
        try:
            return ended, keep(scratch.written(place, before), kept)
        except OSError as error:
            raise ProgramError(
                f"what the program wrote in {place} cannot be kept to compare it: {error.strerror}; "
                "set TMPDIR to a directory with room"
            ) from error


def compare(
    program: Program,
    *,
    pairs: int,
    budget_s: float | None = None,
    seed: int,
    tolerance: float = TOLERANCE,
    tell: Callable[[str, int, int], None] = lambda doing, done, of: None,
) -> Comparison:
    """Run a program with and without tuning.

    Parameters
    ----------
    pairs : int
        Pairs to run.
    budget_s : float, optional
        No pair begins after so many seconds, once there are three.
    seed : int
        Of the order within the pairs.
    tolerance : float
        Relative difference between numbers that agree.
    tell : callable
        Told what is being done, how many runs are done, and of how many.

    Raises
    ------
    ProgramError
        A run fails, hangs, or ends otherwise than the one without tuning; or tuning is off by the user's settings.
    """
    asked = settings.current()
    if asked.mode == "off":
        raise ProgramError(
            "the mode is off (AUTOTUNE_MODE, or [tool.autotune] of pyproject.toml): there is nothing to compare; "
            "run it with another mode, such as AUTOTUNE_MODE=first-use"
        )
    mode = "locked" if asked.locked else "use"
    warmups = [OFF, asked.mode, mode] if asked.mode != mode else [OFF, mode]
    total = len(warmups) + 2 * pairs
    began_s = time.monotonic()
    with temporary.directory(ProgramError) as base:
        runs = _Runs(program, base, environment(program.directory), tolerance)
        for number, one in enumerate(warmups):
            tell(f"warming up, mode {one}", number, total)
            runs.uncounted(one, explicit=one != asked.mode or asked.mode_is_explicit)
        for number, order in enumerate(orders((OFF, TUNED), pairs, seed)):
            if budget_s is not None and number >= FEWEST_PAIRS and time.monotonic() - began_s > budget_s:
                break
            for place, side in enumerate(order):
                tell(f"pair {number + 1} of {pairs}", len(warmups) + 2 * number + place, total)
                runs.counted(side, mode)
    return Comparison(
        program.command, seed, mode, runs.seconds, runs.cpu_s, runs.texts.agreement(), runs.cut, runs.files.agreement()
    )


class _Runs:
    """The runs so far."""

    texts: Texts
    files: Files

    def __init__(self, program: Program, base: Path, environ: Mapping[str, str], tolerance: float) -> None:
        self._program, self._base, self._environ, self._tolerance = program, base, environ, tolerance
        self._first: Ended | None = None
        self.seconds: dict[str, list[float]] = {OFF: [], TUNED: []}
        self.cpu_s: dict[str, list[float]] = {OFF: [], TUNED: []}
        self.cut = False

    def uncounted(self, mode: str, *, explicit: bool) -> None:
        """A run before those that count; where no mode was asked for, it tunes as it would."""
        self._run(mode, explicit=explicit)

    def counted(self, side: str, mode: str) -> None:
        ended = self._run(OFF if side == OFF else mode)
        self.seconds[side].append(ended.seconds)
        if ended.cpu_s is not None:
            self.cpu_s[side].append(ended.cpu_s)

    def _run(self, mode: str, *, explicit: bool = True) -> Ended:
        first = self._first
        at_most_s = None
        if first is not None:
            at_most_s = max(HANG_S, HANG_FACTOR * first.seconds) + (TUNING_S if mode == "first-use" else 0)
        environ = {**self._environ, "AUTOTUNE_MODE": mode} if explicit else self._environ
        place = self._base / ("first" if first is None else "other")
        ended, kept = self._program.run(environ, self._base, place, at_most_s=at_most_s)
        self._check(ended, mode)
        self.cut |= ended.cut
        if first is None:
            self._first = ended
            self.texts, self.files = Texts(ended.output, self._tolerance), Files(kept, self._tolerance)
        else:
            self.texts.add(ended.output, tuned=mode != OFF)
            self.files.add(kept, tuned=mode != OFF)
            shutil.rmtree(place, ignore_errors=True)
        return ended

    def _check(self, ended: Ended, mode: str) -> None:
        """Every run must end, and well."""
        if ended.code == 0 and not ended.timed_out:
            return
        said = f": {ended.last_words}" if ended.last_words else ""
        name = " ".join(self._program.command[1:])
        if self._first is None:
            raise ProgramError(
                f"{name} {ended.how} without tuning{said}. What is compared must end well by itself{self._hint()}"
            )
        if mode == OFF:
            raise ProgramError(f"{name} {ended.how} without tuning, and ended well in its first run{said}")
        raise ProgramError(
            f"{name} {ended.how} in mode {mode}, and ended well without tuning{said}. "
            f"See it yourself: AUTOTUNE_MODE={mode} {' '.join(self._program.command)}"
        )

    def _hint(self) -> str:
        if self._program.in_place:
            return ""
        return f"; it ran in a copy of {self._program.directory}: where it needs what lies outside, add --in-place"


def environment(directory: Path) -> dict[str, str]:
    """The environment of the runs: the user's settings and paths mean there what they mean here."""
    environ = launch.environment(directory)
    if "PYTHONPATH" in environ:
        parts = environ["PYTHONPATH"].split(os.pathsep)
        environ["PYTHONPATH"] = os.pathsep.join(str(directory / part) if part else part for part in parts)
    return environ
