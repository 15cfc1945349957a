"""Decisions without measurements: every signature is served by a variant from its first call on.

Stands where the tuner stands: a miss asks `first_use`, which answers with one of the variants that may win, another
one each turn. So the calls go the way of all calls, through the code that the dispatcher makes. Knows nothing of tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autotune.dispatch import learning, routes
from autotune.dispatch.plan import ToVariant
from autotune.dispatch.policy import Refusal, Spending
from autotune.kernel.coverage import ineligible
from autotune.kernel.model import Kernel, Variant
from autotune.kernel.signature import Signature
from autotune.machine.cores import usable_cores
from autotune.store.record import Record
from tests.records import leaf, record_of

#: (kernel, variant) → calls that reached it.
served: Counter[tuple[str, str]] = Counter()
#: Which of the variants that may win serves next, modulo their number.
turn = 0
#: The most variants that one signature has had to choose from since this was last set to 0.
most_to_choose_from = 0


def eligible(kernel: Kernel, signature: Signature, numerics: str) -> list[Variant]:
    """The variants that may win."""
    return [
        variant
        for variant in kernel.variants.values()
        if ineligible(kernel, variant, signature, numerics=numerics, cores=usable_cores().count) is None
    ]


def first_use(
    kernel: Kernel, signature: Signature, values: Mapping[str, object], *, known: Any, budget_s: float, numerics: str
) -> Record | Refusal:
    """What `autotune.tuner.first_use` is asked, answered without measuring."""
    global most_to_choose_from
    variants = eligible(kernel, signature, numerics)
    most_to_choose_from = max(most_to_choose_from, len(variants))
    if not variants:
        return Refusal("no variant covers it", passing=False)
    variant = variants[turn % len(variants)]
    smallest = dict(next(iter(variant.space), ()))  # the more blocks, the more of the code runs
    decision = leaf(variant.name, single="reference" if variant.threads else None, **smallest)
    return record_of(kernel, signature, decision)


@contextmanager
def deciding() -> Iterator[None]:
    """Within the context, variants serve, and their calls are counted."""
    load = routes.load_variant

    def counted(kernel: Kernel, candidate: Any, *more: Any) -> ToVariant:
        target = load(kernel, candidate, *more)
        function, key = target.function, (kernel.name, candidate.variant)

        def counting(*args: Any, **kwargs: Any) -> Any:
            served[key] += 1
            return function(*args, **kwargs)

        return target.replace(function=counting)

    before = learning.TUNER, learning.spending
    learning.TUNER, learning.spending = __name__, Spending(spent_s=float("-inf"))
    routes.load_variant = counted
    try:
        yield
    finally:
        learning.TUNER, learning.spending = before
        routes.load_variant = load


def forget(tuned: Any) -> None:
    """Have the next call of each signature decided anew."""
    if tuned.cache_info().currsize:
        tuned.cache_clear()
