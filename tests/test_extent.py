"""Which sizes a calibration leaves out."""

from __future__ import annotations

import sys

import pytest

from autotune.machine.fingerprint import available_memory_bytes
from autotune.tuner.extent import MAX_REFERENCE_S, Extent


def test_nothing_is_left_out_before_anything_is_known():
    assert Extent().beyond({"n": 10**9}) is None


def test_time_is_judged_by_the_largest_size_measured_so_far():
    extent = Extent()
    extent.timed({"n": 1}, 1e-3)  # overhead alone
    extent.timed({"n": 1000}, 1e-3)

    assert extent.beyond({"n": 1000 * int(MAX_REFERENCE_S / 1e-3)}) is None
    assert extent.beyond({"n": 2000 * int(MAX_REFERENCE_S / 1e-3)}) == "the reference would take about 0.4 s"


@pytest.mark.parametrize("order", [1, -1])
def test_memory_is_judged_by_the_largest_size_whatever_was_weighed_last(order):
    extent = Extent()
    for point, total_bytes in [({"m": 1, "n": 1}, 10**6), ({"m": 100, "n": 100}, 10**6)][::order]:
        extent.weighed(point, total_bytes)

    assert extent.beyond({"m": 100, "n": 200}) is None
    many = available_memory_bytes() // 10**6
    assert "an eighth of the free memory" in str(extent.beyond({"m": 100 * many, "n": 100}))


def test_what_takes_longer_than_there_is_time_is_left_out_but_races_take_their_time_anyway():
    extent = Extent()
    extent.took({"n": 10}, 0.5)
    extent.took({"n": 1000}, 0.6)

    assert extent.beyond({"n": 10_000}, 1.5) is None
    assert extent.beyond({"n": 100_000}, 1.5) == "measuring it would take about 10 s, and there is no time for that"
    assert extent.beyond({"n": 100_000}) is None


@pytest.mark.skipif(
    sys.platform != "linux",
    reason="only on Linux workers are limited in their address space",
)
def test_the_memory_at_hand_is_no_more_than_the_address_space_allowed(run):
    said = run(
        "import resource\n"
        "from autotune.machine.fingerprint import available_memory_bytes\n"
        "available_memory_bytes()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
        "print(available_memory_bytes())\n"
    ).stdout

    assert 0 < int(said) < 4 << 30
