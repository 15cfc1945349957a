"""The benchmark of the kernel library is fair: every kernel is in it, and its rivals compute what it computes."""

from __future__ import annotations

import numpy as np
import pytest

import kernels
from tests.benchmarks import bench_kernels
from tests.benchmarks.cells import BENCHES
from tests.benchmarks.cells.bench import PLAIN


def test_every_kernel_is_measured():
    assert BENCHES.keys() == set(kernels.__all__)


def numbers(result) -> np.ndarray:
    """All numbers of a result, one after the other."""
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(np.asarray(part)) for part in parts])


CALLS = [
    pytest.param(name, next(size for size in bench.sizes if ("axis" in size) == axis), id=f"{name}{', an axis' * axis}")
    for name, bench in BENCHES.items()
    for axis in (False, True)
    if any(("axis" in size) == axis for size in bench.sizes)
]


@pytest.mark.parametrize(("name", "size"), CALLS)
def test_rivals_compute_what_the_kernel_computes(name, size):
    bench = BENCHES[name]
    arguments = bench.sizes[size]("float64")
    rivals = dict(bench.rivals)
    if bench.original:
        rivals[bench.original[0]] = bench.original[1]
    if bench.plain:
        rivals[PLAIN] = lambda: bench.plain  # interpreted, where numba.prange is range

    expected = numbers(getattr(kernels, name).reference(*arguments))
    for rival in rivals.keys() - bench.unlike.keys():
        if not bench.taken(rival, arguments):
            continue
        try:
            function = rivals[rival]()
        except ImportError:
            continue
        np.testing.assert_allclose(numbers(function(*arguments)), expected, rtol=1e-9, atol=1e-12, err_msg=rival)


def test_a_cell_that_cannot_be_measured_does_not_cost_what_was_measured(monkeypatch, tmp_path, capsys):
    def fails(cell):
        raise ValueError("no such machine")

    monkeypatch.setattr(bench_kernels, "measure", fails)

    assert bench_kernels.run(["dot"], "float64", tmp_path) == 1
    assert "not measured: dot float64 10: ValueError: no such machine" in capsys.readouterr().out
    assert (tmp_path / "kernels.csv").read_text().startswith("family,kernel,dtype")
