"""Tests of one kernel run in one process, where the suite runs in several: compiling it is what takes the time."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and (name := _kernel(item)):
            item.add_marker(pytest.mark.xdist_group(name))


def _kernel(item: pytest.Item) -> str | None:
    """The kernel that a test is about, by its parameters."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if "case" in params:
        return params["case"].problem.kernel.name
    return params["tuned"].__name__ if hasattr(params.get("tuned"), "__name__") else params.get("name")
