"""Calls to verify candidates on: small sizes and block edges, special values, and the call at hand.

From `inputs` where the kernel declares it, otherwise from cut copies of the caller's own arrays. Knows nothing of
candidates' code.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from ..kernel.model import Candidate, Kernel
from ..kernel.signature import NotCovered, Signature, signature_of
from ..measure import arguments as make
from ..measure.gate import Case

#: Sizes at which loops go wrong: nothing, one, remainders of unrolling by 2, 4 and 8, a prime, past a cache line.
EDGES = (0, 1, 2, 3, 7, 8, 9, 31, 64, 97)
#: Sizes are at an edge together as long as their product is at most this: three at the largest, four at 31; and up to
#: this, wherever their ranges end: at most 31 of three. A window of 97 x 97 on an image like it took seconds.
MAX_TOGETHER = 10**6
MAX_BEYOND = 10**5
#: What the other sizes are while one is at its edges.
ELSEWHERE = 5
#: A cut copy of the caller's arrays is at most this long in every axis; the call itself is verified whole.
MAX_CUT = 1000
#: Threads overlap where a call works on this much or takes this long: at 10 GB/s a megabyte takes 100 µs, waking a
#: thread 3 to 50 (MEASUREMENT.md, section 8). More would make twenty repeats of every setting long.
BUSY_BYTES = 1 << 20
BUSY_REFERENCE_S = 5e-3
#: A call counts as long if so many in a row are: beside other work, one call of 5 µs took more than that.
_TRIALS = 3

Make = Callable[[dict[str, int]], make.Arguments]


def from_inputs(kernel: Kernel, signature: Signature, largest: Mapping[str, int], arguments: Make) -> list[Case]:
    """Cases at the edges of every size, and special values at moderate ones.

    Parameters
    ----------
    largest : mapping
        Sizes that `inputs` takes, and the upper ends of their ranges.
    arguments : callable
        Makes arguments for a point.
    """
    together = list(_together(largest))
    points = together
    if len(largest) > 1:
        points = together + [{**dict.fromkeys(largest, ELSEWHERE), name: edge} for name in largest for edge in EDGES]
    cases = []
    for point in points:
        case = _case(kernel, signature, point, arguments)
        if case is not None:
            cases.append(case)
    plain = next(reversed(cases[: len(together)]), None)
    return [*cases, *(special_cases(kernel, plain.arguments) if plain is not None else ())]


def _together(largest: Mapping[str, int]) -> Iterator[dict[str, int]]:
    for edge in EDGES:
        point = dict.fromkeys(largest, edge)
        if math.prod(point.values()) > MAX_BEYOND:
            point = {name: min(edge, most) for name, most in largest.items()}
        if math.prod(point.values()) <= MAX_TOGETHER:
            yield point


def _case(kernel: Kernel, signature: Signature, point: dict[str, int], arguments: Make) -> Case | None:
    """A case at a point, or None where `inputs` cannot make it or it has another signature."""
    try:
        made = arguments(point)
    except Exception:  # the candidate boundary: inputs= need not serve sizes that calibrate= leaves out
        return None
    found = signature_of(kernel, made)
    if isinstance(found, NotCovered) or found.key != signature.key:
        return None
    return Case(" ".join(f"{name}={value}" for name, value in point.items()), made)


def block_edges(
    kernel: Kernel, signature: Signature, names: list[str], arguments: Make, candidate: Candidate, limit: int
) -> Iterator[Case]:
    """Cases around every whole number in a candidate's setting: block-1, block, block+1, 2·block+1.

    The largest also with one NaN and one infinity, most likely in a block that is not the last. For a candidate with
    threads also a case that keeps all of them busy at once.
    """
    if kernel.variants[candidate.variant].threads:
        yield from _for_threads(kernel, signature, names, arguments, limit)
    blocks = sorted({value for _, value in candidate.config if type(value) is int and 1 < value <= limit})
    for block, name in itertools.product(blocks, names):
        for edge in (block - 1, block, block + 1, 2 * block + 1):
            if edge not in EDGES:
                case = _case(kernel, signature, {**dict.fromkeys(names, ELSEWHERE), name: edge}, arguments)
                if case is not None:
                    yield case
                    if edge > block + 1:
                        for planted in (np.nan, np.inf):
                            made = make.with_specials(case.arguments, (planted,), edge, kernel.mutates)
                            yield Case(f"{case.label}, with {planted}", made)


def _for_threads(kernel: Kernel, signature: Signature, names: list[str], arguments: Make, limit: int) -> Iterator[Case]:
    """The smallest case at which threads overlap in time: at the edges the first is done before the others wake."""
    size = ELSEWHERE  # where several sizes grow together, the work soon takes seconds
    best = None
    while size < limit:
        size = min(2 * size, limit)
        case = _case(kernel, signature, dict.fromkeys(names, size), arguments)
        if case is None:
            break
        best = case
        try:
            busy = make.total_bytes(case.arguments) >= BUSY_BYTES or _takes_long(kernel, case.arguments)
        except Exception:  # the candidate boundary: the reference may refuse such a size, and then so must a variant
            break
        if busy:
            break
    if best is not None:
        yield Case(f"{best.label}, where threads overlap", best.arguments)


def _takes_long(kernel: Kernel, arguments: make.Arguments) -> bool:
    """Whether the reference keeps threads busy, every time: on a busy machine any single call may take long."""
    for _ in range(_TRIALS):
        copied = make.copy_arguments(arguments)
        started = time.perf_counter()
        kernel.call_reference(copied)
        if time.perf_counter() - started <= BUSY_REFERENCE_S:
            return False
    return True


def from_call(kernel: Kernel, signature: Signature, values: make.Arguments) -> list[Case]:
    """Cases from one call: cut to small lengths, with special values, and as it is."""
    base = values
    for length in make.axis_lengths(values):
        if length > MAX_CUT:
            base = make.truncated(base, length, MAX_CUT)
    cases = []
    for length in make.axis_lengths(base):
        for edge in EDGES:
            if edge < length:
                made = make.truncated(base, length, edge)
                found = signature_of(kernel, made)
                if not isinstance(found, NotCovered) and found.key == signature.key:
                    cases.append(Case(f"axes of {length} cut to {edge}", made))
    if base is not values:
        cases.append(Case("cut", base))
    return [*cases, *special_cases(kernel, base), Case("the call", dict(values))]


def special_cases(kernel: Kernel, arguments: make.Arguments) -> Iterable[Case]:
    """The call with NaN, infinities and signed zeros in floating inputs, alone and together."""
    floating = any(
        type(value) is np.ndarray and value.dtype.kind in "fc" and name not in kernel.mutates
        for name, value in arguments.items()
    )
    if not floating:
        return
    dtypes = [v.dtype for v in arguments.values() if type(v) is np.ndarray and v.dtype.kind in "fc"]
    large = min(float(np.finfo(dtype).max) for dtype in dtypes) / 4
    sets = {
        "NaN": (np.nan,),
        "+inf": (np.inf,),
        "-inf": (-np.inf,),
        "zeros": (0.0, -0.0),
        "tiny": (5e-324, -1e-310, 1e-40),
        "huge": (large, -large),
        "specials": make.SPECIALS,
    }
    for seed, (name, planted) in enumerate(sets.items()):
        yield Case(name, make.with_specials(arguments, planted, seed, kernel.mutates))
