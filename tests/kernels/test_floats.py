"""Whether somebody wants to hear of underflows: what NumPy says, however its error state came about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kernels.floats import underflows_are_watched


@pytest.mark.parametrize("how", ["ignore", "warn", "raise", "print", "log"])
def test_underflows_are_watched_unless_they_are_ignored(how):
    assert not underflows_are_watched()
    with np.errstate(under=how):
        assert underflows_are_watched() == (how != "ignore")
        with np.errstate(under="ignore"):
            assert not underflows_are_watched()
            with np.errstate(over="raise"):
                assert not underflows_are_watched()
        assert underflows_are_watched() == (how != "ignore")
    assert not underflows_are_watched()


def test_a_state_that_is_set_for_good_is_heard_and_that_of_a_thread_is_its_own():
    before = np.seterr(under="warn")
    try:
        assert underflows_are_watched()
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(underflows_are_watched).result() == (
                pool.submit(np.geterr).result()["under"] != "ignore"
            )
    finally:
        np.seterr(**before)
    assert not underflows_are_watched()


@pytest.mark.parametrize("before", ["np.seterr(under='raise')", "del np._core.umath._extobj_contextvar"])
def test_a_state_that_was_set_before_the_kernels_came_and_an_unknown_one_are_heard(run, before):
    code = f"""
import numpy as np
{before}
from kernels.floats import underflows_are_watched
for how in ("ignore", "raise", "ignore", "warn"):
    with np.errstate(under=how):
        assert underflows_are_watched() == (how != "ignore")
assert underflows_are_watched() == (np.geterr()["under"] != "ignore")
"""
    run(code)
