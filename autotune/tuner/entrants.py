"""Which candidates may compete for a signature here, why the others may not, and which of them there is time for.

Knows nothing of how they are verified and timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..compile.build import cached
from ..compile.lazy import reaches_compiled_code
from ..kernel.boxes import Handling
from ..kernel.coverage import ineligible
from ..kernel.invocation import Invocation
from ..kernel.model import REFERENCE, Candidate, Kernel, Variant
from ..kernel.signature import Signature
from ..measure.race import Contestant
from ..search.strategy import MAX_EXHAUSTIVE

#: Seconds that compiling is predicted to take a core that has the machine for itself: serial and parallel code of some
#: twenty lines, Numba already imported (medians of the shipped kernels on a 2-core machine); loading of what is cached.
COMPILE_S = {False: 0.4, True: 1.2}
LOAD_S = 0.03
#: Compiling on all cores at once takes so many times as long on each (14.3 s on each of two hyperthreads for what was
#: predicted as 4.8 s on one: kernels of an image pipeline).
CROWDED = 3.0


@dataclass
class Entrant:
    """A candidate that is admitted."""

    candidate: Candidate
    function: Callable[..., object]
    invocation: Invocation
    handling: Handling = field(default_factory=Handling)


@dataclass(frozen=True)
class Entrants:
    """The variants that may win, cheapest to try first."""

    variants: tuple[Variant, ...]
    #: Variants that may not, with the reason.
    excluded: Mapping[str, str] = field(default_factory=dict)


def entrants(kernel: Kernel, signature: Signature, *, numerics: str, cores: int) -> Entrants:
    """The variants that may win for a signature.

    Parameters
    ----------
    numerics : str
        The loosest class that may win.
    cores : int
        Usable cores; with one, threads cannot win.
    """
    excluded: dict[str, str] = {}
    able = []
    for variant in kernel.variants.values():
        reason = ineligible(kernel, variant, signature, numerics=numerics, cores=cores)
        if reason is None:
            able.append(variant)
        else:
            excluded[variant.name] = reason
    return Entrants(tuple(cheapest_first(able)), excluded)


def uses_compiler(variant: Variant) -> bool:
    return variant.compiled or reaches_compiled_code(variant.function)


def static_count(variant: Variant) -> int:
    """How many compilations its static parameters take."""
    count = 1
    for name in variant.space.static_names:
        count *= len(variant.space.parameters[name].values())
    return count


def compiling_s(kernel: Kernel, variant: Variant) -> float:
    """Seconds that compiling a variant in all its settings is predicted to take."""
    if cached(kernel, Candidate(variant.name, variant.space.default)):
        return LOAD_S
    return COMPILE_S[variant.threads] * static_count(variant)


def compiling_together_s(kernel: Kernel, variants: Collection[Variant], cores: int) -> float:
    """Seconds that compiling variants on all cores at once is predicted to take."""
    each_s = [compiling_s(kernel, variant) for variant in variants if uses_compiler(variant)]
    together = min(cores, len(each_s))
    return sum(each_s) * (CROWDED / together if together > 1 else 1.0)


def cheapest_first(variants: Iterable[Variant], likely: Collection[str] = ()) -> list[Variant]:
    """Plain code, compiled code, parallel compiled code; of each, the likely ones, and then what is soon compiled."""
    return sorted(variants, key=lambda v: (uses_compiler(v), v.threads, v.name not in likely, static_count(v)))


def affordable(
    kernel: Kernel, variants: Iterable[Variant], deadline_s: float, untried: list[str], *, ready: Collection[str] = ()
) -> Iterator[Variant]:
    """The variants for which there is time when it is their turn; the names of the others are noted.

    One is always compiled, however little time is left: the next process then finds it in the cache.

    Parameters
    ----------
    untried : list of str
        The names of those for which there is no time are added to it.
    ready : collection of str
        Names of variants that are compiled already.
    """
    compiled = False
    for variant in variants:
        predicted_s = compiling_s(kernel, variant) if uses_compiler(variant) else 0.0
        if variant.name in ready:
            predicted_s = min(predicted_s, LOAD_S)
        if time.monotonic() + predicted_s > deadline_s and (not predicted_s or compiled):
            untried.append(variant.name)
            continue
        compiled = compiled or predicted_s > LOAD_S
        yield variant


def small_candidates(variant: Variant) -> list[Candidate] | None:
    """Every candidate of a variant, or None where its space is too large to race whole."""
    if variant.space.count(MAX_EXHAUSTIVE + 1) > MAX_EXHAUSTIVE:
        return None
    return [Candidate(variant.name, config) for config in variant.space]


def contestant(kernel: Kernel, candidate: Candidate, cores: int) -> Contestant:
    """What a race knows of a candidate."""
    if candidate.variant == REFERENCE:
        return Contestant(REFERENCE, is_reference=True)
    variant = kernel.variants[candidate.variant]
    return Contestant(str(candidate), threads=max(cores, 2) if variant.threads else 1)
