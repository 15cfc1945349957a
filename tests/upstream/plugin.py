"""pytest plugin: upstream test modules see the kernels in the places of the originals.

``-p tests.upstream.plugin --upstream-report=FILE`` runs them as they are, with ``--upstream-kernels`` on the kernels.
A test that reaches variants runs once for each of those that its calls could be served by. What came of every test is
written to the report.

Knows nothing of which tests are to run.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from tests.upstream.originals import Place

#: From the best to the worst that can come of a test.
OUTCOMES = ("skipped", "passed", "failed")
#: Characters of an error that are kept.
MOST_SAID = 200
#: Warnings that a kernel must not add: NumPy's of numbers, and those of a variant that raised.
ERRORS = ("RuntimeWarning", "autotune.errors.AutotuneWarning")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("upstream")
    group.addoption("--upstream-kernels", action="store_true", help="put the kernels in the places of the originals")
    group.addoption("--upstream-report", type=Path, help="where to write what came of every test")


def pytest_configure(config: pytest.Config) -> None:
    for category in ERRORS:
        config.addinivalue_line("filterwarnings", f"error::{category}")
    config.pluginmanager.register(Upstream(config), "upstream")


class Upstream:
    """One run."""

    def __init__(self, config: pytest.Config) -> None:
        self._report: Path | None = config.getoption("--upstream-report")
        self._kernels: bool = config.getoption("--upstream-kernels")
        self._stack = ExitStack()
        self._outcomes: dict[str, dict[str, Any]] = {}
        self._served: dict[str, Counter[str]] = {}
        self._left_out: Counter[str] = Counter()
        self._tuned: list[Any] = []
        if self._kernels:
            self._put_in_place()

    def _put_in_place(self) -> None:
        import numpy as np

        import kernels
        from tests.upstream import deciding, originals, seeing

        places = originals.places()
        self._tuned = [getattr(kernels, name) for place in places for name in place.kernels]
        self._stack.enter_context(deciding.deciding())
        roots = tuple(Path(sys.modules[name].__file__ or "").parent for name in seeing.PACKAGES if name in sys.modules)
        _tell_scipy(places)
        of_ufuncs = [place.instead for place in places if isinstance(place.original, np.ufunc)]
        self._sight = seeing.Sight(
            [*((place.original, place.instead) for place in places),
             (np.ufunc, seeing.with_instances(np.ufunc, of_ufuncs))]
        )  # fmt: skip
        finder = seeing.SeeingFinder(self._sight, lambda path: any(map(path.is_relative_to, roots)))
        sys.meta_path.insert(0, finder)
        self._stack.callback(sys.meta_path.remove, finder)

    def pytest_unconfigure(self) -> None:
        self._stack.close()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Parameters too are seen: some tests find ufuncs in the dictionary of a module."""
        for item in items if self._kernels else ():
            params = getattr(getattr(item, "callspec", None), "params", {})
            params.update({name: self._sight.of(value) for name, value in params.items()})

    # -- one test, once for each variant that could serve it

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for turn in self._turns(item):
            if turn:
                item._initrequest()  # type: ignore[attr-defined]  # fixtures anew, as pytest-rerunfailures does
            runtestprotocol(item, nextitem=nextitem)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _turns(self, item: pytest.Item) -> Iterator[int]:
        if not self._kernels:
            yield 0
            return
        from tests.upstream import deciding

        before = deciding.served.copy()
        turn = deciding.most_to_choose_from = 0
        while turn <= max(0, deciding.most_to_choose_from - 1):
            deciding.turn = turn
            for tuned in self._tuned:
                deciding.forget(tuned)
            yield turn
            turn += 1
        served = self._served.setdefault(item.nodeid.partition("::")[0], Counter())
        served.update({":".join(key): calls for key, calls in (deciding.served - before).items()})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        import numpy as np

        np.random.seed(0)  # some upstream tests draw from the global generator without seeding it

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seen = self._outcomes.setdefault(report.nodeid, {"outcome": "skipped", "runs": 0, "why": ""})
        seen["runs"] += report.when == "setup"
        if report.when != "call" and report.passed:
            return
        if OUTCOMES.index(report.outcome) > OUTCOMES.index(seen["outcome"]):
            seen["outcome"] = report.outcome
            seen["why"] = _why(report) if report.failed else ""

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._left_out.update(item.nodeid.partition("::")[0] for item in items)

    def pytest_sessionfinish(self) -> None:
        if self._report is not None:
            seen = {"tests": self._outcomes, "served": self._served, "left_out": self._left_out}
            self._report.write_text(json.dumps(seen))


def _tell_scipy(places: Iterable[Place]) -> None:
    """SciPy's tests look up what a function can do in a table that has functions for keys."""
    helpers = sys.modules.get("scipy._lib._array_api")
    table = getattr(helpers, "xp_capabilities_table", {})
    table.update({place.instead: table[place.original] for place in places if place.original in table})


def _why(report: pytest.TestReport) -> str:
    """The beginning of what went wrong, else the last line, which says where."""
    lines = report.longreprtext.rstrip().splitlines()
    said = " ".join(line[1:].strip() for line in lines if line.startswith("E "))
    return said[:MOST_SAID] or (lines[-1] if lines else "")
