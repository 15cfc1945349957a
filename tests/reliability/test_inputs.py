"""Whatever the arguments, each kernel of the library gives what its reference gives when it is called directly.

Every kind of array × every kernel × every variant, decided on for the very call where it is eligible, so that the fast
path is taken: the same type, dtype, shape, order and warnings, values within the class that the variant was verified
for, the same type of exception, arguments left as the reference leaves them. What no variant may take must come out to
the last bit.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from autotune.kernel.coverage import not_covered
from autotune.kernel.signature import NotCovered, signature_of
from autotune.measure.compare import Mismatch, compare
from tests.kernels.books import KERNELS, MANNERS, calls
from tests.kernels.calls import PRECISIONS, Call, outcome, strided
from tests.kernels.manners import Subclass, misaligned, read_only
from tests.kernels.test_semantics import bounds_of
from tests.records import decide_watched
from tests.reliability.places import own_store
from tests.reliability.soak import Outcome, row


def planted(*values: float) -> Callable[[np.ndarray], np.ndarray]:
    """A copy with these values in a few places."""

    def plant(array):
        copy = array.copy()
        places = slice(None, None, max(1, copy.size // 3))
        with np.errstate(over="ignore"):  # what is too large for float32 is infinite
            copy.flat[places] = np.resize(values, len(copy.flat[places]))
        return copy

    return plant


def memmap(array):
    with tempfile.NamedTemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return mapped


KINDS: dict[str, Callable[[np.ndarray], Any]] = {
    "as usual": np.copy,
    "empty": lambda a: a[:0].copy(),
    "empty along the last axis": lambda a: a[..., :0].copy(),
    "0-d": lambda a: np.array(a.flat[0]),
    "one element": lambda a: a.flat[:1].reshape((1,) * a.ndim),
    "NaN": planted(np.nan),
    "inf": planted(np.inf),
    "-inf": planted(-np.inf),
    "inf and -inf": planted(np.inf, -np.inf),
    "-0.0": lambda a: np.full_like(a, -0.0),
    "zeros of either sign": planted(0.0, -0.0),
    "denormals": lambda a: (a * np.finfo(a.dtype).smallest_subnormal * 4).astype(a.dtype),
    "the largest": planted(1.7e308, 3e38, -3e38),
    "F order": lambda a: a.copy(order="F"),
    "strided": strided,
    "transposed": lambda a: a.T.copy().T,
    "negative stride": lambda a: a[::-1].copy()[::-1],
    "negative stride along the last axis": lambda a: a[..., ::-1].copy()[..., ::-1],
    "read-only": lambda a: read_only(a.copy()),
    "misaligned": misaligned,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "object": lambda a: a.astype(object),
    "float16": lambda a: a.astype(np.float16),
    "longdouble": lambda a: a.astype(np.longdouble),
    "complex": lambda a: a + 1j,
    "int": lambda a: (4 * a).astype(np.int64),
    "uint8": lambda a: np.abs(4 * a).astype(np.uint8),
    "bool": lambda a: a > 0,
    "MaskedArray": lambda a: np.ma.masked_greater(a, 0.5),
    "matrix": lambda a: np.matrix(a) if a.ndim == 2 else a.view(Subclass),
    "subclass": lambda a: a.copy().view(Subclass),
    "memmap": memmap,
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "broadcast along the last axis": lambda a: np.broadcast_to(a[..., :1], a.shape),
    "one axis more": lambda a: a[None].copy(),
    "a list": lambda a: a.tolist(),
}
#: Outputs for an input and a result: by what is special about them.
OUTPUTS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "fits": lambda x, r: np.full_like(r, 7),
    "the input itself": lambda x, r: x,
    "overlapping": lambda x, r: x.reshape(-1)[::-1][: r.size].reshape(r.shape) if x.size >= r.size else x,
    "a view of the input": lambda x, r: x.view(),
    "another type": lambda x, r: np.full(r.shape, 7, "f4" if r.dtype == "f8" else "f8"),
    "int": lambda x, r: np.full(r.shape, 7),
    "read-only": lambda x, r: read_only(np.full_like(r, 7)),
    "F order": lambda x, r: np.full_like(r, 7, order="F"),
    "strided": lambda x, r: strided(np.full_like(r, 7)),
    "misaligned": lambda x, r: misaligned(np.full_like(r, 7)),
    "byte-swapped": lambda x, r: np.full(r.shape, 7, r.dtype.newbyteorder()),
    "subclass": lambda x, r: np.full_like(r, 7).view(Subclass),
    "too large": lambda x, r: np.full((2, *r.shape), 7, r.dtype),
    "broadcast": lambda x, r: np.lib.stride_tricks.as_strided(np.zeros(1, r.dtype), r.shape, (0,) * r.ndim),
}


class Trial(NamedTuple):
    """One call: made anew every time, because it may change its arguments."""

    name: str
    make: Callable[[], Call]


def trials(name: str, dtype: str, seed: int, *, every: bool) -> Iterator[Trial]:
    """Calls of every kind; not `every`: unusual arguments in one place at a time."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(4, 30)), int(rng.integers(2, 12))
    for position, base in enumerate(calls(name, dtype, n=rows * columns, columns=columns)):
        if any(isinstance(array, np.ndarray) and not array.flags.c_contiguous for array in base.args):
            continue  # layouts are kinds here
        arrays = [i for i, a in enumerate(base.args) if isinstance(a, np.ndarray) and a.dtype.kind == "f"][:2]
        if not arrays:
            continue
        for kind, change in KINDS.items():
            for places in (arrays[:1], arrays[1:], arrays)[: 3 if every and len(arrays) > 1 else 1]:
                yield Trial(
                    f"{dtype}, call {position}, {kind} at {places}", lambda b=base, c=change, p=places: _with(b, c, p)
                )
        if "out" in KERNELS[name].__autotune__.kernel.parameters:
            for kind, output in OUTPUTS.items():
                for layout in ("as usual", "F order", "NaN")[: 3 if every else 1]:
                    yield Trial(
                        f"{dtype}, call {position}, {layout}, output: {kind}",
                        lambda base=base, output=output, layout=layout: _with_output(name, base, output, layout),
                    )


def _with(base: Call, change: Callable[[np.ndarray], Any], places: list[int]) -> Call:
    """A copy of a call with some arguments changed."""
    return Call(tuple(change(a) if i in places else a for i, a in enumerate(base.copy().args)), base.kwargs)


def _with_output(name: str, base: Call, output: Callable[..., Any], layout: str) -> Call:
    args = tuple(KINDS[layout](a) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in base.args)
    with np.errstate(all="ignore"):
        result = Call(args, base.kwargs).of(KERNELS[name].reference)
    return Call(args, {**base.kwargs, "out": output(args[0], result)})


class Count:
    """What came of many calls."""

    def __init__(self) -> None:
        self.calls = self.fast = 0
        self.differences: list[str] = []

    def add(self, other: Count) -> None:
        self.calls += other.calls
        self.fast += other.fast
        self.differences += other.differences


def tried(name: str, dtype: str, seed: int, *, every: bool) -> Count:
    """Every trial of a kernel, with every variant or with one after the other."""
    tuned, count = KERNELS[name], Count()
    given = list(trials(name, dtype, seed, every=every))
    rng = np.random.default_rng(seed)
    for position, variant in enumerate(tuned.variants.values()):
        tuned.cache_clear()
        settings = list(variant.space)
        for trial in given if every else given[position :: len(tuned.variants)]:
            setting = dict(settings[rng.integers(len(settings))])
            how = str(rng.choice(["warn", "ignore", "raise"]))
            _one(tuned, variant, setting, trial, how, count)
    tuned.cache_clear()
    return count


def _one(tuned, variant, setting, trial: Trial, how: str, count: Count) -> None:
    kernel = tuned.__autotune__.kernel
    call = trial.make()
    eligible = _eligible(kernel, variant, call)
    if tuned.cache_info().currsize > tuned.cache_info().maxsize // 2:
        tuned.cache_clear()
    if eligible:
        decide_watched(tuned, variant, call.args, setting, **call.kwargs)
        count.fast += call.of(tuned.decision).variant == variant.name
    for attempt in ("first", "second"):  # the second meets code that knows of the first
        theirs, ours = trial.make(), trial.make()
        expected, found = outcome(tuned.reference, theirs, all=how), outcome(tuned, ours, all=how)
        count.calls += 1
        said = _difference(kernel, variant, call, eligible, expected, found, theirs, ours)
        if said is not None:
            count.differences.append(f"{kernel.name}, {variant.name} {setting}, {trial.name}, {how}, {attempt}: {said}")


def _eligible(kernel, variant, call: Call, *, aligned: bool = False) -> bool:
    """Whether a variant may serve a call; with `aligned`, the same call of arrays that are."""
    if aligned:
        call = Call(tuple(map(_aligned, call.args)), {name: _aligned(value) for name, value in call.kwargs.items()})
    try:
        signature = signature_of(kernel, call.of(kernel.bind))
    except TypeError:
        return False
    return not isinstance(signature, NotCovered) and not_covered(kernel, variant, signature) is None


def _aligned(value):
    return value.copy() if type(value) is np.ndarray and not value.flags.aligned else value


def _difference(kernel, variant, call, eligible, expected, found, theirs: Call, ours: Call) -> str | None:
    """What differs, if anything does."""
    if found._replace(result=None) != expected._replace(result=None):
        return f"{found._replace(result=None)}, the reference: {expected._replace(result=None)}"
    if type(found.result) is not type(expected.result):
        return f"a {type(found.result).__name__}, the reference: a {type(expected.result).__name__}"
    given = zip((*ours.args, *ours.kwargs.values()), (*theirs.args, *theirs.kwargs.values()), strict=True)
    written = ours.kwargs.get("out")
    for after, expected_after in given:
        if isinstance(after, np.ndarray) and after is not written and not np.may_share_memory(after, written):
            try:
                np.testing.assert_array_equal(after, expected_after, strict=True)
            except AssertionError:
                return "an argument was changed"
    if expected.raised:
        return None
    # Arrays that are not aligned are told by compiled code alone, for the test would take as long as all the others;
    # what serves them is as near to the reference as for other arrays.
    if not eligible and not _eligible(kernel, variant, call, aligned=True):
        return _unequal(expected.result, found.result)
    try:
        compare(expected.result, found.result, bounds_of(kernel.name, call, variant))
    except Mismatch as mismatch:
        return str(mismatch)
    return None


def _unequal(expected, found) -> str | None:
    """What differs to the last bit."""
    if isinstance(expected, tuple):
        said = [_unequal(*pair) for pair in zip(expected, found, strict=True)]
        return next((one for one in said if one is not None), None)
    if isinstance(expected, np.ndarray) and expected.flags.f_contiguous != found.flags.f_contiguous:
        return "another order"
    try:
        np.testing.assert_array_equal(found, expected, strict=True)
    except AssertionError as error:
        return str(error)
    return None


@row("kinds of input × kernels × variants", tries=4)
def inputs(tries: int) -> Outcome:
    total = Count()
    with own_store():
        os.environ["AUTOTUNE_MODE"] = "use"
        for seed in range(tries):
            for name in KERNELS:
                for dtype in PRECISIONS:
                    total.add(tried(name, dtype, seed, every=True))
    for said in total.differences[:20]:
        print(said, file=sys.stderr)
    note = (
        f"{len(total.differences)} differences in {total.calls:,} calls, {total.fast:,} of them decided for a variant"
    )
    return Outcome(tries, wrong=len(total.differences), note=note)


#: One of each kind; the others take minutes of compiling, and have a row of the table.
FEW = ("exp", "transpose_copy")


@pytest.mark.parametrize(
    "name",
    [
        name if name in FEW else pytest.param(name, marks=pytest.mark.soak)
        for name in KERNELS
        if MANNERS[name].unusual is not None  # the others take no arrays
    ],
)
def test_every_kind_of_input_gives_what_the_reference_gives(name, monkeypatch):
    monkeypatch.setenv("AUTOTUNE_MODE", "use")

    count = tried(name, "float64", seed=1, every=False)

    assert count.differences == []
    assert count.fast > 5
