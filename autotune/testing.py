"""The conformance suite that any kernel author can run.

Every setting of every variant is held against the reference for every declared dtype and layout: at small sizes and
block edges, with special values, repeatedly where threads are used. The checks are those of the gate that stands
before tuning, so that what passes here is never refused there.

>>> from autotune import testing
>>> @pytest.mark.parametrize("case", testing.conformance(my_kernel), ids=str)
... def test_my_kernel(case):
...     case.check()
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .kernel.coverage import not_covered, unavailable
from .kernel.model import Candidate, Kernel
from .kernel.signature import Signature
from .machine import fingerprint
from .measure.gate import Case, Gate
from .tuner import cases, grid
from .tuner.contest import Contest

#: Settings of one variant that are checked; of larger spaces, this many spread over the space.
MAX_SETTINGS = 24


@dataclass(frozen=True)
class Conformance:
    """One candidate to check for one signature."""

    problem: grid.Problem
    candidate: Candidate
    label: str

    def __str__(self) -> str:
        return self.label

    def check(self) -> float:
        """Hold the candidate against the reference.

        Returns
        -------
        float
            The largest distance from the reference in units in the last place.

        Raises
        ------
        AssertionError
            It differs; the message says where and how.
        """
        problem, kernel = self.problem, self.problem.kernel
        signature = problem.signature()
        contest = Contest(kernel, signature, fingerprint().cores.count, problem.seed)
        largest = max(problem.largest.values(), default=0)

        def edges(candidate: Candidate) -> Iterator[Case]:
            return cases.block_edges(kernel, signature, problem.names, problem.arguments, candidate, largest)

        if not contest.admit_candidate(self.candidate, _gate(problem, signature), edges):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in contest.failures.items())
            raise AssertionError(f"kernel {kernel.id} [{signature}]: {reasons}")
        return contest.ulp[self.candidate.variant]


_gates: dict[tuple[str, str, str], Gate] = {}


def _gate(problem: grid.Problem, signature: Signature) -> Gate:
    """The cases of a problem, with the reference's results kept for all candidates."""
    key = (problem.kernel.id, signature.key, repr(problem.ranges))
    if key not in _gates:
        _gates[key] = Gate(
            problem.kernel, cases.from_inputs(problem.kernel, signature, problem.largest, problem.arguments)
        )
    return _gates[key]


def conformance(tuned: Any) -> list[Conformance]:
    """Everything there is to check about a tuned function: each dtype and layout, variant and setting.

    Raises
    ------
    CalibrationError
        The kernel declares no inputs.
    """
    kernel: Kernel = tuned.__autotune__.kernel
    found = []
    for problem in grid.problems(kernel):
        signature = problem.signature()
        for variant in kernel.variants.values():
            if unavailable(variant) or not_covered(kernel, variant, signature):
                continue
            for candidate in _settings(variant.name, kernel):
                fixed = ",".join(str(value) for value in problem.fixed.values())
                found.append(Conformance(problem, candidate, f"{kernel.name}-{fixed}-{candidate}"))
    return found


@lru_cache(maxsize=256)
def _settings(name: str, kernel: Kernel) -> list[Candidate]:
    configs = list(kernel.variants[name].space)
    step = max(1, -(-len(configs) // MAX_SETTINGS))
    return [Candidate(name, config) for config in configs[::step]]
