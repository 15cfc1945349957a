"""Adds up workloads: of several runs, or of the processes of one.

Knows nothing of files, and of how calls are recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ..errors import WorkloadError
from .calls.tally import Sizes
from .workload import FORMAT, SCHEMA, KernelCalls, Run, SignatureCalls, Workload

#: So many names of runs are kept: processes of a run that outlive it by so many others are counted as a run.
MAX_IDS = 16


def merge(workloads: Sequence[Workload], weights: Sequence[float] | None = None) -> Workload:
    """The sum of several runs.

    Parameters
    ----------
    workloads : sequence of Workload
    weights : sequence of float, optional
        How often each of them counts; once by default.

    Raises
    ------
    WorkloadError
        There is nothing to merge, or not one weight above 0 for each.
    """
    given = [1.0] * len(workloads) if weights is None else [float(weight) for weight in weights]
    if not workloads:
        raise WorkloadError("no workload is given; record one: autotune record -o workload.json script.py")
    if len(given) != len(workloads) or not all(0 < weight < float("inf") for weight in given):
        raise WorkloadError(
            f"{len(workloads)} workload(s) and the weights {given}: expected one number above 0 for each"
        )
    if len(workloads) == 1 and given == [1.0]:
        return workloads[0]
    return Workload(FORMAT, SCHEMA, _sum_of_runs([each.run for each in workloads], given), _kernels(workloads, given))


def joined(parts: Sequence[Workload]) -> Workload:
    """The processes of one run as one; `parts` may begin with a sum of runs, of which theirs is one."""
    runs = [part.run for part in parts]
    first = runs[0] if runs[0].runs > 1 else min(runs, key=lambda run: run.started_s)
    end_s = max(run.started_s + run.wall_s for run in runs)
    run = msgspec.structs.replace(
        first,
        wall_s=first.wall_s if first.runs > 1 else end_s - first.started_s,
        cpu_s=sum(run.cpu_s for run in runs),
        processes=sum(run.processes for run in runs),
        threads=max(run.threads for run in runs),
        peak_bytes=max(run.peak_bytes for run in runs),
        parts=[],
    )
    return Workload(FORMAT, SCHEMA, run, _kernels(parts, [1.0] * len(parts)))


def _sum_of_runs(runs: Sequence[Run], weights: Sequence[float]) -> Run:
    first = runs[0]
    pairs = list(zip(runs, weights, strict=True))
    return msgspec.structs.replace(
        first,
        command=first.command if all(run.command == first.command for run in runs) else [],
        started_s=min(run.started_s for run in runs),
        wall_s=sum(weight * run.wall_s for run, weight in pairs),
        cpu_s=sum(weight * run.cpu_s for run, weight in pairs),
        processes=max(run.processes for run in runs),
        threads=max(run.threads for run in runs),
        exit_code=first.exit_code if all(run.exit_code == first.exit_code for run in runs) else None,
        peak_bytes=max(run.peak_bytes for run in runs),
        runs=sum(run.runs for run in runs),
        ids=list(dict.fromkeys(name for run in runs for name in run.ids))[-MAX_IDS:],
        parts=[],
    )


def _kernels(workloads: Sequence[Workload], weights: Sequence[float]) -> list[KernelCalls]:
    """All kernels, hottest first."""
    by_name: dict[str, list[tuple[KernelCalls, float]]] = {}
    for workload, weight in zip(workloads, weights, strict=True):
        for kernel in workload.kernels:
            by_name.setdefault(kernel.kernel, []).append((kernel, weight))
    return sorted((_kernel(several) for several in by_name.values()), key=lambda kernel: -kernel.total_s)


def _kernel(several: Sequence[tuple[KernelCalls, float]]) -> KernelCalls:
    first = several[0][0]
    by_key: dict[tuple[str, str], tuple[Sizes, list[str]]] = {}
    for kernel, weight in several:
        for signature in kernel.signatures:
            key = signature.signature, "" if signature.signature else signature.untuned
            sizes, reasons = by_key.setdefault(key, (Sizes(), []))
            sizes.join(signature.calls, weight)
            reasons.append(signature.untuned)
    hottest_first = sorted(by_key.items(), key=lambda item: -item[1][0].total_s)
    return KernelCalls(
        kernel=first.kernel,
        module=first.module,
        calls=round(sum(weight * kernel.calls for kernel, weight in several)),
        self_s=sum(weight * kernel.self_s for kernel, weight in several),
        total_s=sum(weight * kernel.total_s for kernel, weight in several),
        signatures=[
            SignatureCalls(key, sizes.all_calls(), _reason(reasons)) for (key, _), (sizes, reasons) in hottest_first
        ],
        misses=round(sum(weight * kernel.misses for kernel, weight in several)),
        miss_s=sum(weight * kernel.miss_s for kernel, weight in several),
    )


def _reason(reasons: Iterable[str]) -> str:
    """Why a signature is untuned; it is not if any process had it tuned."""
    found = list(reasons)
    return "" if "" in found else found[-1]
