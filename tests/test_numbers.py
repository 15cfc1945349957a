"""What counts as the same output: lines, files and arrays of a program with and without tuning."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autotune.profile.pairs import numbers
from autotune.profile.pairs.agreement import Files, Texts, files
from autotune.profile.pairs.numbers import lines


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("mean 1.2345678", "mean 1.2345679", ""),
        ("mean 1.234", "mean 1.235", ""),  # one unit of the last digit that was printed
        ("mean 1.234", "mean 1.237", "numbers"),
        ("1e-5 of", "2e-5 of", ""),
        ("1.00e-5", "1.02e-5", "numbers"),
        ("42 steps", "43 steps", "numbers"),
        ("1,234,567.8 in all", "1,234,567.9 in all", ""),
        ("1,234,567", "1,234,568", "numbers"),
        ("took 1.5 s", "took 0.2 s", "times"),
        ("took 12ms for 3", "took 15ms for 3", "times"),
        ("took 12ms for 3", "took 15ms for 4", "numbers"),
        ("took 1.5 s", "took 1500 ms", "numbers"),
        ("x:  1.0   y", "x: 1.0 y", ""),  # columns move with what stands in them
        ("float64 x1", "float32 x1", "text"),
        ("nan 1.0", "1.0 1.0", "text"),
        ("-1.0", "1.0", "numbers"),
        ("0.0", "-0.0", ""),
        ("[1. 2. 3.]", "[1. 2. 4.]", "numbers"),
        ("v1.2.3", "v1.2.4", "text"),
        ("one", None, "a line more or less"),
    ],
)
def test_lines_agree_in_text_exactly_and_in_numbers_within_the_tolerance(one, other, what):
    assert lines(one, other, 1e-6).what == what
    assert lines(other, one, 1e-6).what == what


def test_the_largest_difference_is_relative_to_the_number():
    assert lines("a 100.00001 b 2.0", "a 100.00002 b 2.0", 1e-6).largest == pytest.approx(1e-7)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-9], True),
        ([1.0, 2.0], [1.0, 2.1], False),
        ([1e-12, 2.0], [0.0, 2.0], True),  # in proportion to the largest
        ([np.nan, 1.0], [np.nan, 1.0], True),
        ([np.nan, 1.0], [1.0, np.nan], False),
        ([np.inf, 1.0], [-np.inf, 1.0], False),
        ([1, 2], [1, 3], False),
        ([1, 2], [1.0, 2.0], False),
        ([1.0], [1.0, 1.0], False),
        ([0.0], [0.0], True),
        ([], [], True),
    ],
)
def test_arrays_agree_within_the_tolerance_of_their_largest_number(one, other, agree):
    assert numbers.arrays(np.array(one), np.array(other), 1e-6).agrees == agree


def test_an_array_of_single_precision_agrees_within_its_own_precision():
    one = np.array([1.0, 2.0], np.float32)

    assert numbers.arrays(one, one * np.float32(1 + 2e-5), 1e-6).agrees
    assert not numbers.arrays(one, one * np.float32(1.01), 1e-6).agrees


def write(folder, name, value):
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    if name.endswith(".npy"):
        np.save(file, value)
    elif name.endswith(".npz"):
        np.savez(file, a=value)
    elif name.endswith(".json"):
        file.write_text(json.dumps({"a": list(value), "b": "text"}))
    elif name.endswith(".csv"):
        file.write_text("".join(f"row,{number!r}\n" for number in value))
    else:
        file.write_bytes(b"\0" + np.array(value).tobytes())
    return file


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.json", "x.csv", "x.bin"])
def test_files_are_compared_as_numbers_where_their_kind_is_known(tmp_path, name):
    exact, near, far = (write(tmp_path / str(i), name, [1.0, value]) for i, value in enumerate((2.0, 2.0 + 1e-9, 2.5)))
    same = write(tmp_path / "same", name, [1.0, 2.0])

    assert files(exact, same, 1e-6).agrees
    assert files(exact, near, 1e-6).agrees == (name != "x.bin")
    assert not files(exact, far, 1e-6).agrees


def test_a_file_that_is_not_what_its_name_says_is_compared_byte_by_byte(tmp_path):
    for name in ("x.npy", "x.npz", "x.json"):
        one, other = tmp_path / f"1{name}", tmp_path / f"2{name}"
        one.write_bytes(b"junk")
        other.write_bytes(b"other junk")

        assert files(one, other, 1e-6).what == "4 and 10 bytes"


def test_nothing_pickled_is_read(tmp_path):
    one, other = tmp_path / "1.npy", tmp_path / "2.npy"
    np.save(one, np.array([{"a": 1}], object), allow_pickle=True)
    np.save(other, np.array([{"a": 2}], object), allow_pickle=True)

    assert not files(one, other, 1e-6).agrees


def test_what_differs_without_tuning_too_says_nothing_about_tuning():
    texts = Texts(b"sum 1.0\nrandom 0.31\ntook 1 s\n", 1e-6)
    texts.add(b"sum 1.0\nrandom 0.47\ntook 2 s\n", tuned=False)
    texts.add(b"sum 1.0\nrandom 0.55\ntook 3 s\n", tuned=True)
    found = texts.agreement()

    assert (found.compared, found.varying, found.times, found.different) == (3, 1, 1, [])


def test_a_line_that_is_other_with_tuning_alone_is_shown():
    texts = Texts(b"sum 1.0\nkept\n", 1e-6)
    texts.add(b"sum 1.5\n", tuned=True)
    texts.add(b"sum 1.0\nkept\n", tuned=False)
    found = texts.agreement()

    assert not found.agrees
    assert found.different == [
        ("line 1", "numbers", "sum 1.0", "sum 1.5"),
        ("line 2", "a line more or less", "kept", ""),
    ]


def test_a_file_that_one_side_alone_writes_is_named(tmp_path):
    one = write(tmp_path, "x.npy", [1.0])
    held = Files({"x.npy": one}, 1e-6)
    held.add({"y.npy": one}, tuned=True)
    held.add({"x.npy": one}, tuned=False)

    assert [name for name, *_ in held.agreement().different] == ["x.npy", "y.npy"]
