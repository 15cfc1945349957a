"""Scratch memory that kernels reuse."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autotune import workspace

LARGE = 1_000_000


@pytest.fixture(autouse=True)
def _empty():
    cap = workspace.info().cap
    workspace.release()
    yield
    workspace.set_cap(cap)
    workspace.release()


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_that_was_given_back_is_taken_again():
    before = workspace.info()
    first = workspace.take((1000, 500), np.float64)
    place = address(first)
    workspace.give(first)

    again = workspace.take(4_000_000, np.uint8)

    after = workspace.info()
    assert address(again) == place
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)


def test_two_arrays_that_are_taken_at_once_do_not_share_memory():
    first, second = workspace.take(LARGE, np.float64), workspace.take(LARGE, np.float64)

    assert not np.shares_memory(first, second)


def test_what_is_held_is_counted_and_released():
    workspace.give(workspace.take(LARGE, np.float64))
    assert LARGE * 8 <= workspace.info().held <= LARGE * 9

    workspace.release()
    assert workspace.info().held == 0


def test_no_more_than_the_cap_is_held_and_the_longest_unused_goes_first():
    workspace.set_cap(20_000_000)
    sizes = (6_000_000, 1_000_000, 9_000_000, 7_000_000)
    taken = [workspace.take(size, np.uint8) for size in sizes]
    places = [address(array) for array in taken]
    workspace.give(*taken)

    assert workspace.info().held <= 20_000_000
    misses = workspace.info().misses
    again = [address(workspace.take(size, np.uint8)) for size in reversed(sizes[1:])]
    assert again == places[:0:-1]
    assert workspace.info().misses == misses


def test_without_a_cap_nothing_is_held():
    workspace.give(workspace.take(LARGE, np.float64))
    workspace.set_cap(0)
    workspace.give(workspace.take(LARGE, np.float64))

    assert workspace.info().held == 0


def test_a_cap_is_not_negative():
    with pytest.raises(ValueError, match="expected bytes, 0 or more, found -1"):
        workspace.set_cap(-1)


def test_an_array_is_given_back_once():
    scratch = workspace.take(LARGE, np.float64)
    workspace.give(scratch)

    with pytest.raises(ValueError, match=r"shape \(1000000,\) was given back before"):
        workspace.give(scratch)


def test_small_arrays_views_and_those_of_others_are_left_alone():
    held = workspace.info().held
    workspace.give(
        workspace.take(10, np.float64), np.empty(LARGE), np.empty(LARGE)[::2], workspace.take(LARGE, "d")[1:]
    )

    assert workspace.info().held == held


def test_objects_are_refused():
    with pytest.raises(TypeError, match="dtype object holds Python objects"):
        workspace.take(LARGE, object)


def test_each_thread_has_its_own_and_leaves_nothing_when_it_ends():
    mine = workspace.take(LARGE, np.float64)
    place = address(mine)
    workspace.give(mine)
    held, found = workspace.info().held, []

    def work():
        scratch = workspace.take(LARGE, np.float64)
        found.append(address(scratch))
        workspace.give(scratch)
        found.append(workspace.info().held)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert found[0] != place
    assert found[1] == 2 * held
    assert workspace.info().held == held


def test_what_is_not_given_back_is_freed():
    tracemalloc.start()
    try:
        for _ in range(5):
            workspace.take(LARGE, np.float64)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 8 * LARGE


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 600), st.integers(1, 600), st.sampled_from("fdbq"), st.booleans())))
def test_arrays_in_use_keep_their_values_whatever_others_are_taken(requests):
    used = []
    for number, (rows, columns, char, keep) in enumerate(requests):
        scratch = workspace.take((rows, columns), char)
        assert (scratch.shape, scratch.dtype.char, scratch.flags.c_contiguous) == ((rows, columns), char, True)
        scratch.fill(number % 100)
        if keep:
            used.append((number, scratch))
        else:
            workspace.give(scratch)

    for number, scratch in used:
        assert (scratch == number % 100).all()
        workspace.give(scratch)
