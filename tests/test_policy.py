"""When first use does not tune: each rule on made-up facts."""

from __future__ import annotations

import asyncio
import threading

import pytest

from autotune.dispatch import policy
from autotune.dispatch.policy import Refusal, Spending, Surroundings, refusal


def about(**facts) -> Surroundings:
    quiet = {
        "environ": {}, "event_loop": lambda: False, "pressure_percent": lambda: 0.0, "tuning": lambda: False,
        "in_main_thread": lambda: True, "worker_process": lambda: False, "interrupting": lambda: None,
        "finalizing": lambda: False, "forked_after_openmp": lambda: False, "now_s": lambda: 0.0,
    }  # fmt: skip
    return Surroundings(**{**quiet, **facts})


def test_a_plain_program_on_a_quiet_machine_may_tune():
    assert refusal(about(), Spending(started_s=0.0)) is None


@pytest.mark.parametrize(
    ("facts", "part", "passing"),
    [
        ({"environ": {"CI": "true"}}, "CI is set", False),
        ({"environ": {"GITHUB_ACTIONS": "1"}}, "GITHUB_ACTIONS is set", False),
        ({"environ": {"PYTEST_CURRENT_TEST": "x"}}, "under pytest", False),
        ({"environ": {"SLURM_PROCID": "3"}}, "SLURM_PROCID=3: only rank 0", False),
        ({"environ": {"OMPI_COMM_WORLD_RANK": "1"}}, "only rank 0", False),
        ({"forked_after_openmp": lambda: True}, "forked from a process that ran OpenMP", False),
        ({"in_main_thread": lambda: False}, "not the main thread", True),
        ({"event_loop": lambda: True}, "an event loop is running", True),
        ({"tuning": lambda: True}, "called while tuning", True),
        ({"finalizing": lambda: True}, "shutting down", False),
        ({"worker_process": lambda: True}, "a worker of a process pool", False),
        ({"interrupting": lambda: "a finalizer"}, "inside a finalizer", True),
        ({"pressure_percent": lambda: 35.0}, "the machine is busy (CPU pressure 35 %)", True),
    ],
)
def test_each_rule_refuses_for_its_own_reason(facts, part, passing):
    refused = refusal(about(**facts), Spending(started_s=0.0))

    assert part in refused.reason
    assert refused.passing is passing


@pytest.mark.parametrize(
    "facts",
    [
        {"environ": {"CI": "false", "SLURM_PROCID": "0", "PMI_RANK": ""}},
        {"pressure_percent": lambda: None},
        {"pressure_percent": lambda: 20.0},
    ],
)
def test_what_is_no_reason_is_none(facts):
    assert refusal(about(**facts), Spending(started_s=0.0)) is None


@pytest.mark.parametrize(
    "facts",
    [{"environ": {"CI": "1"}}, {"environ": {"PYTEST_CURRENT_TEST": "x"}}, {"pressure_percent": lambda: 90.0}],
)
def test_asking_for_first_use_by_name_overrides_ci_pytest_and_load(facts):
    assert refusal(about(**facts, explicit=True), Spending(started_s=0.0)) is None


def test_asking_by_name_overrides_nothing_else():
    assert refusal(about(explicit=True, in_main_thread=lambda: False), Spending(started_s=0.0)) is not None


def test_after_five_seconds_a_process_spends_a_twentieth_of_its_age():
    assert Spending(spent_s=1.0, started_s=0.0).left_s(10.0) == 4.0
    assert Spending(spent_s=6.0, started_s=0.0).left_s(100.0) == pytest.approx(-1.0)
    assert Spending(spent_s=6.0, started_s=0.0).left_s(200.0) == pytest.approx(4.0)
    refused = refusal(about(now_s=lambda: 100.0), Spending(spent_s=6.0, started_s=0.0))
    assert refused == Refusal("this process has spent its share of time on tuning", passing=True)


def test_threads_and_tuning_and_loops_are_seen_as_they_are():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(Surroundings().in_main_thread()))
    thread.start()
    thread.join()
    with policy.Tuning():
        inside = policy.is_tuning()

    async def in_loop():
        return policy.running_event_loop()

    assert seen == [False]
    assert (inside, policy.is_tuning()) == (True, False)
    assert asyncio.run(in_loop())
    assert not policy.running_event_loop()
