"""Workloads made by hand, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotune.profile.workload import FORMAT, SCHEMA, Argument, Calls, KernelCalls, Run, SignatureCalls, Workload

#: `Signature.key` of a call with one float64 array named x.
ARRAY = '[["x","array","float64",1,"C"]]'


def calls_of(size: int | dict[str, int], count: float, call_s: float, served: str = "reference", **about) -> Calls:
    """Calls that all took the same time."""
    size = {"n": size} if isinstance(size, int) else size
    given = {
        "sampled": int(count),
        "total_s": count * call_s,
        "median_s": call_s,
        "tail_s": call_s,
        "warm": 1.0,
        **about,
    }
    return Calls(size=size, calls=count, served={served: count}, **given)


def kernel_of(kernel: str, module: str | Path, *sites: Calls, key: str = ARRAY, untuned: str = "") -> KernelCalls:
    """The calls of a kernel with one signature."""
    total_s = sum(site.total_s for site in sites)
    signatures = [SignatureCalls(key, list(sites), untuned)]
    return KernelCalls(kernel, str(module), round(sum(site.calls for site in sites)), total_s, total_s, signatures)


def workload_of(*kernels: KernelCalls, wall_s: float = 10.0, command: Sequence[str] = ("python", "-m", "program")):
    """A run that called these kernels."""
    return Workload(FORMAT, SCHEMA, Run(command=list(command), started_s=0.0, wall_s=wall_s), list(kernels))


def array(*shape: int, dtype: str = "float64") -> Argument:
    return Argument(shape=list(shape), dtype=dtype)
