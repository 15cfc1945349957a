"""Programs that tests of first use run in processes of their own, as users write them."""

KERNEL = '''
import sys, time
import numpy as np
from autotune import Pow2, jitable, prange, tunable

@tunable(size={"n": "x.size"})
def rms(x):
    """Root mean square."""
    return np.sqrt(np.mean(x * x))

@rms.variant(kind="vectorized", jit=True)
def single_pass(x):
    total = 0.0
    for i in range(x.size):
        total += x[i] * x[i]
    return np.sqrt(total / x.size)

@rms.variant(kind="vectorized")
def by_dot(x):
    return np.sqrt(np.dot(x, x) / x.size)

@rms.variant(kind="blocked", jit=True, params={"block": Pow2(64, 256)})
def blocked(x, *, block):
    total = 0.0
    for start in range(0, x.size, block):
        part = 0.0
        for i in range(start, min(start + block, x.size)):
            part += x[i] * x[i]
        total += part
    return np.sqrt(total / x.size)
'''

#: Calls the kernel three times and prints what the tests look at.
CALLS = """
x = np.random.default_rng(0).standard_normal(2000)
start = time.perf_counter()
first = rms(x)
print("first_call_s", time.perf_counter() - start)
print("same", first == rms(x) == rms(x.copy()))
print("right", abs(first - rms.reference(x)) < 1e-12, type(first) is np.float64)
decided = rms.decision(x)
print("variant", decided.variant, "source", decided.source)
entries = rms.__autotune__.dispatcher.entries
record = next(iter(entries.values())).record if entries else None
print("untried", ",".join(record.untried) if record else "no record")
print("tuned", rms.cache_info().tuned)
"""

SCRIPT = KERNEL + CALLS
GUARDED = KERNEL + 'if __name__ == "__main__":\n' + "".join(f"    {line}\n" for line in CALLS.strip().splitlines())
