"""What to do about the findings of a workload: one sentence and one command each, what gains most first.

Knows nothing of how it is shown.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ... import quantity
from .findings import LAUNCH_SHARE, SLOW, Findings, Part

#: Share of the time in kernels below which nothing is advised, and kernels that one sentence names.
WORTH, NAMED = 0.01, 3
#: Share of the time in kernels from which on calls that took long are worth a word.
SLOW_SHARE = 0.05


@dataclass(frozen=True)
class Advice:
    """One thing to do, or to know."""

    text: str
    command: str = ""
    #: Seconds a run that it is about; 0 for what is only to be known.
    worth_s: float = 0.0
    warning: bool = False


def advice(found: Findings, file: str) -> list[Advice]:
    """What to do, what gains most first; then what to know."""
    least = WORTH * found.kernel_s
    made = []
    untuned = [part for part in found.parts if part.untuned_s > 0]
    if found.untuned_s > least:
        made.append(
            Advice(
                f"{quantity.duration(found.untuned_s)} ({quantity.share(found.untuned_s / found.kernel_s)} of the time "
                f"in kernels) went to calls for which nothing was measured here: {_names(untuned)}.",
                f"autotune calibrate --from {shlex.quote(file)}",
                found.untuned_s,
            )
        )
    if found.now_saving_s > least:
        better = sorted((part for part in found.parts if part.now_saving_s > 0), key=lambda part: -part.now_saving_s)
        made.append(
            Advice(
                f"{quantity.duration(found.now_saving_s)} ({quantity.share(found.now_saving_s / found.kernel_s)}) "
                f"would be saved by what is recorded here: {_names(better)}. A run now uses it, "
                "unless AUTOTUNE_MODE=off or a lock file says otherwise.",
                worth_s=found.now_saving_s,
            )
        )
    rest_s = found.saving_s - found.now_saving_s
    if rest_s > least:
        worse = sorted((part for part in found.parts if part.saving_s > part.now_saving_s),
                       key=lambda part: part.now_saving_s - part.saving_s)  # fmt: skip
        made.append(
            Advice(
                f"{quantity.duration(rest_s)} ({quantity.share(rest_s / found.kernel_s)}) lie between what is decided "
                f"and the fastest at these sizes: {_names(worse)}. Measure at the sizes that occur.",
                f"autotune calibrate --from {shlex.quote(file)}",
                rest_s,
            )
        )
    short = [part for part in found.parts if part.launch_s > max(least, LAUNCH_SHARE * part.self_s)]
    if short:
        launch_s = sum(part.launch_s for part in short)
        made.append(
            Advice(
                f"Choosing the variant took {quantity.duration(launch_s)} of short calls: {_names(short)}. Pass more "
                "at once, or take the bare winner out of the loop: f = kernel.resolve(x), then f(x).",
                worth_s=launch_s,
            )
        )
    if found.miss_s > SLOW_SHARE * found.kernel_s:
        first = sorted((part for part in found.parts if part.miss_s > 0), key=lambda part: -part.miss_s)
        made.append(
            Advice(
                f"{quantity.duration(found.miss_s)} beside the calls went into loading, compiling and tuning at first "
                f"calls: {_names(first)}. Later runs find most of it done.",
                worth_s=found.miss_s,
            )
        )
    if found.slow_s > SLOW_SHARE * found.kernel_s:
        slow = sorted((part for part in found.parts if part.slow_s > 0), key=lambda part: -part.slow_s)
        number = sum(spot.slow_calls for spot in found.spots)
        made.append(
            Advice(
                f"{quantity.duration(found.slow_s)} ({quantity.share(found.slow_s / found.kernel_s)}) went into "
                f"{quantity.count(number)} call{'s' * (number > 1)} of over {SLOW:g} times the usual length: "
                f"{_names(slow)}. What makes calls so long is a cold start, page faults, or a busy machine.",
                worth_s=found.slow_s,
            )
        )
    made.sort(key=lambda one: -one.worth_s)
    if found.other_machine:
        made.append(
            Advice(
                f"Recorded on another machine ({'; '.join(found.other_machine)}). Its times are shown as they were; "
                "what would be the best is judged by the records of this one.",
                warning=True,
            )
        )
    gone = [part for part in found.parts if part.gone]
    if gone:
        modules = list(dict.fromkeys(_module(part, found.run.command) for part in gone))[:NAMED]
        names = ", ".join(part.kernel for part in gone[:NAMED]) + _more(len(gone) - NAMED)
        made.append(
            Advice(
                f"Nothing that was imported declares {names}: removed, renamed, or in a module of the program's own. "
                "What the store knows is shown.",
                f"autotune report {shlex.quote(file)} {' '.join(f'--module {shlex.quote(m)}' for m in modules)}",
                warning=True,
            )
        )
    return made


def _module(part: Part, command: Sequence[str]) -> str:
    """What ``--module`` finds a kernel by: of a script, its file."""
    script = next((word for word in command if word.endswith(".py")), None)
    if part.module == "__main__" and script is not None:
        return script
    return part.module or part.kernel.partition(":")[0]


def _names(parts: list[Part]) -> str:
    return ", ".join(part.name for part in parts[:NAMED]) + _more(len(parts) - NAMED)


def _more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""
