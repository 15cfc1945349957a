"""Records to fill stores with, for tests of the store alone; nothing of them was measured."""

from __future__ import annotations

import random
import re

import msgspec
import numpy as np

from autotune import tunable
from autotune.kernel.signature import signature_of
from autotune.store.record import Record
from tests.records import leaf, record, split

X = np.ones(3)


@tunable(size={"n": "x.size"})
def work(x):
    return x


work.variant(lambda x: x + 0, kind="scalar", name="v")
work.variant(lambda x, *, block: x + 0, kind="blocked", name="b", params={"block": [8, 64]})

KERNEL = work.__autotune__.kernel
KEY = signature_of(KERNEL, {"x": X}).key


def made(**provenance) -> Record:
    """The record of `work`."""
    return record(work, (X,), split("n", 10, leaf("v"), leaf("b", block=8)), **provenance)


def marked(number: int, rng: random.Random) -> Record:
    """A record of a kernel of its own, as long as real ones are, with its number on every page it fills."""
    filling = f"<{number:04}>" * rng.randrange(1, 10_000)
    return msgspec.structs.replace(made(), kernel=f"other:k{number:04}", skipped=[filling])


def pages_of(content: bytes) -> dict[int, set[int]]:
    """The pages of a database that hold something of each marked record, by its number."""
    found: dict[int, set[int]] = {}
    for start in range(4096, len(content), 4096):
        page = content[start : start + 4096]
        keys = re.findall(rb"other:k(\d{4})\|", page) if page[0] == 0x0D else []
        for number in {int(digits) for digits in (*keys, *re.findall(rb"<(\d{4})>", page))}:
            found.setdefault(number, set()).add(start)
    return found
