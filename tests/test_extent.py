"""Which sizes a calibration leaves out."""

from __future__ import annotations

import sys
import time

import pytest

from autotune.machine.fingerprint import available_memory_bytes
from autotune.tuner.extent import MAX_REFERENCE_S, Extent
from autotune.tuner.session import Session


def test_nothing_is_left_out_before_anything_is_known():
    assert Extent().beyond({"n": 10**9}) is None


def test_time_is_judged_by_the_largest_size_measured_so_far_without_what_every_call_takes():
    extent = Extent()
    extent.timed({"n": 1}, 1e-3)  # overhead alone
    extent.timed({"n": 1000}, 2e-3)

    assert extent.beyond({"n": 1000 * int(MAX_REFERENCE_S / 1e-3)}) is None
    assert extent.beyond({"n": 2000 * int(MAX_REFERENCE_S / 1e-3)}) == "the reference would take about 0.4 s"


@pytest.mark.parametrize("order", [1, -1])
def test_memory_is_judged_by_the_largest_size_whatever_was_weighed_last(order):
    extent = Extent()
    for point, total_bytes in [({"m": 1, "n": 1}, 100), ({"m": 100, "n": 100}, 10**6)][::order]:
        extent.weighed(point, total_bytes)

    assert extent.beyond({"m": 100, "n": 200}) is None
    many = available_memory_bytes() // 10**6
    assert "an eighth of the free memory" in str(extent.beyond({"m": 100 * many, "n": 100}))


def test_memory_grows_as_it_did_so_far():
    def factors(m, k, n):
        return 8 * (m * k + k * n)

    extent, largest = Extent(), available_memory_bytes() // 8
    for size in (2, 60):
        extent.weighed({"m": size, "k": size, "n": size}, factors(size, size, size))
    enough, too_much = int((0.9 * largest / 16) ** 0.5), int((1.1 * largest / 16) ** 0.5)

    assert extent.beyond({"m": enough, "k": enough, "n": enough}) is None
    assert "an eighth" in str(extent.beyond({"m": too_much, "k": too_much, "n": too_much}))


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


def test_compiling_on_the_way_is_not_the_time_of_a_size(monkeypatch):
    import numba

    def race(session, point, index):
        numba.njit(lambda x: [x + k for k in range(x)])(3)
        time.sleep(0.02)

    monkeypatch.setattr(Session, "_race_point", race)
    session = Session(problem=None, effort=None, numerics="", announce=print, failures={})
    started = time.monotonic()
    session._race_if_possible({"n": 1000}, 0)
    elapsed_s = time.monotonic() - started
    session.extent.took({"n": 1}, 0.0)

    assert session.extent.beyond({"n": 1000}, elapsed_s / 4) is None  # an allowance of half as much again is made
    assert session.extent.beyond({"n": 1000}, 0.01) is not None


def test_only_compiling_is_clocked_and_numba_is_not_loaded_for_it(run):
    said = run(
        "import sys, time\n"
        "from autotune.compile.clock import compiling\n"
        "with compiling() as nothing: time.sleep(0.01)\n"
        "assert 'numba' not in sys.modules\n"
        "import numba\n"
        "function = numba.njit(lambda x: x + 1)\n"
        "started = time.monotonic()\n"
        "with compiling() as first: function(1)\n"
        "took = time.monotonic() - started\n"
        "with compiling() as second: function(1)\n"
        "print(nothing.seconds, 0 < first.seconds <= took, second.seconds)\n"
    ).stdout

    assert said.split() == ["0.0", "True", "0.0"]
