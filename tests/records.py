"""Records made by hand, for tests of what happens once something is decided."""

from __future__ import annotations

from autotune.dispatch.routes import variant_hash
from autotune.kernel.signature import signature_of
from autotune.machine import fingerprint
from autotune.store.record import SCHEMA, Cell, Choice, Leaf, Measurement, Pick, Provenance, Record, Split, Variants


def leaf(name: str, single: str | None = None, **params) -> Leaf:
    boxing, finite = params.pop("boxing", None), params.pop("finite", "")
    return Leaf(Pick(name, params, boxing, finite), Pick(single) if single else None)


def split(feature: str, at: int, below, above) -> Split:
    return Split(feature, at, below, above)


def cell(size: dict[str, int], **medians_s: float) -> Cell:
    """A measured size, with the time of each candidate."""
    measured = [Measurement(Choice(name), median_s) for name, median_s in medians_s.items()]
    return Cell(size, Choice(min(medians_s, key=medians_s.__getitem__)), "measured", measured)


def record_of(kernel, signature, decision, *, cells=(), **provenance) -> Record:
    """A record of this machine for a signature."""
    machine = fingerprint()
    about = {"origin": "calibrate", "created_s": 0.0, "tool": "test", "compiled": {}, **provenance}
    return Record(
        schema=SCHEMA,
        kernel=kernel.id,
        signature=signature.key,
        sizes=kernel.size.texts(),
        numerics="reassociated",
        decision=decision,
        cells=list(cells),
        variants=Variants(
            sources={name: variant_hash(kernel, name) for name in ("reference", *kernel.variants)},
        ),
        provenance=Provenance(hard=dict(machine.hard), soft=dict(machine.soft), **about),
    )


def record(tuned, args, decision, *, kwargs=None, cells=(), **provenance) -> Record:
    """A record of this machine for the signature of a call."""
    kernel = tuned.__autotune__.kernel
    signature = signature_of(kernel, kernel.bind(*args, **(kwargs or {})))
    return record_of(kernel, signature, decision, cells=cells, **provenance)


def decide(tuned, args, decision, **kwargs) -> None:
    """Have calls like this one served by a decision from now on."""
    kernel = tuned.__autotune__.kernel
    made = record(tuned, args, decision, kwargs=kwargs)
    tuned.__autotune__.dispatcher.install(signature_of(kernel, kernel.bind(*args, **kwargs)), made, "store")


def decide_measured(tuned, args, decision, *cells: Cell) -> None:
    """The same, with the times on which the decision rests."""
    kernel = tuned.__autotune__.kernel
    made = record(tuned, args, decision, cells=cells)
    tuned.__autotune__.dispatcher.install(signature_of(kernel, kernel.bind(*args)), made, "store")


def decide_watched(tuned, variant, args, setting, **kwargs) -> None:
    """Have such calls served by a variant; one that uses threads is watched, so patiently that it is never slow."""
    kernel = tuned.__autotune__.kernel
    values = kernel.bind(*args, **kwargs)
    winner = leaf(variant.name, single="reference" if variant.threads else None, **setting)
    size = {name: max(1, value) for name, value in kernel.size_of(values).items()}
    made = record(tuned, args, winner, kwargs=kwargs, cells=[cell(size, **{variant.name: 1000.0})])
    tuned.__autotune__.dispatcher.install(signature_of(kernel, values), made, "store")


def slow_calls(tuned) -> int:
    """Calls that did not stay in the compiled path."""
    info = tuned.cache_info()
    return info.hits + info.misses


def stays_in_compiled_code(tuned, *args, **kwargs) -> bool:
    """Whether such a call is served without entering the slow path, once it is known."""
    dispatcher = tuned.__autotune__.dispatcher
    tuned(*args, **kwargs)
    entered = []
    for name in ("_miss", "_rescue"):
        original = dispatcher.namespace.globals[name]
        dispatcher.namespace.globals[name] = lambda *a, f=original: (entered.append(1), f(*a))[1]
        try:
            tuned(*args, **kwargs)
        finally:
            dispatcher.namespace.globals[name] = original
    return not entered
