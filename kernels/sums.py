"""Sums in float64 that several families make: of runs in vector lanes, and of partial results in their order.

Knows nothing of what is summed.
"""

from autotune import jitable
from kernels.floats import ANY_ORDER

# Elements added in vector lanes, some in the arrays' own precision, before the next run begins: errors grow with the
# square root of this and of the number of runs, not with the length; and long enough to hide the change of loops (1,024
# costs 10 % more).
RUN = 4096


@jitable(fastmath=ANY_ORDER, forceinline=True)
def total_of_run(run):
    """The sum of a run."""
    total = 0.0
    for i in range(run.size):
        total += run[i]
    return total


@jitable(fastmath=ANY_ORDER, forceinline=True)
def product_of_run(x, y):
    """The inner product of two runs of one length."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


@jitable
def total_of(x):
    """The sum of a vector."""
    total = 0.0
    for start in range(0, x.size, RUN):
        total += total_of_run(x[start : start + RUN])
    return total


@jitable
def in_order(totals):
    """The sum of partial results in one thread: in a parallel function `sum` would depend on the number of threads."""
    return totals.sum()
