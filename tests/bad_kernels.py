"""A kernel with two good variants and every bad one that a tuner must survive; test data of test_bad_candidates."""

from __future__ import annotations

import ctypes
import os

import numpy as np

from autotune import Pow2, Range, jitable, prange, tunable


@tunable(
    size={"n": "x.size"},
    inputs=lambda rng, n: (rng.standard_normal(n),),
    calibrate={"n": Range(1, 200_000)},
)
def running_mean(x):
    """Mean of everything up to each element."""
    return np.cumsum(x) / np.arange(1, x.size + 1)


# -- good


@running_mean.variant(kind="scalar", jit=True)
def one_pass(x):
    out = np.empty(x.size)
    total = 0.0
    for i in range(x.size):
        total += x[i]
        out[i] = total / (i + 1)
    return out


@running_mean.variant(kind="vectorized")
def in_place(x):
    out = np.cumsum(x)
    out /= np.arange(1, x.size + 1)
    return out


# -- wrong


@running_mean.variant(kind="scalar")
def off_by_a_millionth(x):
    return in_place(x) * (1 + 1e-6)


@running_mean.variant(kind="blocked", params={"block": Pow2(128, 128)})
def wrong_at_remainders(x, *, block):
    out = in_place(x)
    if x.size > block and x.size % block:
        out[x.size // block * block :] = 0
    return out


@running_mean.variant(kind="scalar")
def wrong_for_nan(x):
    return in_place(np.where(np.isnan(x), 0.0, x))


_calls = [0]


@running_mean.variant(kind="scalar")
def wrong_at_the_second_call(x):
    _calls[0] += 1
    return in_place(x) * (1 if _calls[0] % 2 else 1.5)


@running_mean.variant(kind="parallel", jit={"parallel": True})
def races(x):
    """Right with one thread: two of them lose each other's additions to the total."""
    out = np.empty(x.size)
    total = np.zeros(1)
    for i in prange(x.size):
        total[0] += x[i]
    sum_so_far = 0.0
    for i in range(x.size):
        sum_so_far += x[i]
        out[i] = sum_so_far / (i + 1)
    if x.size:
        out[-1] = total[0] / x.size
    return out


@running_mean.variant(kind="scalar")
def view_of_its_input(x):
    return x[:] if x.size == 1 else in_place(x)


@running_mean.variant(kind="scalar")
def changes_its_input(x):
    out = in_place(x)
    x *= 2
    return out


@running_mean.variant(kind="scalar")
def other_dtype(x):
    return in_place(x).astype(np.float32)


@running_mean.variant(kind="scalar")
def leaves_a_part_unwritten(x):
    out = np.empty_like(x)
    out[: x.size - 1] = in_place(x)[: x.size - 1]
    return out


@running_mean.variant(kind="scalar")
def raises_at_one_size(x):
    if x.size == 7:
        raise RuntimeError("seven")
    return in_place(x)


# -- deadly


@jitable
def _needs_a_worker(x):
    return x


@running_mean.variant(kind="library")
def holds_the_lock_for_ever(x):
    ctypes.PyDLL(None).sleep(600)
    return in_place(x)


@running_mean.variant(kind="library")
def segfaults(x):
    ctypes.string_at(0)
    return in_place(x)


@running_mean.variant(kind="library")
def leaves(x):
    os._exit(7)


@running_mean.variant(kind="library")
def exits(x):
    raise SystemExit("no more")


@running_mean.variant(kind="library")
def leaves_when_compiled(x):
    _needs_a_worker(1.0)
    os._exit(9)


@running_mean.variant(kind="library")
def takes_ten_gigabytes(x):
    np.ones(10 << 27)
    return in_place(x)


# -- with side effects


@running_mean.variant(kind="library")
def prints_much(x):
    for _ in range(1000):
        print("x" * 100_000)
    return in_place(x)


@running_mean.variant(kind="library")
def writes_much(x):
    for _ in range(1000):
        os.write(1, b"x" * 100_000)
    return in_place(x)


@running_mean.variant(kind="library")
def moves(x):
    os.chdir("/")
    return in_place(x)


@running_mean.variant(kind="library")
def moves_when_large(x):
    if x.size > 1000:
        os.chdir("/")
    return in_place(x)


@running_mean.variant(kind="library")
def ignores_errors(x):
    np.seterr(all="ignore")
    return in_place(x)


@running_mean.variant(kind="library")
def uses_one_thread(x):
    import numba

    numba.set_num_threads(1)
    return in_place(x)


@running_mean.variant(kind="library")
def changes_the_environment(x):
    os.environ["OMP_NUM_THREADS"] = "1"
    return in_place(x)


@running_mean.variant(kind="library")
def draws_random_numbers(x):
    np.random.random()
    return in_place(x)


@running_mean.variant(kind="library")
def limits_blas(x):
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")
    return in_place(x)


#: What the record says of each: the step it was lost at, or the first words of what is wrong.
REASONS = {
    "off_by_a_millionth": "off by",
    "wrong_at_remainders(block=128)": "wrong at n=129",
    "wrong_for_nan": "NaN in other places",
    "wrong_at_the_second_call": "call 2: ",
    "races": "wrong at ",  # at any size with two threads
    "view_of_its_input": "the result is a view of the argument x",
    "changes_its_input": "changes its input x; declare mutates=('x',)",
    "other_dtype": "dtype float32, expected float64",
    "leaves_a_part_unwritten": "result",
    "raises_at_one_size": "wrong at n=7: raises RuntimeError: seven",
    "holds_the_lock_for_ever": "verify: took longer than 20.0 s",
    "segfaults": "verify: was killed by SIGSEGV",
    "leaves": "verify: ended the process with status 7",
    "exits": "raises SystemExit: no more",
    "leaves_when_compiled": "verify: ended the process with status 9",
    "takes_ten_gigabytes": "needs more memory than there is for a candidate: Unable to allocate 10.0 GiB",
    "prints_much": "prints more than 64 KiB in one call; a variant may not",
    "writes_much": "prints more than 64 KiB in one call; a variant may not",
    "moves": "changes the working directory to /; a variant may not",
    "moves_when_large": "changes the working directory to /; a variant may not",
    "ignores_errors": "changes NumPy's error state (np.seterr): ",
    "uses_one_thread": "changes Numba's thread count (numba.set_num_threads) to 1; a variant may not",
    "changes_the_environment": "changes the environment: OMP_NUM_THREADS='1'; a variant may not",
    "draws_random_numbers": "changes NumPy's global random state",
    "limits_blas": "changes the thread count of BLAS: ",
}
