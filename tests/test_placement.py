"""Places in memory: other addresses, the same arguments."""

from __future__ import annotations

import numpy as np
import pytest

from autotune.kernel.signature import layout_of
from autotune.measure import arguments as make
from autotune.measure.placement import MAX_PLACES, PLACES_BYTES, placed, places


@pytest.mark.parametrize("layout", ["C", "F", "A"])
@pytest.mark.parametrize("shape", [(), (0,), (7,), (5, 3), (2, 3, 4)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "c16", "i1", "O"])
def test_a_placed_array_is_the_same_elsewhere(layout, shape, dtype):
    array = make.as_layout(np.arange(int(np.prod(shape)), dtype="f8").reshape(shape).astype(dtype), layout)

    copy = placed(array, np.random.default_rng(0))

    assert np.array_equal(copy, array)
    assert (copy.dtype, copy.shape, layout_of(copy)) == (array.dtype, array.shape, layout_of(array))
    assert copy.flags.aligned
    assert copy.flags.writeable
    assert not np.shares_memory(copy, array)


def test_places_begin_anywhere_in_a_page_and_come_round_again():
    x = np.arange(100.0)
    source = places([{"x": x, "same": x, "n": 3}], seed=1)
    made = [next(source) for _ in range(2 * MAX_PLACES)]

    assert all(found["x"] is found["same"] and found["n"] == 3 for found in made)
    assert made[0]["x"] is made[MAX_PLACES]["x"]
    offsets = {found["x"].ctypes.data % 4096 for found in made}
    assert len(offsets) > MAX_PLACES // 2
    assert all(offset % 16 == 0 for offset in offsets)


def test_every_place_has_data_of_its_own_where_there_are_several_draws():
    source = places([{"x": np.full(10, float(draw))} for draw in range(3)], seed=0)

    assert [next(source)["x"][0] for _ in range(4)] == [0, 1, 2, 0]


def test_large_arguments_have_one_place():
    x = np.zeros(PLACES_BYTES // 8 + 1)
    source = places([{"x": x}], seed=0)

    assert next(source)["x"] is next(source)["x"]
