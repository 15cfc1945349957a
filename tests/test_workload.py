"""Workloads as files: reading, writing, adding up, and what is said of files that are none."""

from __future__ import annotations

import json
import random
import stat
from pathlib import Path

import msgspec
import pytest

from autotune.errors import WorkloadError
from autotune.profile import document, files
from autotune.profile.calls import tally
from autotune.profile.calls.part import Look
from autotune.profile.workload import Workload, decode, encode
from tests.full_disk import no_room, posix

EXAMPLE = Path(__file__).parent / "data" / "workload.json"


@pytest.fixture
def workload() -> Workload:
    return files.read(EXAMPLE)


def look(n: int, took_s: float = 1e-6, weight: float = 1.0, **about) -> Look:
    return Look(0, {"n": n}, took_s, weight, "reference", allocated_bytes=8, argument_bytes=8 * n, **about)


def test_a_workload_is_read_as_it_was_written(workload, tmp_path):
    files.write(tmp_path / "again.json", workload)

    assert files.read(tmp_path / "again.json") == workload


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "Input data was truncated"),
        (b"\x00\xff\xfe", "is no workload"),
        (b"[1, 2]", "Expected `object`, got `array`"),
        (b'{"format": "autotune workload", "x": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"schema": 1}', "its format is '', expected 'autotune workload'"),
        (b'{"format": "autotune workload", "schema": 2}', "written by a newer autotune; read it with that version"),
        (b'{"format": "autotune workload", "schema": 1}', "missing required field `run`"),
    ],
)
def test_a_file_that_is_no_workload_is_refused_with_what_was_found_and_what_to_do(tmp_path, content, found):
    path = tmp_path / "workload.json"
    path.write_bytes(content)

    with pytest.raises(WorkloadError) as refused:
        files.read(path)

    assert str(path) in str(refused.value)
    assert found in str(refused.value)
    assert "record the program anew" in str(refused.value)


def test_a_damaged_field_is_named_by_its_place(workload, tmp_path):
    data = json.loads(encode(workload))
    data["kernels"][0]["signatures"][0]["calls"][0]["total_s"] = "long"
    path = tmp_path / "workload.json"
    path.write_text(json.dumps(data))

    with pytest.raises(WorkloadError, match=r"kernels\[0\]\.signatures\[0\]\.calls\[0\]\.total_s"):
        files.read(path)


def test_a_file_that_is_not_there_is_refused_with_the_command_that_makes_one(tmp_path):
    with pytest.raises(WorkloadError, match="No such file or directory; record a program: autotune record -o"):
        files.read(tmp_path / "none.json")


def test_a_file_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(document, "MAX_BYTES", 1 << 20)

    with pytest.raises(WorkloadError, match="it has more than 1,048,576 bytes"):
        files.read("/dev/zero")


@posix
def test_a_full_disk_leaves_the_old_file_and_nothing_else(workload, tmp_path):
    path = tmp_path / "workload.json"
    path.write_text("old")

    with (
        no_room(),
        pytest.raises(WorkloadError, match=r"workload.json: the workload cannot be written: File too large"),
    ):
        files.write(path, workload)

    assert path.read_text() == "old"
    assert list(tmp_path.glob(".workload*")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_device_is_written_into_and_its_failure_is_said(workload):
    with pytest.raises(WorkloadError, match=r"/dev/full: the workload cannot be written: No space left on device"):
        files.write("/dev/full", workload)

    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_merging_adds_calls_and_times_and_keeps_the_hottest_first(workload):
    twice = files.merge([workload, workload])

    median, matmul = twice.kernels
    assert (median.calls, matmul.calls) == (40_420, 80_000)
    assert median.total_s == pytest.approx(8.1)
    assert [calls.size for calls in median.signatures[0].calls] == [{"n": 100_000}, {"n": 3_000_000}]
    assert median.signatures[0].calls[0].calls == 40_000
    assert median.signatures[0].calls[0].median_s == pytest.approx(workload.kernels[0].signatures[0].calls[0].median_s,
                                                                   rel=0.05)  # fmt: skip
    assert median.signatures[1].untuned == "a is a list, not exactly a numpy.ndarray"
    assert (twice.run.wall_s, twice.run.runs) == (25.0, 2)
    assert decode(encode(twice)) == twice


def test_a_weight_counts_a_workload_so_many_times(workload):
    weighted = files.merge([workload, workload], [0.5, 3])

    assert weighted.kernels[0].calls == round(3.5 * 20_210)
    assert weighted.kernels[1].signatures[0].calls[0].total_s == pytest.approx(3.5 * 1.2)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_weights_that_are_no_weights_are_refused(workload, weights):
    with pytest.raises(WorkloadError, match="expected one number above 0 for each"):
        files.merge([workload, workload], weights)


def test_nothing_to_merge_is_refused():
    with pytest.raises(WorkloadError, match="no workload is given"):
        files.merge([])


def test_a_signature_that_one_process_had_tuned_is_tuned(workload):
    kernel = workload.kernels[1]
    tuned = msgspec.structs.replace(
        workload,
        kernels=[msgspec.structs.replace(
            kernel, signatures=[msgspec.structs.replace(kernel.signatures[0], untuned="")],
        )],
    )  # fmt: skip

    merged = files.merge([workload, tuned])

    found = {each.kernel: each for each in merged.kernels}[kernel.kernel]
    assert [each.untuned for each in found.signatures] == [""]


def test_memory_is_bounded_and_no_call_is_lost_however_many_sizes_there_are():
    sizes, rng = tally.Sizes(), random.Random(1)
    seen = [rng.randint(1, 10**12) for _ in range(20_000)]

    for n in seen:
        sizes.add(look(n))

    found = sizes.all_calls()
    assert len(found) <= tally.MAX_EXACT + tally.MAX_BUCKETS
    assert sum(calls.calls for calls in found) == pytest.approx(len(seen))
    assert sum(calls.sampled for calls in found) == len(seen)


def test_the_hottest_sizes_are_exact_among_many_others():
    sizes, rng = tally.Sizes(), random.Random(2)
    hot = {100: 2e-3, 30_000: 1e-3, 7: 5e-4}

    for n in range(20_000):
        sizes.add(look(rng.randint(1, 10**6), 1e-5))
        if n % 10 == 0:
            for size, took_s in hot.items():
                sizes.add(look(size, took_s))

    for calls, (n, took_s) in zip(sizes.all_calls(), hot.items(), strict=False):
        assert (calls.size, calls.ranges) == ({"n": n}, {})
        assert calls.calls == pytest.approx(2000, rel=0.01)
        assert calls.median_s == pytest.approx(took_s, rel=0.03)


def test_sizes_of_several_dimensions_do_not_multiply_the_buckets():
    sizes, rng = tally.Sizes(), random.Random(3)

    for _ in range(20_000):
        size = {name: 2 ** rng.randint(0, 30) for name in "mkn"}
        sizes.add(Look(0, size, 1e-6, 1.0, "reference"))

    found = sizes.all_calls()
    assert len(found) <= tally.MAX_EXACT + tally.MAX_BUCKETS
    assert sum(calls.calls for calls in found) == pytest.approx(20_000)
    assert all(low <= high for calls in found for low, high in calls.ranges.values())


def test_the_tail_is_the_slowest_call_where_few_were_looked_at_and_the_99th_percentile_where_many_were():
    few, many = tally.Sizes(), tally.Sizes()
    for index in range(50):
        few.add(look(1, 1e-3 if index == 7 else 1e-6))
    for index in range(1000):
        many.add(look(1, 1e-3 if index == 7 else 1e-6))

    assert few.all_calls()[0].tail_s == pytest.approx(1e-3, rel=0.03)
    assert many.all_calls()[0].tail_s == pytest.approx(1e-6, rel=0.03)
