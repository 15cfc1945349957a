"""Records what every setting costs on this machine: ``python -m tests.landscapes.record [NAME …]``.

Every setting is compiled by `autotune.compile` and timed by the sampler that calibrates, in rounds that hold each
setting and the reference once, in random order. All samples are kept, in seconds, as they came.
"""

from __future__ import annotations

import datetime
import importlib
import json
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from autotune.compile.build import load as compiled
from autotune.kernel.invocation import invocation
from autotune.kernel.model import REFERENCE, REFERENCE_CANDIDATE, Candidate, Kernel
from autotune.machine import fingerprint
from autotune.measure.timer import Sampler
from autotune.space import Config, Space
from autotune.tuner.grid import problems
from tests.landscapes import kernels

ROUNDS = 30
FOLDER = Path(__file__).parent
#: (kernel, dtype, sizes): a call takes some 0.3 to 3 ms.
PROBLEMS = {
    "product float64": (kernels.product, "float64", {"m": 160, "k": 160, "n": 160}),
    "product float32": (kernels.product, "float32", {"m": 96, "k": 256, "n": 320}),
    "convolution float64": (kernels.convolution, "float64", {"c": 6, "h": 66, "w": 130, "o": 8}),
    "convolution float32": (kernels.convolution, "float32", {"c": 12, "h": 50, "w": 98, "o": 12}),
    "distances float64": (kernels.distances, "float64", {"n": 600, "k": 96, "d": 40}),
    "distances float32": (kernels.distances, "float32", {"n": 1000, "k": 48, "d": 64}),
}


@dataclass(frozen=True)
class Landscape:
    """What the settings of one space cost.

    Parameters
    ----------
    space : Space
    samples : ndarray of float32, shape (settings, rounds)
        Seconds a call, in the order of the space.
    reference : ndarray of float32, shape (rounds,)
        Seconds a call of the reference in the same rounds.
    """

    space: Space
    samples: np.ndarray
    reference: np.ndarray

    @cached_property
    def rows(self) -> Mapping[Config, int]:
        return {config: row for row, config in enumerate(self.space)}

    @cached_property
    def true_s(self) -> np.ndarray:
        """Seconds a call of each setting: the median of its rounds."""
        return np.median(self.samples, axis=1)


def kernel_of(name: str) -> Kernel:
    return PROBLEMS[name][0].__autotune__.kernel


def variant_of(name: str):
    (variant,) = kernel_of(name).variants.values()
    return variant


def load(name: str) -> Landscape:
    """A recorded landscape.

    Raises
    ------
    ValueError
        It was recorded for another space.
    """
    space = variant_of(name).space
    about = json.loads((FOLDER / "landscapes.json").read_text(encoding="utf-8"))
    if about["landscapes"][name]["space"] != space.describe():
        raise ValueError(f"{name} was recorded for another space; run python -m tests.landscapes.record")
    with np.load(FOLDER / "landscapes.npz") as held:
        samples = held[name]
    return Landscape(space, samples[1:], samples[0])


def record(name: str) -> np.ndarray:
    """Samples of the reference (first row) and of every setting, shape (1 + settings, rounds), in seconds."""
    _, dtype, point = PROBLEMS[name]
    kernel, variant = kernel_of(name), variant_of(name)
    problem = next(problem for problem in problems(kernel) if problem.fixed["dtype"] == dtype)
    signature = problem.signature()
    candidates = [REFERENCE_CANDIDATE, *(Candidate(variant.name, config) for config in variant.space)]
    arguments = problem.arguments(point)
    samplers = []
    for candidate in candidates:
        call = invocation(kernel, candidate, signature)
        namespace = {"_candidate": compiled(kernel, candidate, signature), **call.constants}
        samplers.append(Sampler([f"_candidate({', '.join(call.arguments)})"], namespace, arguments))
        samplers[-1].once()
        samplers[-1].settle()
    samples = np.empty((len(candidates), ROUNDS), np.float32)
    rows, order = list(range(len(candidates))), random.Random(0)
    for index in range(ROUNDS):
        order.shuffle(rows)
        for row in rows:
            samples[row, index] = samplers[row].sample()
    return samples


def main(chosen: list[str]) -> int:
    unknown = sorted(set(chosen) - set(PROBLEMS))
    if unknown:
        print(f"no landscape is named {', '.join(unknown)}; there are {', '.join(PROBLEMS)}", file=sys.stderr)
        return 2
    data, facts = FOLDER / "landscapes.npz", FOLDER / "landscapes.json"
    held = dict(np.load(data)) if data.exists() else {}
    about = json.loads(facts.read_text(encoding="utf-8")) if facts.exists() else {"landscapes": {}}
    for name in chosen or PROBLEMS:
        held[name] = record(name)
        about["landscapes"][name] = {
            "kernel": kernel_of(name).id,
            "variant": variant_of(name).name,
            "space": variant_of(name).space.describe(),
            "settings": len(held[name]) - 1,
            "rounds": ROUNDS,
            "point": {**PROBLEMS[name][2], "dtype": PROBLEMS[name][1]},
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": machine(),
        }
        typical = np.median(held[name], axis=1) * 1e3
        print(f"{name}: {len(typical) - 1} settings, {REFERENCE} {typical[0]:.2f} ms, best {typical[1:].min():.2f}, "
              f"median {np.median(typical[1:]):.2f}, worst {typical[1:].max():.2f}")  # fmt: skip
        np.savez_compressed(data, **held)
        facts.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    return 0


def machine() -> dict[str, object]:
    """The machine and the libraries, as records name them."""
    found = fingerprint()
    numba, llvmlite = importlib.import_module("numba"), importlib.import_module("llvmlite.binding")
    return {
        **found.hard, **found.soft, "numba": numba.__version__, "llvm_cpu": llvmlite.get_host_cpu_name(),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
