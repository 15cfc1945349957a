"""Workloads made by hand, for tests of what is made of them."""

from __future__ import annotations

from autotune.machine import fingerprint
from autotune.profile.workload import FORMAT, SCHEMA, Calls, KernelCalls, Run, SignatureCalls, Workload

MB = 1 << 20


def calls(size: dict[str, int], median_s: float, count: float = 1000.0, *, served=None, **more) -> Calls:
    """Calls of one size, all alike."""
    about = {"sampled": 100, "tail_s": 1.5 * median_s, "total_s": median_s * count, **more}
    return Calls(size=size, calls=count, median_s=median_s, served=served or {"reference": count}, **about)


def kernel(name: str, *signatures: SignatureCalls, own: float = 1.0, misses: int = 1) -> KernelCalls:
    """The calls of one kernel; `own` is the share of its time that is not of kernels it calls."""
    total_s = sum(one.total_s for signature in signatures for one in signature.calls)
    number = round(sum(one.calls for signature in signatures for one in signature.calls))
    return KernelCalls(name, name.partition(":")[0], number, total_s * own, total_s, list(signatures), misses)


def workload(*kernels: KernelCalls, **run) -> Workload:
    """A workload of this machine."""
    machine = fingerprint()
    spent_s = sum(one.self_s for one in kernels)
    about = {
        "command": ["fit.py", "--fast"], "started_s": 1.79e9, "wall_s": 1.25 * spent_s, "cpu_s": 1.6 * spent_s,
        "peak_bytes": 310 * MB, "mode": "first-use", "cores": machine.cores.count, "dispatch_s": 90e-9,
        "machine": dict(machine.hard), "label": machine.label, "tool": "test",
        **run,
    }  # fmt: skip
    return Workload(FORMAT, SCHEMA, Run(**about), list(kernels))
