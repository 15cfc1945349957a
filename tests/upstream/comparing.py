"""Two runs of the same upstream tests, compared: which pass without the kernels alone.

Knows nothing of how the runs were made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple


class Run(NamedTuple):
    """What came of one run: of every test, and by file how many calls each variant served."""

    tests: dict[str, dict[str, Any]]
    served: dict[str, dict[str, int]]
    #: By file, how many tests were left out.
    left_out: dict[str, int]
    #: The end of the output, where nothing was reported.
    died: str = ""

    def outcome(self, test: str) -> str:
        return str(self.tests[test]["outcome"]) if test in self.tests else "not run"

    def why(self, test: str) -> str:
        return str(self.tests[test]["why"]) if test in self.tests else "not run"


class Verdict(NamedTuple):
    """Two runs of one file, compared."""

    file: str
    tests: int
    left_out: int
    passed_before: int
    passed: int
    #: Of all tests with kernels: one for each variant that could serve.
    runs: int
    served: Counter[str]
    #: Tests that pass without the kernels alone, and why they fail: those of which that is known, and all others.
    by_design: dict[str, str]
    new: dict[str, str]


def compare(file: str, before: Run, after: Run, by_design: Mapping[str, str]) -> Verdict:
    """Hold the run with kernels against the one without; `by_design` names tests with their parameters or without."""
    tests = [test for test in before.tests if test.partition("::")[0] == file]
    passed_before = [test for test in tests if before.outcome(test) == "passed"]
    worse = {test: after.why(test) for test in passed_before if after.outcome(test) != "passed"}
    meant = {test: why for test, why in worse.items() if by_design.keys() & {test, test.partition("[")[0]}}
    return Verdict(
        file=file,
        tests=len(tests),
        left_out=before.left_out.get(file, 0),
        passed_before=len(passed_before),
        passed=sum(after.outcome(test) == "passed" for test in tests),
        runs=sum(after.tests[test]["runs"] for test in tests if test in after.tests),
        served=Counter(after.served.get(file, {})),
        by_design=meant,
        new={test: why for test, why in worse.items() if test not in meant},
    )
