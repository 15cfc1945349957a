"""The table itself."""

from __future__ import annotations

import pytest

from tests.reliability import soak


@soak.row("the table itself", tries=1)
def table(tries: int) -> soak.Outcome:
    with pytest.raises(ValueError, match="two rows are named table"):
        soak.row("another", tries=1)(_another)
    return soak.Outcome(tries)


def _another(tries: int) -> soak.Outcome:
    return soak.Outcome(tries)


_another.__name__ = "table"
_another.__module__ = "another"


def test_a_row_runs_in_a_process_of_its_own_and_is_judged(run):
    done = run("from tests.reliability.__main__ import main; import sys; sys.exit(main())", "table", "--tries", "3")

    assert "the table itself" in done.stdout
    assert "nothing wrong, nothing lost" in done.stdout
    assert table(3) == soak.Outcome(3)


def test_a_row_that_is_not_there_is_named(run):
    done = run("from tests.reliability.__main__ import main; import sys; sys.exit(main())", "no-such-row", check=False)

    assert done.returncode == 2
    assert "no row is named no-such-row; there are" in done.stderr


def test_what_is_not_all_noughts_is_not_sound():
    assert soak.Outcome(9).sound
    assert not any(o.sound for o in (soak.Outcome(9, faults=1), soak.Outcome(9, lost=1), soak.Outcome(9, wrong=1)))
