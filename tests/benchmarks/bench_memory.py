"""The peak memory of the fused kernels: that of every variant, and of NumPy or SciPy, beyond their arguments.

Run as ``python -m tests.benchmarks.bench_memory``. What is allocated is traced (tracemalloc; Numba allocates nothing in
these kernels). The limit is the result and 5 % of arguments and result together.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import kernels
from autotune.kernel.coverage import not_covered, unavailable
from autotune.kernel.signature import NotCovered, signature_of
from tests.benchmarks.cells import BENCHES, family_of
from tests.benchmarks.cells.bench import read_once
from tests.benchmarks.timing import report, verdict

LIMIT = 0.05
#: Arrays of a few megabytes: small ones are allocated beside the interpreter's own objects.
SMALLEST_BYTES = 1 << 20


def peak_bytes(call: Callable[[], Any]) -> tuple[int, int]:
    """The most memory that was allocated at a time in a second call, and the size of its result."""
    call()
    tracemalloc.start()
    result = call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, result.nbytes


def calls(tuned: Any, arguments: tuple[Any, ...]) -> dict[str, Callable[[], Any]]:
    """The reference, and each variant that takes such a call, with the first of its settings."""
    kernel = tuned.__autotune__.kernel
    signature = signature_of(kernel, kernel.bind(*arguments))
    assert not isinstance(signature, NotCovered)
    found: dict[str, Callable[[], Any]] = {"reference": partial(tuned.reference, *arguments)}
    for name, variant in tuned.variants.items():
        if unavailable(variant) is None and not_covered(kernel, variant, signature) is None:
            found[name] = partial(variant.function, *arguments, **dict(next(iter(variant.space))))
    return found


def main() -> int:
    rows, met = [], True
    for name, bench in BENCHES.items():
        tuned = getattr(kernels, name)
        if family_of(name) != "fused":
            continue
        for size, make in bench.sizes.items():
            arguments = make("float64")
            read = read_once(*arguments)
            if not SMALLEST_BYTES <= read <= 100 * SMALLEST_BYTES:
                continue
            for label, call in calls(tuned, arguments).items():
                peak, result = peak_bytes(call)
                share = (peak + read) / (read + result) - 1
                sound = label == "reference" or share <= LIMIT
                met &= sound
                limit, judged = ("", "") if label == "reference" else (f"{LIMIT:.0%}", verdict(sound))
                rows.append([name, size, label, f"{peak / 2**20:.2f} MiB", f"{share:+.1%}", limit, judged])
    header = ["kernel", "size", "", "peak beyond arguments", "beyond arguments and result", "limit", ""]
    report("Peak memory of the fused kernels (float64)", header, rows)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
