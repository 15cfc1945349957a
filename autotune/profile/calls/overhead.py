"""What the call of a kernel takes beyond that of the variant, measured on code from the dispatcher's own generator.

Knows nothing of what a program calls.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import lru_cache
from inspect import Parameter
from typing import Any

import numpy as np

from ...compile.handled import Namespace
from ...dispatch.codegen import Emitter
from ...dispatch.face import Face
from ...dispatch.plan import Branch, Plan, Route, ToReference
from ...dispatch.routes import load_variant
from ...kernel.boxes import Handling
from ...kernel.model import Candidate, Kernel, Variant
from ...kernel.signature import DTYPES, Signature, signature_of
from ...kernel.sizes import Size
from ...space import Space

#: So many calls in a row, and so many rows, of which the quickest counts: some 2 ms in all.
CALLS, ROWS = 500, 9
NAME = "nothing"


def _nothing(x: np.ndarray) -> None:
    """The variant that does nothing."""


@lru_cache(maxsize=1)
def dispatch_s() -> float:
    """Seconds that a call of one contiguous array takes beyond that of what serves it, with one threshold passed."""
    kernel = _kernel()
    x = np.ones(2)
    signature = signature_of(kernel, {"x": x})
    assert isinstance(signature, Signature), "an array of float64 has one"
    target = load_variant(kernel, Candidate(NAME), signature, Handling())
    plan = Plan([Route(signature, Branch("n", 1, ToReference(), target))])
    namespace = Namespace(
        _type=type, _ndarray=np.ndarray, _canonical=DTYPES.get, _reference=_nothing, _miss=_nothing, _rescue=_nothing
    )
    emitter = Emitter(kernel, Face(kernel), plan, namespace)
    function = namespace.define(emitter.source(), emitter.function_name, "<autotune overhead>")
    return max(0.0, _quickest_s(function, x) - _quickest_s(_nothing, x))


def _kernel() -> Kernel:
    parameters = {"x": Parameter("x", Parameter.POSITIONAL_OR_KEYWORD)}
    kernel = Kernel(
        id=f"{__name__}:{NAME}", name=NAME, reference=_nothing, parameters=parameters,
        size=Size({"n": "x.size"}, parameters=parameters, owner=NAME), inputs=None, calibrate=(), static=frozenset(),
        tolerance=None, normwise=False, mutates=frozenset(), elementwise=False, numerics=None, foreign=False,
    )  # fmt: skip
    variant = Variant(
        name=NAME, kind="scalar", function=_nothing, jit=None, space=Space.declare({}, where=None, owner=NAME),
        when=None, requires=(), numerics="bitwise", threads=False, parameters=parameters,
    )  # fmt: skip
    return kernel.with_variant(variant)


def _quickest_s(function: Callable[..., Any], x: np.ndarray) -> float:
    least = 1.0
    for _ in range(ROWS):
        calls = itertools.repeat(None, CALLS)
        begun_s = time.perf_counter()
        for _one in calls:
            function(x)
        least = min(least, time.perf_counter() - begun_s)
    return least / CALLS
