"""Functions that regression watch times: ``autotune baseline compare --against main --benchmarks benchmarks.py``.

Every ``bench_*`` is one; what it takes comes from ``inputs_*(rng)``. Both sides run this file, as it is now, on their
own version of what it imports.
"""

from kernels import median, softmax


def inputs_median(rng):
    return (rng.standard_normal(100_000),)


def bench_median(x):
    return median(x)


def inputs_softmax(rng):
    return (rng.standard_normal((256, 256)),)


def bench_softmax(x):
    return softmax(x)
